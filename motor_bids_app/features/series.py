"""Maps of sliding windows of all scans of an experiment, made from clean series when asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.features.connectivity import window_maps
from motor_bids_app.features.instances import Indices, Instances
from motor_bids_app.spaces.grids import Grid

WINDOWS = "windows"  # kind of the instances
_STATISTICS = 512  # windows, evenly spaced, that mean and spread are taken over
_TOGETHER = 32  # windows in memory


@dataclass(frozen=True, eq=False)
class SeriesWindows:
    """Source of window maps of the connectivity with a seed.

    Attributes
    ----------
    signals : sequence of float16 array, shape (T, n_voxels)
        Clean series of each scan in the voxels of `inside`, such as memory maps; (0, n_voxels)
        where a scan has none. A voxel that does not vary (in the lesion) is 0 in every map.
    seeds : sequence of array, shape (T,)
        Time course of the seed.
    weights : sequence of array, shape (n_windows, T)
        From `features.connectivity.sliding_windows`.
    seconds : sequence of float
        From one window to the next.
    inside : bool array, shape of the grid
    grid : Grid
    places : sequence of int array, shape (n_windows,), or None
        Number of each window among all of its series, of which some are left out for motion; None:
        none are.
    """

    signals: Sequence[NDArray[np.float16]]
    seeds: Sequence[NDArray[np.float64]]
    weights: Sequence[NDArray[np.float64]]
    seconds: Sequence[float]
    inside: NDArray[np.bool_]
    grid: Grid
    places: Sequence[Indices] | None = None

    @property
    def counts(self) -> Indices:
        """Windows of each scan, shape (n_scans,)."""
        return np.array([len(weights) for weights in self.weights], dtype=np.intp)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a map."""
        return self.grid.shape

    def places_of(self, scan: int) -> Indices:
        """Number of each window of a scan in its series; where one is missing there is a gap."""
        return np.arange(len(self.weights[scan])) if self.places is None else self.places[scan]

    def read(self, scan: int, numbers: Indices) -> NDArray[np.float32]:
        """Return Fisher z of some windows, shape (n, X, Y, Z), 0 outside the brain."""
        maps = np.zeros((len(numbers), *self.shape), dtype=np.float32)
        maps[:, self.inside] = self.voxels(scan, numbers, slice(None))
        return maps

    def voxels(self, scan: int, numbers: Indices, part: slice) -> NDArray[np.float32]:
        """Return some windows in some voxels of `inside`, shape (n, n_voxels)."""
        weights = self.weights[scan][numbers]
        used = np.flatnonzero(weights.any(axis=0))
        volumes = slice(int(used[0]), int(used[-1]) + 1)
        signals = self.signals[scan][volumes, part]
        return window_maps(signals, self.seeds[scan][volumes], weights[:, volumes])


@dataclass(frozen=True, eq=False)
class WindowVolumes:
    """Window maps as networks read them: what `Volumes` is for maps of scans.

    Attributes
    ----------
    instances : Instances
        Of a `SeriesWindows`, one for each row.
    """

    instances: Instances

    def __len__(self) -> int:
        return len(self.instances)

    def __getitem__(self, indices: ArrayLike | slice) -> "WindowVolumes":
        return WindowVolumes(self.instances[indices])

    @property
    def maps(self) -> tuple[str, ...]:
        """There is one map: that of the window."""
        return (WINDOWS,)

    @property
    def grid(self) -> Grid:
        """Grid of every map."""
        source = self.instances.source
        assert isinstance(source, SeriesWindows)
        return source.grid

    @property
    def present(self) -> NDArray[np.bool_]:
        """All are there, shape (n_windows, 1)."""
        return np.ones((len(self), 1), dtype=bool)

    def read(
        self,
        indices: ArrayLike | slice = slice(None),
        columns: Sequence[int] | None = None,  # noqa: ARG002 - there is one
    ) -> NDArray[np.float32]:
        """Return maps, shape (n, 1, X, Y, Z)."""
        return self.instances.read(indices)[:, None]

    def mean(self, columns: Sequence[int] | None = None) -> NDArray[np.float32]:  # noqa: ARG002
        """Mean map of evenly spaced windows, shape (1, X, Y, Z)."""
        total = np.zeros((1, *self.instances.source.shape))
        rows = self._some()
        for start in range(0, len(rows), _TOGETHER):
            total += self.read(rows[start : start + _TOGETHER]).sum(axis=0, dtype=np.float64)
        return (total / len(rows)).astype(np.float32)

    def spread(
        self,
        mean: NDArray[np.float32],
        mask: NDArray[np.bool_] | None = None,
        columns: Sequence[int] | None = None,  # noqa: ARG002
    ) -> NDArray[np.float32]:
        """Root mean square distance of the same windows from `mean`, shape (1,); 1 where it is 0.

        Over the voxels of `mask`, or all.
        """
        inside = np.ones(self.grid.shape, dtype=bool) if mask is None else mask
        squares, rows = 0.0, self._some()
        for start in range(0, len(rows), _TOGETHER):
            apart = (self.read(rows[start : start + _TOGETHER]) - mean)[..., inside]
            squares += float(np.square(apart).sum(dtype=np.float64))
        spread = np.sqrt(squares / (len(rows) * int(inside.sum())))
        return np.array([spread if spread > 0 else 1.0], dtype=np.float32)

    def _some(self) -> Indices:
        count = min(len(self), _STATISTICS)
        return np.linspace(0, len(self) - 1, count).round().astype(np.intp)
