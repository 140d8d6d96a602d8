"""Training steps of the six-branch network beside Keras, and their cost for larger cohorts.

usage: python benchmarks/train.py [--keras PYTHON] [--rounds 2] [--batches 4 2]
       python benchmarks/train.py --scale
Both networks come from the table of layers in `models.networks.networks`. Ours sees the brain box
of the 2 mm grid and reads a store on disk; Keras sees the full grid and arrays in memory, with
oneDNN.
Each measurement is a process of its own, and the two take turns. With `--scale`, which is a part of
the whole and takes minutes: whole epochs of a narrow network in a box of 10,000 voxels, with 50 to
5,000 people; whatever grows with the cohort shows there as well, and sooner than with wide layers.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import torch
from torch import nn

from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.levels.cohort.maps import brain_grid, experiment_mask
from motor_bids_app.levels.hardware import has_bfloat16, set_up_process
from motor_bids_app.models.networks.deep import NetworkClassifier
from motor_bids_app.models.networks.networks import (
    MultiBranchNetwork,
    branch_layers,
    count_parameters,
)
from motor_bids_app.models.training.batches import Batches, ScanDataset, Standardiser, balanced_rows
from motor_bids_app.spaces.grids import Grid, standard_grid

MAPS = ("fa", "md", "rd", "ad", "gm", "wm")
THREADS, STEPS = 2, 3
LEAST_GAIN, LEAST_GAIN_HALF = 2.0, 3.5  # samples per second over Keras, float32 and bfloat16
MOST_GIB, MOST_LOADING = 8.0, 0.05
COHORTS = (50, 500, 5000)
SMALL_BOX = Grid((20, 24, 20), np.diag([8.0, 8, 8, 1]))
SMALL_NETWORK: dict[str, Any] = {
    "widths": (4, 4, 4, 8),
    "n_residuals": 1,
    "hidden": 8,
    "batch_size": 4,
    "maps": MAPS,
}


def cohort(folder: Path, n_people: int) -> Samples:
    """People with maps of noise on disk; beyond 50 the file is sparse, and reads as zeros."""
    grid = brain_grid(2)
    shape = (n_people, len(MAPS), *grid.shape)
    data = np.lib.format.open_memmap(
        folder / f"{n_people}.npy", mode="w+", dtype=np.float16, shape=shape
    )
    store = VolumeStore.empty(n_people, MAPS, grid, data)
    rng = np.random.default_rng(0)
    for row in range(min(n_people, 50)):
        data[row] = rng.standard_normal(shape[1:], dtype=np.float32)
    store.present[:] = True
    table = pd.DataFrame({"participant_id": [f"sub-{k:04d}" for k in range(n_people)]})
    return Samples(table, store.volumes())


def ours(batch: int, n_people: int, precision: str) -> dict[str, float]:
    """Seconds per step, share of them for reading, and memory."""
    set_up_process(THREADS)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        volumes = cohort(Path(folder), n_people).volumes
        assert volumes is not None
        mask = experiment_mask("brain", volumes.grid)
        standardise = Standardiser.fit(volumes[np.arange(min(50, n_people))], MAPS, mask)
        labels = (np.arange(n_people) % 3 == 0).astype(np.int64)
        demographics = np.zeros((n_people, 3), dtype=np.float32)
        rows = balanced_rows(labels)
        dataset = ScanDataset(volumes, demographics, labels, standardise, rows)
        network = MultiBranchNetwork(len(MAPS), 3, 2).train()
        optimizer = torch.optim.SGD(network.parameters(), 1e-4, momentum=0.9, weight_decay=5e-3)
        batches, loading, seconds = iter(Batches(dataset, batch, seed=0)), [], []
        processor: list[float] = []
        for _ in range(STEPS + 1):
            start, before = time.perf_counter(), time.process_time()
            inputs, targets = next(batches)
            loading.append(time.perf_counter() - start)
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                loss = nn.functional.cross_entropy(network(**inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seconds.append(time.perf_counter() - start)
            processor.append(time.process_time() - before)
        return {
            "step": statistics.median(seconds[1:]),
            "cpu": statistics.median(processor[1:]),
            "loading": sum(loading[1:]) / sum(seconds[1:]),
            "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
            "anonymous_gib": anonymous_gib(),
            "parameters": count_parameters(network),
        }


def anonymous_gib() -> float:
    """Memory in use without that of files, which the system takes back when it needs it."""
    used = psutil.Process().memory_info()
    return float(used.rss - used.shared) / 2**30


def run(command: list[str]) -> dict[str, float]:
    environment = os.environ | {"OMP_NUM_THREADS": str(THREADS), "TF_ENABLE_ONEDNN_OPTS": "1"}
    done = subprocess.run(
        command,
        env=environment | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def run_ours(batch: int, n_people: int = 50, precision: str = "float32") -> dict[str, float]:
    plan = json.dumps({"batch": batch, "n_people": n_people, "precision": precision})
    return run([sys.executable, __file__, "--step", plan])


def run_keras(python: str, batch: int) -> dict[str, float]:
    plan = {
        "branches": len(MAPS),
        "layers": [tuple(layer) for layer in branch_layers()],
        "shape": standard_grid(2).shape,
        "batch": batch,
        "steps": STEPS,
        "threads": THREADS,
    }
    return run([python, str(Path(__file__).with_name("train_keras.py")), json.dumps(plan)])


def compare(python: str, batch: int, rounds: int) -> bool:
    """Print seconds per step of each in turn; whether all limits for this batch are met."""
    kinds = ["Keras", "ours", *(["ours, bfloat16"] if has_bfloat16() else [])]
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            half = kind == "ours, bfloat16"
            found[kind].append(
                run_keras(python, batch)
                if kind == "Keras"
                else run_ours(batch, precision="bfloat16" if half else "float32")
            )
    assert len({int(one["parameters"]) for runs in found.values() for one in runs}) == 1
    reference = statistics.median(one["step"] for one in found["Keras"])
    good = True
    for kind, runs in found.items():
        step = statistics.median(one["step"] for one in runs)
        peak = max(one["peak_gib"] for one in runs)
        gain = reference / step
        cpu = statistics.median(one["cpu"] for one in runs)
        line = f"batch {batch}  {kind:15} {step:7.2f} s ({cpu:.1f} s of the processor)"
        line += f"  {batch / step:6.3f} samples/s"
        line += f"  {gain:5.2f} times Keras  peak {peak:.2f} GiB"
        if kind != "Keras":
            loading = statistics.median(one["loading"] for one in runs)
            line += f"  reading {100 * loading:.1f} %"
            wanted = LEAST_GAIN if kind == "ours" else LEAST_GAIN_HALF
            good &= gain >= wanted and peak <= MOST_GIB and loading <= MOST_LOADING
        print(line, flush=True)
    return good


def epochs(n_people: int) -> dict[str, float]:
    """Seconds per person of an epoch of the training engine, and memory while it runs."""
    set_up_process(1)  # whose processor time is that of the work, also on a busy machine
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        data = np.lib.format.open_memmap(
            Path(folder) / "maps.npy",
            mode="w+",
            dtype=np.float16,
            shape=(n_people, len(MAPS), *SMALL_BOX.shape),
        )
        for row in range(n_people):
            data[row] = rng.standard_normal(data.shape[1:], dtype=np.float32)
        store = VolumeStore.empty(n_people, MAPS, SMALL_BOX, data)
        store.present[:] = True
        table = pd.DataFrame({"participant_id": [f"sub-{k:04d}" for k in range(n_people)]})
        table[["age", "sex", "time_since_stroke"]] = 0.0
        samples, labels = Samples(table, store.volumes()), np.arange(n_people) % 2
        model = NetworkClassifier(**SMALL_NETWORK, epochs=1)
        model.fit(samples[:100], labels[:100])  # libraries and kernels are loaded by now
        before, start = anonymous_gib(), time.process_time()
        model.set_params(epochs=max(1, 200 // n_people)).fit(samples, labels)
        seconds = (time.process_time() - start) / len(model.history_)
        return {
            "seconds": seconds,
            "person": seconds / n_people,
            "before_gib": before,
            "after_gib": anonymous_gib(),
        }


def scale() -> bool:
    """Print epochs and memory for ever larger cohorts; whether both are as they should be."""
    found: dict[int, Any] = {
        n: run([sys.executable, __file__, "--epochs", str(n)]) for n in COHORTS
    }
    for n, one in found.items():
        print(
            f"{n:5} people  {one['seconds']:7.2f} s of the processor an epoch with reading and "
            f"means, {1000 * one['person']:.2f} ms a person, {one['after_gib']:.2f} GiB in use",
            flush=True,
        )
    first, last = found[COHORTS[0]], found[COHORTS[-1]]
    return bool(
        last["person"] < 1.25 * first["person"] and last["after_gib"] < first["after_gib"] + 0.2
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keras", default=".venv-keras/bin/python")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--batches", type=int, nargs="+", default=[4, 2])
    parser.add_argument("--step", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--epochs", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--scale", action="store_true", help="only larger cohorts, without Keras")
    args = parser.parse_args()
    if args.epochs:
        print(json.dumps(epochs(args.epochs)))
        return 0
    if args.scale:
        return 0 if scale() else 1
    if args.step:
        print(json.dumps(ours(**args.step)))
        return 0
    print(f"torch {torch.__version__}, {THREADS} threads, bfloat16 {has_bfloat16()}")
    good = [compare(args.keras, batch, args.rounds) for batch in args.batches]
    good.append(scale())
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
