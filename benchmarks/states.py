"""Time and memory of the states of 70 people with 209 windows each.

usage: python benchmarks/states.py [resolution in mm: 3, the default, or 4]
Maps of three planted states, smooth in space, in half precision on disk, on the whole grid. The
k-means of scikit-learn (squared distance: it has no L1) and k-medians written out in numpy work on
a part of the windows and voxels, and are scaled to one restart of one k on all of them.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy import ndimage
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from motor_bids_app.explanation.clusters import contrast_groups
from motor_bids_app.explanation.medians import Windows
from motor_bids_app.explanation.states import find_states, state_maps
from motor_bids_app.spaces.grids import standard_grid

N_PEOPLE, LENGTH, N_STATES = 70, 209, 3
MAX_SECONDS, MAX_GIB, LEAST_INDEX = 300, 8, 0.99
PART = 16  # one of so many windows, and of so many voxels, for the peers
ROUNDS = 10


def planted(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Write maps of all windows, shape (windows, voxels), and return the state of each.

    Not through a memory map, whose pages would count as memory of this process.
    """
    rng = np.random.default_rng(0)

    def smooth(width: float = 1.5) -> np.ndarray:
        field = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), width)
        return (field / field.std()).ravel()

    patterns = np.array([0.25 * smooth(3) for _ in range(N_STATES)])
    errors = np.array([smooth() for _ in range(16)])  # mixed anew for each window
    states = []
    with path.open("wb") as file:
        for _ in range(N_PEOPLE):
            stays = np.repeat(rng.integers(0, N_STATES, LENGTH // 15 + 1), 15)[:LENGTH]
            states.append(stays)
            weights = ndimage.gaussian_filter1d(rng.normal(size=(LENGTH, 16)), 5, axis=0)
            weights *= 0.3 / np.sqrt((weights**2).sum(axis=1, keepdims=True))
            maps = patterns[stays] + 0.1 * smooth() + weights.astype(np.float32) @ errors
            maps.astype(np.float16).tofile(file)
    return np.concatenate(states)


def reader(path: Path, n_windows: int, n_voxels: int):
    """Return a reader of some voxels of all windows, without a memory map (see `planted`)."""

    def read(part: slice) -> np.ndarray:
        values = np.empty((n_windows, part.stop - part.start), np.float16)
        with path.open("rb", buffering=0) as file:
            for row, own in enumerate(values):
                file.seek((row * n_voxels + part.start) * values.itemsize)
                file.readinto(own)
        return values

    return read


def by_numpy(values: np.ndarray) -> float:
    """Return seconds of `ROUNDS` rounds of k-medians, as one would write them."""
    start = time.perf_counter()
    centres = values[:N_STATES]
    for _ in range(ROUNDS):
        labels = cdist(values, centres, "cityblock").argmin(axis=1)
        centres = np.array(
            [np.median(values[labels == k], axis=0) for k in range(N_STATES) if (labels == k).any()]
        )
    return time.perf_counter() - start


def by_scikit_learn(values: np.ndarray) -> float:
    """Return seconds of `ROUNDS` rounds of k-means at most."""
    start = time.perf_counter()
    KMeans(N_STATES, n_init=1, max_iter=ROUNDS, random_state=0).fit(values)
    return time.perf_counter() - start


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> int:
    """Print times and memory; 1 if a limit is missed."""
    grid = standard_grid(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "windows"
        truth = planted(path, grid.shape)
        n_windows, n_voxels = len(truth), int(np.prod(grid.shape))
        read = reader(path, n_windows, n_voxels)
        some = read(slice(0, n_voxels // PART))[::PART].astype(np.float32)
        print(f"{n_windows} windows of {n_voxels} voxels; peak so far {peak():.1f} GiB", flush=True)
        people = np.repeat(np.arange(N_PEOPLE), LENGTH)
        windows = Windows(
            read,
            n_voxels,
            people,
            np.tile(np.arange(LENGTH), N_PEOPLE),
        )
        start, used = time.perf_counter(), time.process_time()
        states = find_states(windows)
        seconds, used = time.perf_counter() - start, time.process_time() - used
        gib = peak()
        start = time.perf_counter()
        maps, _ = state_maps(windows, states.labels, len(states.centres))
        averaging = time.perf_counter() - start
    print(states.search.round(3).to_string(index=False))
    agreement = adjusted_rand_score(truth, states.labels)
    print(
        f"states, k from 2 to 8: {seconds:.0f} s ({used:.0f} s of processors), peak {gib:.1f} GiB, "
        f"adjusted Rand index {agreement:.3f}, {states.moved:.2%} of windows moved by all voxels"
    )
    print(f"maps per person and state: {averaging:.0f} s")
    for name, peer in (("numpy and scipy", by_numpy), ("scikit-learn k-means", by_scikit_learn)):
        scaled = peer(some) * PART**2
        print(f"{name}, {ROUNDS} rounds of one k, scaled from 1 of {PART**2}: {scaled:.0f} s")
    mask = np.zeros(grid.shape, dtype=bool)
    mask[8:-8, 8:-8, 8:-8] = True  # about as many voxels as a brain has
    start = time.perf_counter()
    contrast_groups(
        maps[:, 0, mask.ravel()],
        np.arange(N_PEOPLE) % 2 == 0,
        np.random.default_rng(0).normal(size=(N_PEOPLE, 3)),
        mask,
    )
    contrast = time.perf_counter() - start
    print(f"contrast of one state, {mask.sum()} voxels, 1,000 permutations: {contrast:.0f} s")
    missed = seconds > MAX_SECONDS or gib > MAX_GIB or agreement < LEAST_INDEX
    asked = f"{MAX_SECONDS} s, {MAX_GIB} GiB, index {LEAST_INDEX}"
    print(f"{'a limit is missed' if missed else 'all limits are met'} (asked for: {asked})")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
