"""Images on the grid of an experiment: coarser than the derivatives, cropped to the brain."""

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import DataError, GridMismatchError
from motor_bids_app.spaces.grids import Grid, standard_grid


def experiment_grid(resolution: int, brain: NDArray[np.bool_] | None = None) -> Grid:
    """Return the standard grid, cropped to the box around `brain` where given.

    Parameters
    ----------
    resolution : int
        Edge of a voxel in mm: 1, 2, 3 or 4.
    brain : bool array, shape of ``standard_grid(resolution)``, optional
        True inside. The box stays symmetric about the middle plane, so that reversing
        the first axis still mirrors left and right.
    """
    grid = standard_grid(resolution)
    return grid if brain is None else crop_grid(grid, brain)


def crop_grid(grid: Grid, inside: NDArray[np.bool_]) -> Grid:
    """Return the part of `grid` around the True voxels of `inside`, mirror-symmetric in x.

    Raises
    ------
    GridMismatchError
        `inside` does not have the shape of the grid, or has no True voxel.
    """
    if inside.shape != grid.shape or not inside.any():
        raise GridMismatchError(
            f"Cannot crop: the mask has shape {inside.shape} and {np.count_nonzero(inside)} voxels "
            f"inside, the grid {grid.shape}. Pass a mask drawn on this grid."
        )
    symmetric = inside | inside[::-1]
    ends = [np.flatnonzero(symmetric.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    first = np.array([end[0] for end in ends])
    shape = tuple(int(end[-1] - end[0] + 1) for end in ends)
    affine = grid.affine.copy()
    affine[:3, 3] += grid.affine[:3, :3] @ first
    return Grid((shape[0], shape[1], shape[2]), affine)


def average_onto(image: nib.Nifti1Image, grid: Grid) -> NDArray[np.float32]:
    """Return the mean of `image` over each voxel of `grid`, taking it as 0 outside.

    Both grids must run along the same world axes, as those of one standard space do;
    the voxel sizes may differ. Averaging keeps small lesions and does not alias, which
    picking every second voxel would.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z)
    grid : Grid

    Raises
    ------
    GridMismatchError
        The image is not 3-D, or its axes are rotated against the grid.
    DataError
        The image has values that are not finite.
    """
    source = Grid.of(image)
    rotated = np.abs(source.affine[:3, :3] - np.diag(np.diag(source.affine)[:3])).max() > 1e-3
    if rotated or image.ndim != 3:
        raise GridMismatchError(
            f"An image of shape {image.shape} with axes {nib.aff2axcodes(image.affine)} cannot be "
            "averaged onto the standard grid: bring it to the standard space first."
        )
    values = np.asarray(image.dataobj, dtype=np.float32)
    if not np.isfinite(values).all():
        raise DataError(
            f"{np.count_nonzero(~np.isfinite(values))} voxels are not finite (NaN or infinite): "
            "process the participant again, or leave the scan out."
        )
    return average_values(values, source, grid)


def average_values(values: NDArray[np.float32], source: Grid, grid: Grid) -> NDArray[np.float32]:
    """Return the mean of values (X, Y, Z, ...) over each voxel of `grid`; see `average_onto`."""
    for axis in range(3):
        weights = _overlaps(source, grid, axis)
        values = np.moveaxis(np.tensordot(weights, values, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(values)


def _overlaps(source: Grid, target: Grid, axis: int) -> NDArray[np.float32]:
    """Return the share of each target voxel that each source voxel covers, (n_to, n_from)."""

    def edges(grid: Grid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        step, origin = grid.affine[axis, axis], grid.affine[axis, 3]
        centres = origin + step * np.arange(grid.shape[axis])
        return centres - abs(step) / 2, centres + abs(step) / 2

    (low, high), (new_low, new_high) = edges(source), edges(target)
    shared = np.minimum(high, new_high[:, None]) - np.maximum(low, new_low[:, None])
    share = np.clip(shared, 0, None) / (new_high - new_low)[:, None]
    return share.astype(np.float32)
