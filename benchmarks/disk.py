"""Runs whose disk is full at some moment, and go on when there is room again.

usage: python benchmarks/disk.py [MOMENTS]
The participant level of simulated people (on two processes) writes to a disk in memory that is full
when it has written a part of what it has to; likewise the group level with a small network (see
`apart`), its output and its work folder. Then there is room, and the same command is given again.
MOMENTS (default: 20) are spread over what is written. Ends with 1 unless each full disk ends with
74, a sentence and no traceback, and each second run with the files of one that had room.
Needs Linux, and to mount for itself (`unshare -Urm`).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from apart import command, files, prepare
from chaos import simulated
from people import command as on_people
from people import results

ROOM = 4 * 2**30  # bytes
EPOCHS = 2


def used(folder: Path) -> int:
    """Bytes that files take, in pages of a disk in memory."""
    found = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a temporary file that is gone meanwhile
            found += -(-path.stat().st_size // 4096) * 4096 if path.is_file() else 0
    return found


def resize(folder: Path, size: int, *how: str) -> None:
    """Give a disk in memory a size; `how` it is there already."""
    options = ",".join([f"size={size}", *how])
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)


def done(words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(words, check=False, capture_output=True, text=True)


def most_used(words: list[str], disk: Path) -> int:
    """Run a command that has room; return the most bytes that it had on the disk at a time."""
    most = 0
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(words, stdout=said, stderr=said)
        while process.poll() is None:
            most = max(most, used(disk))
            time.sleep(0.05)
        said.seek(0)
        assert process.returncode == 0, said.read()[-3000:]
    return max(most, used(disk))


def fill(
    words: list[str], disk: Path, moments: int, begin: Callable[[], None], found: Callable
) -> bool:
    """Run a command with a full disk at some moments; return whether all went as it should."""
    disk.mkdir(exist_ok=True)
    resize(disk, ROOM)
    begin()
    before = used(disk)
    written, expected = most_used(words, disk) - before, found()
    subprocess.run(["umount", disk], check=True)
    good = True
    for moment in range(moments):
        size = before + int(written * (moment + 0.5) / moments)
        resize(disk, ROOM)
        begin()
        resize(disk, size, "remount")
        full = done(words)
        resize(disk, ROOM, "remount")
        again = done(words)
        traced = "Traceback" in full.stderr + again.stderr
        same = again.returncode == 0 and found() == expected
        good &= full.returncode == 74 and not traced and same
        last = (full.stderr.strip().splitlines() or [""])[-1].replace(str(disk.parent), "")
        print(
            f"{disk.name} full at {size / 1e6:.2f} MB of {(before + written) / 1e6:.2f}: exit "
            f"{full.returncode}{', TRACEBACK' * traced}, then {again.returncode}, "
            f"{'the same' if same else 'OTHER'} files. {last[:150]}",
            flush=True,
        )
        subprocess.run(["umount", disk], check=True)
    return good


def fill_people(folder: Path, moments: int) -> bool:
    """Fill the output of the participant level."""
    raw, output = simulated(folder), folder / "people-out"
    words = on_people(raw, output, 2, "participant", "--sloppy")
    return fill(words, output, moments, lambda: None, lambda: results(output))


def fill_group(folder: Path, name: str, moments: int) -> bool:
    """Fill the output, or the work folder, of the group level."""
    cohort, output = prepare(folder / name, EPOCHS), folder / name / "out"
    work = Path(f"{output}-work")
    disk = {"output": output, "work": work}[name]

    def begin() -> None:
        for place in {output, work} - {disk}:
            shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(cohort.output, output, dirs_exist_ok=True)

    return fill(command(cohort, output, 1), disk, moments, begin, lambda: files(output))


def main() -> int:
    """Print a line for each moment; 1 if one did not go as it should."""
    if "ON_OWN_MOUNTS" not in os.environ:
        words = ["unshare", "-Urm", sys.executable, *sys.argv]
        os.execvpe(words[0], words, {**os.environ, "ON_OWN_MOUNTS": "1", "OMP_NUM_THREADS": "1"})
    moments = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as scratch:
        good = fill_people(Path(scratch), moments // 2)
        good &= fill_group(Path(scratch), "output", moments // 4)
        good &= fill_group(Path(scratch), "work", moments - moments // 2 - moments // 4)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
