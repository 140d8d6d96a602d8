"""Moving images between grids with one interpolation, and transforms as images."""

from typing import Literal

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motor_bids_app.errors import DataError
from motor_bids_app.mri.sampling import apply_matrix, as_volume, sample, voxel_grid
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.transforms import Transform

_SLAB = 2_000_000  # points at a time: bounds the memory
_INVERSION_STEPS = 60
_INVERSION_TOLERANCE = 0.02  # mm
_INVERSION_VOXEL = 2.0  # mm
_RELAXATION = 0.75  # below 1, stretching beyond a factor of 2 converges too
_VECTOR_INTENT = 1007


def resample(
    image: nib.Nifti1Image,
    grid: Grid,
    transform: Transform | None = None,
    order: Literal[0, 1] = 1,
) -> nib.Nifti1Image:
    """Interpolate an image on another grid, once.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z) or (X, Y, Z, N)
        Image in the source space of `transform`.
    grid : Grid
        Where values are wanted, in its target space.
    transform : Transform, optional
        From target to source points; identity when left out.
    order : int
        1: linear, result float32. 0: value of the nearest voxel in the type of the image, for
        labels and masks.

    Returns
    -------
    Nifti1Image, on `grid`
        0 outside the image.

    Raises
    ------
    DataError
        The image has neither three nor four axes.
    """
    if image.ndim not in (3, 4):
        raise DataError(f"An image with {image.ndim} axes cannot be resampled: give 3 or 4.")
    array = np.asanyarray(image.dataobj)
    volume = as_volume(array)
    to_voxels = np.linalg.inv(image.affine)
    mode: Literal["bilinear", "nearest"] = "bilinear" if order == 1 else "nearest"
    result = torch.empty((volume.shape[0], *grid.shape))
    for slab in _slabs(grid.shape):
        points = _map_slab(transform or Transform(), grid, slab, to_voxels)
        result[:, slab] = sample(volume, points, mode)
    values = result.cpu().numpy()
    values = values[0] if array.ndim == 3 else np.moveaxis(values, 0, -1)
    dtype = np.dtype(np.float32) if order == 1 else array.dtype
    header = image.header.copy()
    header.set_data_dtype(dtype)
    return nib.Nifti1Image(values.astype(dtype, copy=False), grid.affine, header)


def resample_inside(
    image: nib.Nifti1Image, inside: nib.Nifti1Image, grid: Grid, transform: Transform
) -> nib.Nifti1Image:
    """Interpolate a map that is 0 where it was not measured, without mixing those zeros in.

    Parameters
    ----------
    image, inside : Nifti1Image, shape (X, Y, Z)
        The map, and 1 where it was measured.
    grid, transform
        As for `resample`.

    Returns
    -------
    Nifti1Image, on `grid`
        0 in voxels of which half or less was measured.
    """
    values, share = (np.asarray(resample(one, grid, transform).dataobj) for one in (image, inside))
    mean = np.divide(values, share, out=np.zeros_like(values), where=share > 0.5)
    return nib.Nifti1Image(mean, grid.affine)


def invert(transform: Transform, grid: Grid) -> Transform:
    """Return the transform from source to target points.

    Its displacement is found by fixed-point iteration (Chen et al. 2008) at voxels of at least
    2 mm that cover `grid`; deformations are smooth between them.

    Parameters
    ----------
    transform : Transform
        Must not fold space.
    grid : Grid
        In the source space of `transform`.
    """
    matrix = np.asarray(np.linalg.inv(transform.matrix), dtype=np.float64)
    if transform.displacement is None or transform.grid is None:
        return Transform(matrix=matrix)
    grid = _coarser(grid)
    field = as_volume(transform.displacement)
    to_voxels = _tensor(np.linalg.inv(transform.grid.affine))
    linear = _tensor(transform.matrix[:3, :3])
    result = np.empty((*grid.shape, 3), dtype=np.float32)
    for slab in _slabs(grid.shape):
        start = apply_matrix(_tensor(matrix @ grid.affine), _voxels(grid.shape, slab))
        points = start.clone()
        for _ in range(_INVERSION_STEPS):
            shift = sample(field, apply_matrix(to_voxels, points), padding="border")
            residual = points + shift - start
            points -= _RELAXATION * residual
            if residual.abs().max() < _INVERSION_TOLERANCE:
                break
        # p = inverse(matrix) (q + d(q)): d(q) is matrix p - q, in which translations cancel.
        moved = linear @ (points - start).flatten(1)
        result[slab] = np.moveaxis(moved.view_as(points).cpu().numpy(), 0, -1)
    return Transform(matrix=matrix, displacement=result, grid=grid)


def _coarser(grid: Grid) -> Grid:
    """Cover a grid with voxels of at least `_INVERSION_VOXEL`."""
    factors = np.maximum(1, np.floor(_INVERSION_VOXEL / grid.voxel_sizes + 1e-3))
    x, y, z = (int(np.ceil((n - 1) / f)) + 1 for n, f in zip(grid.shape, factors, strict=True))
    return Grid((x, y, z), grid.affine @ np.diag([*factors, 1.0]))


def displacement_field(transform: Transform, grid: Grid) -> nib.Nifti1Image:
    """Return a transform as the displacement image that ANTs and nitransforms read.

    Parameters
    ----------
    transform : Transform
        From the space of `grid` to a source space.
    grid : Grid
        Where the field is sampled.

    Returns
    -------
    Nifti1Image, shape (X, Y, Z, 1, 3), float32
        Mapped point minus point, in mm, in ITK's axes (x to the left, y to the back).
    """
    vectors = np.empty((*grid.shape, 1, 3), dtype=np.float32)
    for slab in _slabs(grid.shape):
        mapped = _map_slab(transform, grid, slab, np.eye(4))
        here = apply_matrix(_tensor(grid.affine), _voxels(grid.shape, slab))
        vectors[slab, ..., 0, :] = np.moveaxis((mapped - here).cpu().numpy(), 0, -1)
    vectors[..., :2] *= -1
    image = nib.Nifti1Image(vectors, grid.affine)
    image.header.set_intent(_VECTOR_INTENT)
    image.header.set_xyzt_units("mm")
    return image


def _slabs(shape: tuple[int, int, int]) -> list[slice]:
    """Ranges of the first axis with at most `_SLAB` points each."""
    thickness = max(1, _SLAB // (shape[1] * shape[2]))
    return [
        slice(start, min(start + thickness, shape[0])) for start in range(0, shape[0], thickness)
    ]


def _voxels(shape: tuple[int, int, int], slab: slice) -> Tensor:
    points = voxel_grid((slab.stop - slab.start, *shape[1:]))
    points[0] += slab.start
    return points


def _map_slab(transform: Transform, grid: Grid, slab: slice, then: NDArray[np.float64]) -> Tensor:
    """Source points, mapped on by the matrix `then`, of a slab of the grid."""
    voxels = _voxels(grid.shape, slab)
    if transform.displacement is None:  # one matrix, multiplied in double precision
        return apply_matrix(_tensor(then @ transform.matrix @ grid.affine), voxels)
    points = apply_matrix(_tensor(grid.affine), voxels)
    return apply_matrix(_tensor(then), _map(transform, points))


def _map(transform: Transform, points: Tensor) -> Tensor:
    if transform.displacement is not None and transform.grid is not None:
        voxels = apply_matrix(_tensor(np.linalg.inv(transform.grid.affine)), points)
        points = points + sample(as_volume(transform.displacement), voxels, padding="border")
    return apply_matrix(_tensor(transform.matrix), points)


def _tensor(array: NDArray[np.floating]) -> Tensor:
    return torch.tensor(array, dtype=torch.float32)
