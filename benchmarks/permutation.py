"""Time and memory of 1,000 permutations of nested cross-validation on maps.

usage: python benchmarks/permutation.py
154 people with 6 maps of noise at 2 mm, in half precision on disk. The same nested
cross-validation by `permutation_test_score` of scikit-learn on the matrix of voxels is timed on one
outer fold and one permutation, and scaled to all folds and permutations.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, PredefinedSplit, permutation_test_score

from motor_bids_app.evaluation.permutation import permutation_test
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.models.tables.dual import PENALTIES
from motor_bids_app.models.tables.products import linear_products
from motor_bids_app.spaces.grids import standard_grid

N_PEOPLE, N_POOR, N_PERMUTATIONS, FOLDS, REPEATS = 154, 60, 1000, 5, 10
MAPS = ("fa", "md", "rd", "ad", "gm", "wm")
MAX_SECONDS, MAX_GIB = 180, 4
SHARE_OF_VOXELS = 8  # the matrix for scikit-learn has one of so many, to fit in memory and time


def noise_maps(folder: Path) -> VolumeStore:
    """Fill a store on disk with noise, person by person."""
    grid = standard_grid(2)
    shape = (N_PEOPLE, len(MAPS), *grid.shape)
    data = np.memmap(folder / "maps", dtype=np.float16, mode="w+", shape=shape)
    rng = np.random.default_rng(0)
    for person in range(N_PEOPLE):
        data[person] = rng.standard_normal(shape[1:], dtype=np.float32)
    store = VolumeStore.empty(N_PEOPLE, MAPS, grid, data)
    store.present[:] = True
    return store


def by_kernel(store: VolumeStore, y: np.ndarray) -> tuple[float, float, float]:
    """Return seconds for the Gram matrices, seconds for the permutations, and p."""
    people = [f"sub-{number:03d}" for number in range(N_PEOPLE)]
    samples = Samples(pd.DataFrame({"participant_id": people}), store.volumes())
    start = time.perf_counter()
    products, penalties = linear_products("kernel", samples, people)
    middle = time.perf_counter()
    test = permutation_test(
        products,
        y,
        task="classification",
        penalties=penalties,
        controls=np.zeros(N_PEOPLE, dtype=bool),
        n_permutations=N_PERMUTATIONS,
        folds=FOLDS,
        repeats=REPEATS,
    )
    return middle - start, time.perf_counter() - middle, test.p_value


def by_scikit_learn(store: VolumeStore, y: np.ndarray) -> float:
    """Return seconds of one permutation of one repeat, scaled from one outer fold."""
    flat = store.data.reshape(N_PEOPLE, -1)[:, ::SHARE_OF_VOXELS].astype(np.float32)
    outer = PredefinedSplit(np.where(np.arange(N_PEOPLE) < N_PEOPLE // FOLDS, 0, -1))
    penalties = np.array(PENALTIES) * flat.shape[1]  # the kernel is scaled by its mean square
    search = GridSearchCV(
        Ridge(solver="cholesky"), {"alpha": penalties}, cv=5, scoring="neg_mean_squared_error"
    )
    start = time.perf_counter()
    permutation_test_score(search, flat, y, cv=outer, n_permutations=1)  # fits it twice
    return (time.perf_counter() - start) / 2 * FOLDS * SHARE_OF_VOXELS


def main() -> int:
    """Print both times; 1 if a limit is missed."""
    y = np.random.default_rng(1).permutation(np.arange(N_PEOPLE) < N_POOR).astype(np.float64)
    with tempfile.TemporaryDirectory() as folder:
        store = noise_maps(Path(folder))
        gram, permutations, p = by_kernel(store, y)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{N_PEOPLE} people, {len(MAPS)} maps of {store.grid.shape} voxels")
        print(
            f"Gram matrices {gram:.0f} s; {N_PERMUTATIONS} permutations of {REPEATS} times {FOLDS} "
            f"folds, nested: {permutations:.0f} s; peak {peak:.1f} GiB; p {p:.2f}"
        )
        one = by_scikit_learn(store, y)
    hours = one * N_PERMUTATIONS / 3600
    print(
        f"scikit-learn on voxels: {one:.0f} s for one permutation of one repeat (scaled from one "
        f"outer fold on 1 of {SHARE_OF_VOXELS} voxels), so {hours:.0f} hours for {N_PERMUTATIONS} "
        f"and {hours * REPEATS:.0f} for {REPEATS} repeats"
    )
    missed = gram + permutations > MAX_SECONDS or peak > MAX_GIB
    print("a limit is missed" if missed else "all limits are met")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
