"""Axial slices of a volume of each scan as instances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.features.instances import Indices
from motor_bids_app.spaces.grids import Grid

SLICES = "slices"  # kind of the instances
LEAST_BRAIN = 0.25  # of the brain in the fullest slice: below it are the top and the stem


@dataclass(frozen=True, eq=False)
class VolumeSlices:
    """Source of slices.

    Attributes
    ----------
    slices : sequence of float16 array, shape (n_slices, X, Y)
        Of each scan; (0, X, Y) where a scan has none.
    places : sequence of int array, shape (n_slices,)
        Position of each on the third axis.
    grid : Grid
        Of the volumes.
    """

    slices: Sequence[NDArray[np.float16]]
    places: Sequence[Indices]
    grid: Grid

    @property
    def counts(self) -> Indices:
        """Slices of each scan, shape (n_scans,)."""
        return np.array([len(places) for places in self.places], dtype=np.intp)

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels of a slice, from left to right and from back to front."""
        return self.grid.shape[:2]

    def read(self, scan: int, numbers: Indices) -> NDArray[np.float32]:
        """Return some slices of a scan, shape (n, X, Y)."""
        return self.slices[scan][numbers].astype(np.float32)


def cut_slices(
    volume: NDArray[np.floating[Any]], brain: NDArray[np.bool_]
) -> tuple[NDArray[np.float16], Indices]:
    """Cut a volume into axial slices, in units of its mean in the brain, and screen them.

    Parameters
    ----------
    volume : float array, shape (X, Y, Z)
    brain : bool array, shape (X, Y, Z)

    Returns
    -------
    float16 array, shape (n_slices, X, Y)
        Slices that tell something; 0 outside the brain.
    int array, shape (n_slices,)
        Their positions on the third axis.
    """
    places = informative_slices(volume, brain)
    level = float(np.mean(volume[brain])) if brain.any() else 0.0
    scaled = np.where(brain, volume / (level or 1.0), 0)
    return np.moveaxis(scaled[:, :, places], 2, 0).astype(np.float16), places


def informative_slices(
    volume: NDArray[np.floating[Any]], brain: NDArray[np.bool_], least: float = LEAST_BRAIN
) -> Indices:
    """Positions of axial slices with enough brain, in which values vary.

    Parameters
    ----------
    least : float
        Area of brain, as a share of that of the slice with most.
    """
    area = brain.sum(axis=(0, 1))
    enough = np.flatnonzero((area > 0) & (area >= least * area.max()))
    varies = [bool(np.ptp(volume[:, :, z][brain[:, :, z]]) > 0) for z in enough]
    return enough[np.array(varies, dtype=bool)]
