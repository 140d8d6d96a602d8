"""Trainings of an experiment on one process and on two: time, and the same bytes.

usage: python benchmarks/apart.py [EPOCHS]
Runs a small network experiment (26 people, FA at 4 mm, 2 folds, 5 trainings of each, permutations,
6 on everyone) by one process, then by two, each a fresh command with a work folder of its own.
Prints wall and CPU seconds and the ratio of wall times; ends with 1 if files differ. Start and
end are in both: the more epochs (default: 60), the nearer the ratio comes to that of trainings.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.levels.conftest import FakeCohort, contents, make_cohort  # noqa: E402

EXPERIMENT = """
base = "karakis2023"
name = "network"
[inputs]
maps = ["fa"]
resolution = 4
[model]
rungs = ["prevalence"]
widths = [4, 4, 4, 4]
n_residuals = 1
hidden = 4
[training]
epochs = {epochs}
trainings = 5
[validation]
scheme = "repeated_kfold"
folds = 2
repeats = 1
permutations = 0
refits = 2
[comparisons]
layers = []
[explanation]
methods = ["gradcam"]
people_per_test = 1
[as_published]
protocols = []
"""


def prepare(folder: Path, epochs: int) -> FakeCohort:
    """Write derivatives of people, and the experiment."""
    cohort = make_cohort(folder)
    (folder / "network.toml").write_text(EXPERIMENT.format(epochs=epochs))
    return cohort


def command(cohort: FakeCohort, output: Path, n_procs: int, *words: str) -> list[str]:
    """Command line of the group level."""
    folder = cohort.raw.parent
    return [
        sys.executable, "-m", "motor_bids_app", str(cohort.raw), str(output), "group",
        "--experiment", str(folder / "network.toml"), "--work-dir", str(output) + "-work",
        "--nprocs", str(n_procs), "--omp-nthreads", "1", "--device", "cpu", *words,
    ]  # fmt: skip


def files(output: Path) -> dict[Path, bytes]:
    """All files of the experiment."""
    return contents(output / "experiments" / "network")


def fresh(cohort: FakeCohort, name: str) -> Path:
    """A copy of the derivatives."""
    output = cohort.raw.parent / name
    shutil.copytree(cohort.output, output)
    return output


def timed(words: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a command, its processes included."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(words, check=True, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, used


def main() -> int:
    """Print a line for each number of processes; 1 if what they write differs."""
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as scratch:
        cohort, walls, written = prepare(Path(scratch), epochs), [], []
        for n_procs in (1, 2):
            output = fresh(cohort, f"out{n_procs}")
            wall, used = timed(command(cohort, output, n_procs))
            print(f"{n_procs} processes: {wall:.1f} s, {used:.1f} CPU s", flush=True)
            walls.append(wall)
            written.append(files(output))
    same = written[0] == written[1]
    print(f"{walls[0] / walls[1]:.2f} times as fast; {'the same' if same else 'OTHER'} files")
    return int(not same)


if __name__ == "__main__":
    sys.exit(main())
