"""Runs that are killed at random moments, and go on.

usage: python benchmarks/chaos.py [KILLS] [SEED]
Four kinds of runs are killed with all their processes (SIGKILL) at moments drawn over their length,
and started again with the same command until they end; then anew, until KILLS (default: 40) are
spent, a quarter on each kind: the participant level of simulated people with anatomy and diffusion,
on two processes; and a small network experiment (see `apart`) by one process, by two, and by two
shards with a last run. Ends with 1 if files differ from those of a run that nobody killed, or if
anything is left in the work folder.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from apart import command, files, fresh, prepare, timed
from people import command as on_people
from people import results

from motor_bids_app.levels.simulate.dataset import SimulationSettings
from motor_bids_app.levels.simulate.level import run as simulate

EPOCHS = 2
PEOPLE, VOXEL_SIZE, DIRECTIONS = 4, 5.0, 8
SILENT = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
Runs = list[list[str]]


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


def survive(runs: Runs, kills: int, length: float, moments: random.Random) -> int:
    """Do some commands one after the other, killing each; return how often that was."""
    spent = 0
    for words in runs:
        while not ended(words, moments.uniform(0, length) if spent < kills else None):
            spent += 1
    return spent


def simulated(folder: Path) -> Path:
    """Write a dataset of a few people with coarse images."""
    raw = folder / "people"
    settings = SimulationSettings(
        output_dir=raw, n_participants=PEOPLE, n_controls=0, voxel_size=VOXEL_SIZE,
        n_directions=DIRECTIONS, seed=3,
    )  # fmt: skip
    simulate(settings)
    return raw


def ways(folder: Path) -> Iterator[tuple[str, Callable[[str], tuple[Path, Runs]], Callable]]:
    """Each kind of runs: its name, what begins one (its folder and commands), and its results."""
    raw = simulated(folder)

    def people(name: str) -> tuple[Path, Runs]:
        return folder / name, [on_people(raw, folder / name, 2, "participant", "--sloppy")]

    yield "people", people, results
    cohort = prepare(folder, EPOCHS)

    def network(n_procs: int, shards: int) -> Callable[[str], tuple[Path, Runs]]:
        def begin(name: str) -> tuple[Path, Runs]:
            output = fresh(cohort, name)
            parts = [("--shard", f"{part}/{shards}") for part in range(1, shards + 1)]
            return output, [command(cohort, output, n_procs, *part) for part in (*parts, ())]

        return begin

    for name, n_procs, shards in (("one", 1, 0), ("two", 2, 0), ("shards", 1, 2)):
        yield name, network(n_procs, shards), files


def main() -> int:
    """Print a line for each way of running; 1 if a limit is missed."""
    kills = (int(sys.argv[1]) if len(sys.argv) > 1 else 40) // 4
    moments = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    os.environ["OMP_NUM_THREADS"] = "1"
    missed = False
    with tempfile.TemporaryDirectory() as scratch:
        for name, begin, results_of in ways(Path(scratch)):
            output, runs = begin(f"{name}-whole")
            length = sum(timed(words)[0] for words in runs)
            expected = results_of(output)
            spent, rounds, start = 0, 0, time.perf_counter()
            while spent < kills:
                rounds += 1
                output, runs = begin(f"{name}-{rounds}")
                spent += survive(runs, kills - spent, length, moments)
                left = [path.name for path in Path(f"{output}-work").rglob("*") if path.is_file()]
                same = results_of(output) == expected
                missed |= not same or bool(left)
                print(f"{name} {rounds}: {'the same' if same else 'OTHER'} files, {len(left)} left")
            print(
                f"{name}: {spent} kills in {rounds} runs, {time.perf_counter() - start:.0f} s "
                f"(alone {length:.0f} s)",
                flush=True,
            )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
