"""The field that distorts an echo-planar series, from the images that show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np

from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.distortion.field_map import field_by_map, voxels_per_hertz
from motor_bids_app.levels.participant.distortion.images import (
    DistortionImages,
    FieldImages,
    Partner,
    phase_axis,
)
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.distortion.susceptibility import (
    LEAST_MOVE,
    Field,
    correct_by_head,
    correct_pair,
    unwarp,
)
from motor_bids_app.mri.registration import coregister
from motor_bids_app.mri.resampling import resample
from motor_bids_app.mri.rigid import Coregistration
from motor_bids_app.spaces.grids import Grid, image_like
from motor_bids_app.spaces.transforms import Transform

INSTEAD = {  # what was done instead of what could not be used, by method
    "pair": "The pair of images was used instead.",
    "map": "The field map was used instead.",
    "head": "Distortion was corrected by the head image instead, which finds but a part of it.",
    "none": "Distortion was not corrected: the head image showed none to correct.",
    "refused": "Distortion was not corrected.",
    "left": "Distortion was not corrected.",
}


@dataclass(frozen=True, eq=False)
class FoundField:
    """A field in voxels along the phase-encoding axis of a series, and what showed it."""

    field: Field
    by: str  # "pair" or "map"


@dataclass(frozen=True, eq=False)
class HeadField:
    """A field as the head shows it, None where it shows none, and where the head lies.

    `place` takes points of the head to those of the series as acquired; `left` says why there is
    no field.
    """

    field: Field | None
    place: Coregistration
    left: str = ""


def find_field(
    mean: nib.Nifti1Image,
    sidecar: Mapping[str, Any],
    images: DistortionImages,
    notes: list[str],
) -> FoundField | None:
    """Find the field of the mean volume of a series, from a pair of images, else from a field map.

    None where nothing shows it; what was there and could not be used is added to the `notes`.

    Parameters
    ----------
    mean : Nifti1Image, shape (X, Y, Z)
        As distorted as the series is.
    sidecar : mapping
        Metadata of the series.
    """
    for by in ("pair", "map"):
        try:
            field = images.failed.get(by) or _find(by, mean, sidecar, images)
        except DataError as error:
            name = images.names[by]
            field = f"{name} was not used against distortion: {str(error).removesuffix('.')}."
        if isinstance(field, str):
            notes.append(field)
        elif field is not None:
            return FoundField(field, by)
    return None


def find_by_head(
    mean: nib.Nifti1Image,
    axis: int,
    head: nib.Nifti1Image,
    brain: nib.Nifti1Image,
    lesion: nib.Nifti1Image | None,
) -> HeadField:
    """Find the field of the mean volume of a series by the head image, which is not distorted.

    Parameters
    ----------
    mean : Nifti1Image, shape (X, Y, Z)
        As distorted as the series is.
    axis : int
        Phase-encoding axis.
    head, brain, lesion : Nifti1Image
        The head and masks, on one grid.
    """
    placed, grid = coregister(head, mean, brain), Grid.of(mean)
    to_head = Transform(matrix=np.linalg.inv(placed.matrix).astype(np.float64))
    images = [head, brain, *([lesion] if lesion else [])]
    seen, *masks = (np.asarray(resample(one, grid, to_head).dataobj) for one in images)
    inside, *struck = (mask > 0.5 for mask in masks)
    found = correct_by_head(np.asarray(mean.dataobj), seen, inside, mean.affine, axis, *struck)
    if found.accepted:
        return HeadField(found.field, placed)
    reason = (
        "was looked for by the head image and not corrected: "
        f"{100 * found.share:.1f} % of the brain would move by {LEAST_MOVE:g} mm or more"
    )
    if found.share:
        reason += f", and its similarity rise from {found.before:.2f} to {found.after:.2f}"
    return HeadField(None, placed, reason + ".")


def _find(
    by: str, mean: nib.Nifti1Image, sidecar: Mapping[str, Any], images: DistortionImages
) -> Field | None:
    axis = phase_axis(sidecar)
    if by == "map":
        shown = images.field_images
    elif images.reverse is not None and images.partner is None:
        return _of_pair(mean, images.reverse, axis)
    else:
        shown = _map_of_pair(images.partner, images.reverse)
    return field_by_map(mean, axis, shown, sidecar) if shown else None


def _of_pair(mean: nib.Nifti1Image, reverse: nib.Nifti1Image, axis: int) -> Field:
    values, grid = np.asarray(mean.dataobj), Grid.of(mean)
    other = np.asarray(resample(reverse, grid).dataobj)
    return correct_pair(values, other, dwi_mask(values, grid.voxel_sizes), mean.affine, axis)


def _map_of_pair(partner: Partner | None, reverse: nib.Nifti1Image | None) -> FieldImages | None:
    """Field map in Hz of a pair of images, with the undistorted one as its magnitude."""
    if partner is None or reverse is None:
        return None
    axis = phase_axis(partner.sidecar)
    field = _of_pair(partner.image, reverse, axis)
    image, still = np.asarray(partner.image.dataobj), partner.image
    hertz = image_like(field / voxels_per_hertz(partner.sidecar, image.shape[axis]), still)
    bright = image_like(unwarp(image, field, axis), still)
    return FieldImages("fieldmap", (hertz,), ({"Units": "Hz"},), bright, "pair")
