"""Many small participants on one worker and on two, and workers that are killed.

usage: python benchmarks/people.py [PEOPLE]
Simulated patients (default: 200) who have nothing but a lesion mask in the standard space are
processed by one process, then by two, then by two of which one is killed (SIGKILL) every 30 s;
and again by one process where everything is done. What the machine gives two processes that share
nothing but its memory is seen in two runs at once, of half the people each. Prints wall seconds,
the time that a participant costs beyond its steps, and ratios. Ends with 1 if two workers are less
than 1.8 times as fast, a participant costs more than 50 ms, killing costs more than 15 % or
anybody, or files differ.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np

from motor_bids_app.simulation.people import draw_cohort
from motor_bids_app.simulation.sampling import grid_points
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.levels.conftest import contents  # noqa: E402

FASTER, UNIT_SECONDS, KILL_SECONDS, KILL_COST = 1.8, 0.05, 30.0, 1.15
SPACE = "MNI152NLin2009aSym"
CHANGING = re.compile(r"logs/(.*\.(log|jsonl)|participants_status.tsv|\.lock)")  # times, memory


def write_people(root, people, seed=0):
    """Write a dataset of patients with a lesion mask and FMA-UE; return how many have a lesion."""
    grid = standard_grid(2)
    points = grid_points(grid).reshape(-1, 3).astype(np.float32)
    brain = np.asarray(load_template("brain", 2).dataobj).ravel() > 0
    root.mkdir(parents=True)
    (root / "dataset_description.json").write_text('{"Name": "P", "BIDSVersion": "1.10.0"}')
    rows = ["participant_id\tage\tsex\ttime_since_stroke\tfma_ue"]
    for person in draw_cohort(people, 0, seed):
        covered = np.zeros(len(points), dtype=np.uint8)
        covered[brain] = person.lesion.covers(points[brain])
        if covered.sum() < 8:  # outside the brain
            continue
        name = f"sub-{person.label}"
        path = root / name / "anat" / f"{name}_space-{SPACE}_label-L_mask.nii.gz"
        path.parent.mkdir(parents=True)
        nib.save(nib.Nifti1Image(covered.reshape(grid.shape), grid.affine), path)
        rows.append(f"{name}\t{person.age}\t{person.sex}\t{person.months}\t{person.scores[0]}")
    (root / "participants.tsv").write_text("\n".join(rows) + "\n")
    (root / "participants.json").write_text('{"time_since_stroke": {"Units": "months"}}')
    return len(rows) - 1


def command(raw, output, n_procs, level="participant", *words):
    """Command line of a level, one thread a process."""
    return [
        sys.executable, "-m", "motor_bids_app", str(raw), str(output), level, "--nprocs",
        str(n_procs), "--omp-nthreads", "1", "--device", "cpu", "--skip-bids-validation", *words,
    ]  # fmt: skip


def timed(words, kill_every=None):
    """Wall seconds of a run, and how many of its workers were killed meanwhile."""
    start, kills = time.perf_counter(), 0
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(words, env=env, stdout=said, stderr=said)
        while process.poll() is None:
            try:
                process.wait(kill_every)
            except subprocess.TimeoutExpired:
                kills += kill_worker(process.pid)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"exit {process.returncode}:\n{said.read()[-3000:]}")
    return time.perf_counter() - start, kills


def halves(raw, folder):
    """Wall seconds of two runs at once, of half the people each."""
    start = time.perf_counter()
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    runs = [
        subprocess.Popen(
            command(raw, folder / f"half{part}", 1, "participant", "--shard", f"{part}/2"),
            env=env,
            **silent,
        )
        for part in (1, 2)
    ]
    codes = [run.wait() for run in runs]
    if any(codes):
        raise RuntimeError("a run of half the people failed")
    return time.perf_counter() - start


def kill_worker(parent):
    """Kill the oldest worker of a run; return how many that were."""
    for path in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            is_ours = int((path / "stat").read_text().rsplit(")", 1)[1].split()[1]) == parent
            if is_ours and b"spawn_main" in (path / "cmdline").read_bytes():
                os.kill(int(path.name), signal.SIGKILL)
                return 1
        except (FileNotFoundError, ProcessLookupError):
            continue
    return 0


def worked(output):
    """Seconds that steps took in the last run, as its log for programs has it."""
    path = max((output / "logs").glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    events = map(json.loads, path.read_text().splitlines())
    return sum(step["seconds"] for event in events for step in event.get("steps", {}).values())


def results(output):
    """All files that are to be the same whoever did them."""
    found = contents(output)
    return {path: data for path, data in found.items() if not CHANGING.fullmatch(str(path))}


def main():
    """Print a line for each way of running; 1 if a limit is missed."""
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    ways = {"one": (1, None), "two": (2, None), "killed": (2, KILL_SECONDS)}
    with tempfile.TemporaryDirectory() as scratch:
        raw, folder = Path(scratch) / "raw", Path(scratch)
        people = write_people(raw, people)
        first = min(path.name for path in raw.glob("sub-*"))
        alone, _ = timed(
            command(raw, folder / "first", 1, "participant", "--participant-label", first)
        )
        start = alone - worked(folder / "first")
        print(f"start and end of a run: {start:.1f} s; load {os.getloadavg()[0]:.1f}", flush=True)
        walls, beside = {}, {}
        for name, (n_procs, kill_every) in ways.items():
            walls[name], kills = timed(command(raw, folder / name, n_procs), kill_every)
            beside[name] = n_procs * (walls[name] - start) - worked(folder / name)
            print(
                f"{name}: {people} people in {walls[name]:.1f} s, {kills} workers killed, "
                f"{1000 * beside[name] / people:.0f} ms of a worker beside the steps of each",
                flush=True,
            )
        found = [set(results(folder / name).items()) for name in ways]
        differing = sorted({str(path) for path, _ in set.union(*found) - set.intersection(*found)})
        again, _ = timed(command(raw, folder / "one", 1))
        bound = walls["one"] / halves(raw, folder)
    unit, kept = beside["one"] / people, (again - start) / people
    faster, cost = walls["one"] / walls["two"], walls["killed"] / walls["two"]
    print(f"two workers: {faster:.2f} times as fast (two runs of half the people: {bound:.2f})")
    print(f"killing: {cost:.2f} times as long")
    print(f"beside its steps a person takes {1000 * unit:.0f} ms, if done {1000 * kept:.0f} ms")
    print(f"files that differ: {', '.join(differing[:9]) or 'none'}; load {os.getloadavg()[0]:.1f}")
    return int(faster < FASTER or unit > UNIT_SECONDS or cost > KILL_COST or bool(differing))


if __name__ == "__main__":
    sys.exit(main())
