"""Runs of the group level that are killed at random moments, and go on.

usage: python benchmarks/chaos.py [KILLS] [SEED]
A small network experiment (see `apart`) by one process, by two, and by two shards with a last run
is killed with all its processes (SIGKILL) at moments drawn over its length, and started again with
the same command, until KILLS (default: 30) are spent; then it may end. Ends with 1 if files differ
from those of a run that nobody killed, or if anything is left in the work folder.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from apart import command, files, fresh, prepare, timed

EPOCHS = 20
SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def ended(words: list[str], seconds: float | None) -> bool:
    """Start a command, and end all its processes after some time; True if it was done before."""
    process = subprocess.Popen(words, start_new_session=True, **SILENT)
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False
    if code:
        raise RuntimeError(f"exit {code} of a run that nobody killed: {' '.join(words)}")
    return True


def survive(runs: list[list[str]], kills: int, length: float, moments: random.Random) -> int:
    """Do some commands one after the other, killing each; return how often that was."""
    spent = 0
    for words in runs:
        left = kills // len(runs)
        while not ended(words, moments.uniform(0, length) if left else None):
            left, spent = left - 1, spent + 1
    return spent


def main() -> int:
    """Print a line for each way of running; 1 if a limit is missed."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    moments = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    os.environ["OMP_NUM_THREADS"] = "1"
    missed = False
    with tempfile.TemporaryDirectory() as scratch:
        cohort = prepare(Path(scratch), EPOCHS)
        output = fresh(cohort, "whole")
        length, _ = timed(command(cohort, output, 1))
        expected = files(output)
        for name, n_procs, shards in (("one", 1, 0), ("two", 2, 0), ("shards", 1, 2)):
            output, start = fresh(cohort, name), time.perf_counter()
            runs = [
                command(cohort, output, n_procs, "--shard", f"{part}/{shards}")
                for part in range(1, shards + 1)
            ]
            runs.append(command(cohort, output, n_procs))
            spent = survive(runs, kills // 3, length, moments)
            left = [path.name for path in Path(f"{output}-work").rglob("*") if path.is_file()]
            same = files(output) == expected
            missed |= not same or bool(left)
            print(
                f"{name}: {spent} kills, {time.perf_counter() - start:.0f} s "
                f"(alone {length:.0f} s), {'the same' if same else 'OTHER'} files, "
                f"{len(left)} left in the work folder",
                flush=True,
            )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
