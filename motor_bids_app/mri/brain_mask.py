"""Brain extraction: a network where there is a skull, the image's support where there is none."""

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.alignment import Picture, align, turned_starts
from motor_bids_app.mri.brain_network import segment_brain
from motor_bids_app.mri.resampling import resample
from motor_bids_app.mri.sampling import as_volume
from motor_bids_app.spaces.grids import Grid, finite_values
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

_SMALLEST, _LARGEST = 600.0, 2300.0  # ml, brains with their fluid; stripped heads are larger
_BLACK = 1e-3  # of the bright values; the background of a stripped image
_LEAST_BACKGROUND = 0.3  # share of a stripped image that is background
_SCALE_STAGES = ((8.0, 7), (8.0, 12), (4.0, 12))

Mask = NDArray[np.bool_]


def extract_brain(image: nib.Nifti1Image) -> nib.Nifti1Image:
    """Find the brain, with the fluid inside it, lesions included.

    An image that is skull-stripped already keeps its support. Others go through the deepbet
    network (Fisch et al. 2024), trained on T1w and good on T2w; where its answer is no
    brain, the mask of the template is laid on the head by an affine registration.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z)
        T1w, T2w or FLAIR, any axis order.

    Returns
    -------
    Nifti1Image, shape (X, Y, Z), uint8
        1 inside.

    Raises
    ------
    EmptyRegionError
        Neither way finds a brain.
    """
    canonical = nib.as_closest_canonical(image)
    values = finite_values(canonical)
    voxel_ml = Grid.of(canonical).voxel_volume / 1000
    mask = _support(values, voxel_ml)
    if mask is None:
        mask = segment_brain(values)
        if not _plausible(mask, voxel_ml):
            mask = _by_template(nib.Nifti1Image(values, canonical.affine))
    if not _plausible(mask, voxel_ml):
        raise EmptyRegionError(
            f"No brain was found: the best guess has {mask.sum() * voxel_ml:.0f} ml. Check that "
            "the image shows a whole brain and has the right voxel size, or give a "
            "skull-stripped image."
        )
    result = nib.Nifti1Image(mask.astype(np.uint8), canonical.affine)
    orientation = nib.orientations.ornt_transform(
        nib.io_orientation(canonical.affine), nib.io_orientation(image.affine)
    )
    return nib.Nifti1Image(
        np.ascontiguousarray(result.as_reoriented(orientation).dataobj), image.affine
    )


def _plausible(mask: Mask, voxel_ml: float) -> bool:
    return bool(_SMALLEST < mask.sum() * voxel_ml < _LARGEST)


def _support(values: NDArray[np.float32], voxel_ml: float) -> Mask | None:
    """Voxels that are not black, if they are one brain-sized body; else None."""
    bright = values > _BLACK * np.percentile(values, 99)
    if bright.mean() > 1 - _LEAST_BACKGROUND:
        return None
    body = _largest_body(bright)
    return body if _plausible(body, voxel_ml) and body.sum() > 0.9 * bright.sum() else None


def _largest_body(mask: Mask) -> Mask:
    """Largest connected part, holes filled."""
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    largest = 1 + np.argmax(np.bincount(labels.ravel())[1:])
    return np.asarray(ndimage.binary_fill_holes(labels == largest), dtype=bool)


def _by_template(head: nib.Nifti1Image) -> Mask:
    """Brain of the template, moved onto the head by an affine that works for any contrast."""
    template, brain = load_template("T1w", 2), load_template("brain", 2)
    fixed = Picture(
        as_volume(np.asarray(template.dataobj)),
        as_volume(np.asarray(brain.dataobj)),
        template.affine,
    )
    volume = as_volume(np.asarray(head.dataobj))
    moving = Picture(volume, volume.new_ones(volume.shape), head.affine)
    matrix, _ = align(fixed, moving, turned_starts(fixed.centre(), moving.centre()), _SCALE_STAGES)
    to_template = Transform(matrix=np.asarray(np.linalg.inv(matrix), dtype=np.float64))
    moved = resample(brain, Grid.of(head), to_template)
    return np.asarray(moved.dataobj) > 0.5
