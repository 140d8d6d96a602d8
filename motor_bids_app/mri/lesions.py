"""Lesion masks: on which grid, on which side, and how much that is."""

from itertools import product
from typing import Any, Literal

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, from_matvec
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.errors import EmptyRegionError, GridMismatchError
from motor_bids_app.mri.lesion_values import lesion_voxels
from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import AFFINE_TOLERANCE, Grid, check_same_grid
from motor_bids_app.spaces.transforms import Transform

Side = Literal["left", "right", "bilateral", "none"]
BILATERAL_SHARE = 0.1  # of the lesion on its smaller side, from which it counts as bilateral
_MIN_INSIDE = 0.9  # of the lesion must be inside the image it is aligned to
_MIDLINE = 0.01  # mm
_MOSTLY_INSIDE = 0.5  # of a lesion must be in the brain, or the brain does not grow by it


def align_lesion(mask: nib.Nifti1Image, image: nib.Nifti1Image) -> nib.Nifti1Image:
    """Bring a lesion mask to the grid of an image of the same space.

    Voxels of which the lesion fills half or more are kept. A lesion too thin for that
    keeps every voxel in which one of its own has its centre.

    Parameters
    ----------
    mask : Nifti1Image, shape (X, Y, Z)
        Positive inside, or a probability, or its multiple.
    image : Nifti1Image, shape (x, y, z) or (x, y, z, N)
        Image in the same space, on any grid.

    Returns
    -------
    Nifti1Image, shape (x, y, z), uint8

    Raises
    ------
    EmptyRegionError
        The mask is empty.
    GridMismatchError
        A tenth or more of the lesion lies outside the image.
    """
    lesion = lesion_voxels(mask)
    if not lesion.any():
        raise EmptyRegionError(
            "The lesion mask is empty: no voxel is positive. Draw the lesion, or remove the mask "
            "if there is none."
        )
    grid = Grid.of(image)
    if grid.shape == lesion.shape and np.allclose(
        mask.affine, grid.affine, rtol=0, atol=AFFINE_TOLERANCE
    ):
        return _mask_image(lesion, grid)
    centres = _nearest_voxels(lesion, mask.affine, grid)
    low = np.maximum(centres.min(axis=0) - 1, 0)
    high = np.minimum(centres.max(axis=0) + 2, grid.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    values = nib.Nifti1Image(lesion.astype(np.float32), mask.affine)
    aligned = np.zeros(grid.shape, dtype=bool)
    aligned[box] = _filled_share(values, _part(grid, low, high)) >= 0.5
    if not aligned.any():
        aligned[tuple(centres.T)] = True
    return _mask_image(aligned, grid)


def warp_lesion(lesion: nib.Nifti1Image, grid: Grid, transform: Transform) -> nib.Nifti1Image:
    """Bring a lesion to another space; one too small for the grid keeps the voxel it is most in.

    Parameters
    ----------
    lesion : Nifti1Image, shape (X, Y, Z)
        1 inside, 0 outside.
    grid, transform
        As for `resample`.

    Returns
    -------
    Nifti1Image, on `grid`, uint8

    Raises
    ------
    EmptyRegionError
        The whole lesion lies outside the grid.
    """
    inside = np.asarray(resample(lesion, grid, transform).dataobj) > 0.5
    if not inside.any():
        share = _filled_share(lesion, grid, transform)
        if not share.any():
            raise EmptyRegionError(
                "No part of the lesion lies in the image that it is brought to. Look at the "
                "registration and at the mask: they do not fit."
            )
        inside = share == share.max()
    return _mask_image(inside, grid)


def brain_with_lesion(
    brain: nib.Nifti1Image, lesion: nib.Nifti1Image
) -> tuple[nib.Nifti1Image, float]:
    """Add to a brain mask the parts of a lesion that touch it.

    A cavity at the surface is as dark as what is outside the brain, and is cut off. A lesion that
    lies mostly elsewhere is not of this brain, and nothing is added.

    Parameters
    ----------
    brain, lesion : Nifti1Image, shape (X, Y, Z)
        Positive inside, on one grid.

    Returns
    -------
    brain : Nifti1Image, shape (X, Y, Z), uint8
    added : float
        Share of the lesion that was not in the brain mask and is now, 0 to 1.
    """
    check_same_grid(brain, lesion=lesion)
    inside, struck = np.asarray(brain.dataobj) > 0, lesion_voxels(lesion)
    if (struck & inside).sum() < _MOSTLY_INSIDE * max(struck.sum(), 1):
        return brain, 0.0
    parts = ndimage.label(struck, ndimage.generate_binary_structure(3, 3))[0]
    near = ndimage.binary_dilation(inside, mask=inside | struck)
    added = np.isin(parts, np.unique(parts[struck & near])) & struck & ~inside
    return _mask_image(inside | added, Grid.of(brain)), float(added.sum() / struck.sum())


def mirror(image: nib.Nifti1Image) -> nib.Nifti1Image:
    """Swap left and right of an image in the symmetric standard space.

    Raises
    ------
    GridMismatchError
        The grid is not symmetric about x = 0, so that reversing an axis would shift the brain.
    """
    affine = image.affine
    middle = affine[0, 0] * (image.shape[0] - 1) / 2 + affine[0, 3]
    aligned = np.abs(affine[0, 1:3]).max() < AFFINE_TOLERANCE
    if not (aligned and abs(middle) < AFFINE_TOLERANCE):
        raise GridMismatchError(
            f"The image cannot be mirrored: its middle lies at x = {middle:.3g} mm instead of 0, "
            "or its first axis is not left to right. Resample it to the standard grid first."
        )
    return nib.Nifti1Image(np.asarray(image.dataobj)[::-1], affine, image.header)


def lesion_side(mask: nib.Nifti1Image) -> Side:
    """Side of the brain that a lesion in standard space is on.

    It is bilateral when a tenth or more of it is on its smaller side; voxels of the
    middle plane do not count.
    """
    voxels = np.argwhere(lesion_voxels(mask))
    x = apply_affine(mask.affine, voxels)[:, 0]
    left, right = int((x < -_MIDLINE).sum()), int((x > _MIDLINE).sum())
    if left + right == 0:
        return "none" if len(voxels) == 0 else "bilateral"
    if min(left, right) >= BILATERAL_SHARE * (left + right):
        return "bilateral"
    return "left" if left > right else "right"


def volume_ml(mask: nib.Nifti1Image) -> float:
    """Volume of a lesion mask in ml."""
    return float(lesion_voxels(mask).sum() * Grid.of(mask).voxel_volume / 1000)


def _nearest_voxels(
    lesion: NDArray[np.bool_], affine: NDArray[Any], grid: Grid
) -> NDArray[np.int64]:
    """Voxels of `grid`, shape (n, 3), that hold the centres of a lesion's voxels."""
    world = apply_affine(affine, np.argwhere(lesion))
    voxels = np.rint(apply_affine(np.linalg.inv(grid.affine), world)).astype(np.int64)
    inside = ((voxels >= 0) & (voxels < grid.shape)).all(axis=1)
    if inside.mean() < _MIN_INSIDE:
        low, high = world.min(axis=0).round(), world.max(axis=0).round()
        raise GridMismatchError(
            f"Only {100 * inside.mean():.0f} % of the lesion mask lies inside the image: it spans "
            f"{low.tolist()} to {high.tolist()} mm. Pass the image on which it was drawn, or name "
            "its space in the file name."
        )
    return voxels[inside]


def _filled_share(
    lesion: nib.Nifti1Image, grid: Grid, transform: Transform | None = None
) -> NDArray[np.float32]:
    """Share of each voxel of `grid` that a lesion (values 0 or 1) fills, sampled on a lattice."""
    ratio = grid.voxel_sizes / Grid.of(lesion).voxel_sizes
    counts = np.clip(np.ceil(ratio - 0.01), 1, 6).astype(int)
    positions = [(np.arange(count) + 0.5) / count - 0.5 for count in counts]
    total = np.zeros(grid.shape, dtype=np.float32)
    for offset in product(*positions):
        shifted = grid.affine.copy()
        shifted[:3, 3] += grid.affine[:3, :3] @ np.array(offset)
        total += np.asarray(resample(lesion, Grid(grid.shape, shifted), transform).dataobj)
    return total / np.float32(np.prod(counts))


def _part(grid: Grid, low: NDArray[np.int64], high: NDArray[np.int64]) -> Grid:
    """Part of a grid, from voxel `low` to before voxel `high`."""
    x, y, z = (high - low).tolist()
    return Grid((x, y, z), grid.affine @ from_matvec(np.eye(3), low))


def _mask_image(inside: NDArray[np.bool_], grid: Grid) -> nib.Nifti1Image:
    return nib.Nifti1Image(inside.astype(np.uint8), grid.affine)
