"""Whether a mask can be the lesion of a brain: its place, its grid, its size."""

from itertools import product
from typing import Any, Literal

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.mri.lesion_values import lesion_voxels
from motor_bids_app.spaces.grids import Grid, check_same_grid

Relation = Literal["same", "reversed", "moved", "other"]
_MIN_BRAIN = 0.25  # of the lesion must be in the brain, or the mask belongs to another image
_MOST_BRAIN = 0.6  # of the brain; a lost hemisphere is less
_APART = 1.001  # mm at a corner, from which grids are in two places


def share_in_brain(lesion: nib.Nifti1Image, brain: nib.Nifti1Image) -> float:
    """Share of a lesion that lies in the brain mask, 0 to 1; both on one grid.

    Raises
    ------
    DataError
        Hardly anything does: the mask was drawn on another image, or its header is wrong. Or it is
        too large for a lesion: 0 and 1 are exchanged, or it is a mask of the brain.
    """
    share_of_brain(lesion, brain)
    share = _inside(lesion, brain)
    if share < _MIN_BRAIN:
        raise DataError(
            f"Only {100 * share:.0f} % of the lesion mask lies in the brain. Lay it over the image "
            "on which it was drawn: its header may be wrong, or it belongs to another image or "
            "space, which its file name must then say."
        )
    return share


def share_of_brain(lesion: nib.Nifti1Image, brain: nib.Nifti1Image) -> float:
    """Share of the brain that a lesion takes, 0 to 1; both on one grid.

    Raises
    ------
    DataError
        It takes more than a lost hemisphere, or is larger than the brain.
    """
    check_same_grid(brain, lesion=lesion)
    struck, inside = lesion_voxels(lesion), np.asarray(brain.dataobj) > 0
    share = float((struck & inside).sum() / max(inside.sum(), 1))
    if share > _MOST_BRAIN or struck.sum() > inside.sum():
        millilitres = Grid.of(brain).voxel_volume / 1000
        raise DataError(
            f"The lesion mask marks {struck.sum() * millilitres:.0f} ml and {100 * share:.0f} % of "
            f"the brain, which has {inside.sum() * millilitres:.0f} ml: that is no lesion. If it "
            "is turned inside out, with 0 in the lesion, exchange 0 and 1; if it is a brain mask, "
            "leave it out."
        )
    return share


def relation(mask: Grid, image: Grid) -> Relation:
    """How the grid of a mask relates to that of an image, as both were stored.

    Returns
    -------
    str
        'same': voxel by voxel, or the same voxels with axes in another order and another shape.
        'reversed': the same places, but axes run the other way, or are exchanged, at one shape.
        'moved': as many voxels along each axis, in other places. 'other': another grid.
    """
    if sorted(mask.shape) != sorted(image.shape):
        return "other"
    apart = np.linalg.norm(_corners(mask)[:, None] - _corners(image), axis=-1)
    together = bool((apart.min(axis=1) <= _APART).all())
    if mask.shape != image.shape:
        return "same" if together else "other"
    if apart.diagonal().max() <= _APART:
        return "same"
    return "reversed" if together else "moved"


def voxel_reading(mask: nib.Nifti1Image, image: Grid, brain: nib.Nifti1Image) -> float:
    """Share of a mask in the brain if its voxels were those of the image, whatever its header.

    Parameters
    ----------
    mask : Nifti1Image, shape (X, Y, Z)
    image : Grid
        Of the image as it was stored, of the same shape.
    brain : Nifti1Image, shape (x, y, z)
        Positive inside; on any grid of the same space.
    """
    return _share_at(mask, image.affine, brain)


def header_reading(mask: nib.Nifti1Image, brain: nib.Nifti1Image) -> float:
    """Share of a mask in the brain by its own header."""
    return _share_at(mask, mask.affine, brain)


def _share_at(
    mask: nib.Nifti1Image, affine: NDArray[np.floating[Any]], brain: nib.Nifti1Image
) -> float:
    points = apply_affine(affine, np.argwhere(lesion_voxels(mask)))
    voxels = np.rint(apply_affine(np.linalg.inv(brain.affine), points)).astype(int)
    known = voxels[((voxels >= 0) & (voxels < brain.shape[:3])).all(axis=1)]
    hit = np.asarray(brain.dataobj)[tuple(known.T)] > 0
    return float(hit.sum() / max(len(voxels), 1))


def _inside(lesion: nib.Nifti1Image, brain: nib.Nifti1Image) -> float:
    struck = lesion_voxels(lesion)
    return float((np.asarray(brain.dataobj)[struck] > 0).mean())


def _corners(grid: Grid) -> NDArray[np.float64]:
    """Outermost voxels, shape (8, 3), mm; in the order of the grid's axes."""
    ends = np.array(list(product(*((0, n - 1) for n in grid.shape))))
    return np.asarray(apply_affine(grid.affine, ends), dtype=np.float64)
