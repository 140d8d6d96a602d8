"""A bold series in the standard space: all transforms composed, one interpolation."""

from dataclasses import dataclass

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.splines import sample_spline, spline_coefficients
from motor_bids_app.mri.threads import each
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.transforms import Transform

_DIM = 0.25  # of the median of the brain; darker voxels have lost their signal


@dataclass(frozen=True, eq=False)
class Distortion:
    """What bends the reference volume of a series along the `axis` of phase encoding.

    `field`, shape (X, Y, Z), is in voxels: what belongs to voxel y lies at y + field(y).
    """

    field: NDArray[np.float32]
    axis: int

    def apply(self, voxels: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Where true voxel coordinates, shape (3, N), lie in the image, and the signal's spread.

        The spread, shape (N,), is how many times as long the image shows what lies there: its
        signal is weaker by as much.
        """
        stretch = np.gradient(self.field, axis=self.axis)
        shift, slope = (
            ndimage.map_coordinates(values, voxels, order=1, mode="nearest")
            for values in (self.field, stretch)
        )
        moved = voxels.copy()
        moved[self.axis] += shift
        return moved, np.maximum(1 + slope, 0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class PlacedSeries:
    """A series on a standard grid, at the voxels of the brain that have a signal.

    Parameters
    ----------
    signals : array, shape (T, voxels), float32
        Of the voxels `inside`, in their order.
    inside : array of bool, shape of the grid
    """

    signals: NDArray[np.float32]
    inside: NDArray[np.bool_]

    @classmethod
    def of(cls, signals: NDArray[np.float32], inside: NDArray[np.bool_]) -> "PlacedSeries":
        """Keep the voxels whose signal is not lost and varies.

        Raises
        ------
        EmptyRegionError
            There is none.
        """
        mean = signals.mean(axis=0)
        bright = mean[mean > 0]
        present = (np.ptp(signals, axis=0) > 0) & (
            mean > _DIM * (np.median(bright) if bright.size else np.inf)
        )
        if not present.any():
            raise EmptyRegionError(
                "No voxel of the brain has a signal in every volume of the bold. Check the series, "
                "and that it is of the same head as the anatomical image."
            )
        where = inside.copy()
        where[inside] = present
        return cls(np.ascontiguousarray(signals[:, present]), where)


def place_series(
    data: NDArray[np.floating],
    affine: NDArray[np.floating],
    matrices: NDArray[np.floating],
    grid: Grid,
    brain: NDArray[np.bool_],
    transform: Transform,
    distortion: Distortion | None = None,
) -> PlacedSeries:
    """Bring a series to a grid, once, by cubic splines.

    Parameters
    ----------
    data : array, shape (X, Y, Z, T)
        Series as acquired, slices corrected in time.
    affine : array, shape (4, 4)
        Its voxels to mm.
    matrices : array, shape (T, 4, 4)
        Voxels of the reference volume to those of each volume: `SeriesMotion.matrices`.
    grid : Grid
        Where values are wanted.
    brain : array of bool, shape of the grid
        The voxels of the grid that are wanted, if they are in the field of view throughout.
    transform : Transform
        From points of the grid to points of the reference volume, in mm.
    distortion : Distortion, optional
        Of the reference volume, and so of what of the head lies in each of its voxels.

    Raises
    ------
    EmptyRegionError
        No voxel of the brain has a signal.
    """
    points = transform(apply_affine(grid.affine, np.argwhere(brain)))
    voxels = apply_affine(np.linalg.inv(affine), points).T.astype(np.float32)
    density = np.ones(voxels.shape[1], dtype=np.float32)
    if distortion is not None:
        voxels, density = distortion.apply(voxels)
    seen = _always_seen(voxels, matrices, data.shape)
    inside = brain.copy()
    inside[brain] = seen
    voxels, density = np.ascontiguousarray(voxels[:, seen]), density[seen]

    def place(volume: int) -> NDArray[np.float32]:
        moved = _moved(matrices[volume], voxels)
        return density * sample_spline(spline_coefficients(data[..., volume]), moved)

    return PlacedSeries.of(np.stack(each(place, data.shape[3])), inside)


def _always_seen(
    voxels: NDArray[np.float32], matrices: NDArray[np.floating], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Which points, shape (3, N), lie in the field of view of every volume."""
    last = np.array(shape[:3], dtype=np.float32)[:, None] - 1
    seen = np.ones(voxels.shape[1], dtype=bool)
    for matrix in matrices:
        moved = _moved(matrix, voxels)
        seen &= ((moved >= -0.5) & (moved <= last + 0.5)).all(axis=0)
    return seen


def _moved(matrix: NDArray[np.floating], voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    matrix = matrix.astype(np.float32)
    return matrix[:3, :3] @ voxels + matrix[:3, 3:]
