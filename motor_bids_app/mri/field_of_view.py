"""Which part of the standard space an image has scanned."""

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.transforms import Transform


def scanned(image: nib.Nifti1Image, grid: Grid, transform: Transform) -> nib.Nifti1Image:
    """Voxels of a grid that lie in the field of view of an image.

    Outer slices without any variation were added to the image, and are no part of it.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z)
    grid : Grid
    transform : Transform
        From points of the grid to the image.

    Returns
    -------
    Nifti1Image, on `grid`, uint8
    """
    seen = np.zeros(image.shape[:3], dtype=np.float32)
    seen[_varying(np.asarray(image.dataobj))] = 1
    moved = resample(nib.Nifti1Image(seen, image.affine), grid, transform)
    inside = np.asarray(moved.dataobj) > 0.5
    return nib.Nifti1Image(inside.astype(np.uint8), grid.affine)


def scanned_share(seen: nib.Nifti1Image, brain: nib.Nifti1Image) -> float:
    """Share of a brain mask that was scanned, 0 to 1; both on one grid."""
    inside = np.asarray(brain.dataobj) > 0
    return float((np.asarray(seen.dataobj)[inside] > 0).mean())


def _varying(values: NDArray[np.floating]) -> tuple[slice, ...]:
    """Part of an image without its outer slices of one value."""
    parts = []
    for axis in range(3):
        rest = tuple(other for other in range(3) if other != axis)
        varies = np.flatnonzero(values.max(axis=rest) > values.min(axis=rest))
        parts.append(slice(varies[0], varies[-1] + 1) if varies.size else slice(None))
    return tuple(parts)
