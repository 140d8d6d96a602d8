"""Install the app afresh in every way that docs/installation.md names, and try each installation.

usage: python tools/try_install.py [--ways index cpu wheels] [--pythons python3.11 python3.12 ...]

    index   the usual package index alone: PyTorch's build for GPUs on Linux
    cpu     the usual index, and beside it one with PyTorch's CPU build. Where the environment names
            no such index (PIP_EXTRA_INDEX_URL), a server on this machine stands in for it, with the
            wheels of the folder WHEELS
    wheels  the usual index, and the folder WHEELS (PIP_FIND_LINKS)

Each environment is made in a temporary folder, and removed when it was tried: versions of Python
and PyTorch, a simulated participant, and the tests of the command line.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parent.parent
WHEELS = os.environ.get("WHEELS") or os.environ.get("PIP_FIND_LINKS", "")
SETTINGS = ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_CONFIG_FILE")


class Silent(SimpleHTTPRequestHandler):
    """Gives files, and logs nothing."""

    def log_message(self, *_: object) -> None:  # noqa: D102
        return


@contextmanager
def served(wheels: Path) -> Iterator[str]:
    """Address of a package index on this machine that has the wheels of PyTorch in a folder."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "torch"
        place.mkdir()
        links = []
        for wheel in sorted(wheels.glob("torch-*.whl")):
            (place / wheel.name).symlink_to(wheel)
            digest = sha256(wheel.read_bytes()).hexdigest()
            links.append(f'<a href="{wheel.name}#sha256={digest}">{wheel.name}</a>')
        (place / "index.html").write_text("\n".join(links))
        handler = partial(Silent, directory=folder)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def run(*words: str | Path, environment: dict[str, str]) -> str:
    """Run a command to its end, and return what it printed."""
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}"[-2000:])
    return done.stdout


def try_one(python: str, environment: dict[str, str]) -> str:
    """Install in a fresh environment with this Python, and return a line about it."""
    with tempfile.TemporaryDirectory() as folder:
        copy, start = Path(folder) / "app", time.monotonic()
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*venv*", "demo", "*.egg-info"))
        bin_, call = copy / ".venv" / "bin", partial(run, environment=environment)
        call(python, "-m", "venv", copy / ".venv")
        torch = call(bin_ / "python", copy / "tools" / "install.py", "--dev").split()[-1]
        seconds = time.monotonic() - start
        version = call(bin_ / "python", "-c", "import platform; print(platform.python_version())")
        size = sum(p.stat().st_size for p in (copy / ".venv").rglob("*") if p.is_file()) / 2**30
        call(
            bin_ / "motor_bids_simulate",
            Path(folder) / "bids",
            "--participants",
            "1",
            "--controls",
            "0",
            "--voxel-size",
            "4",
        )
        call(
            bin_ / "motor_bids_app",
            Path(folder) / "bids",
            Path(folder) / "out",
            "participant",
            "--sloppy",
            "--modalities",
            "anat",
        )
        tests = call(
            bin_ / "python",
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            copy / "tests/cli",
            "--rootdir",
            copy,
        )
        passed = tests.strip().splitlines()[-1].strip(" .=[]10%") or "passed"
        return (
            f"Python {version.strip()}, torch {torch}: installed in {seconds:.0f} s, "
            f"{size:.1f} GiB; one participant simulated and processed; tests/cli {passed}"
        )


def environment_of(way: str, index: str | None) -> dict[str, str]:
    """Environment variables that make pip look where this way says."""
    variables = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    variables |= {"PIP_CONFIG_FILE": os.devnull, "OMP_NUM_THREADS": "1"}
    if way == "cpu":
        variables["PIP_EXTRA_INDEX_URL"] = index or os.environ["PIP_EXTRA_INDEX_URL"]
    if way == "wheels":
        variables["PIP_FIND_LINKS"] = WHEELS
    return variables


def main() -> None:
    """Try every way with every Python; exit status 1 if one fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ways", nargs="+", default=["index", "cpu", "wheels"])
    parser.add_argument("--pythons", nargs="+", default=["python3.11", "python3.12", "python3.13"])
    args, failed = parser.parse_args(), False
    with served(Path(WHEELS)) as stand_in:
        index = None if "PIP_EXTRA_INDEX_URL" in os.environ else stand_in
        for way in args.ways:
            for python in filter(shutil.which, args.pythons):
                try:
                    line = try_one(python, environment_of(way, index))
                except RuntimeError as error:
                    line, failed = f"{python} FAILED: {error}", True
                print(f"{way}: {line}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
