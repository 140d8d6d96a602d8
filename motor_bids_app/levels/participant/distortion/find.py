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
from motor_bids_app.mri.distortion.susceptibility import Field, correct_pair, unwarp
from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import Grid, image_like

INSTEAD = {  # what was done instead of what could not be used, by method
    "pair": "The pair of images was used instead.",
    "map": "The field map was used instead.",
    "head": "Distortion was corrected by the head image instead, which finds but a part of it.",
    "none": "Distortion was not corrected: the head image showed none to correct.",
    "left": "Distortion was not corrected.",
}


@dataclass(frozen=True, eq=False)
class FoundField:
    """A field in voxels along the phase-encoding axis of a series, and what showed it."""

    field: Field
    by: str  # "pair" or "map"


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
    notes.extend(images.notes)
    if images.reverse is None and images.field_images is None:
        return None
    try:
        return _find(mean, sidecar, images)
    except DataError as error:
        name = images.field_images.name if images.field_images else "The pair of images"
        notes.append(f"{name} was not used against distortion: {str(error).removesuffix('.')}.")
        return None


def _find(
    mean: nib.Nifti1Image, sidecar: Mapping[str, Any], images: DistortionImages
) -> FoundField:
    axis = phase_axis(sidecar)
    if images.reverse is None:
        assert images.field_images is not None
        return FoundField(field_by_map(mean, axis, images.field_images, sidecar), "map")
    if images.partner is None:
        return FoundField(_of_pair(mean, images.reverse, axis), "pair")
    shown = _map_of_pair(images.partner, images.reverse)
    return FoundField(field_by_map(mean, axis, shown, sidecar), "pair")


def _of_pair(mean: nib.Nifti1Image, reverse: nib.Nifti1Image, axis: int) -> Field:
    values, grid = np.asarray(mean.dataobj), Grid.of(mean)
    other = np.asarray(resample(reverse, grid).dataobj)
    return correct_pair(values, other, dwi_mask(values, grid.voxel_sizes), mean.affine, axis)


def _map_of_pair(partner: Partner, reverse: nib.Nifti1Image) -> FieldImages:
    """Field map in Hz of a pair of images, with the undistorted one as its magnitude."""
    axis = phase_axis(partner.sidecar)
    field = _of_pair(partner.image, reverse, axis)
    image, still = np.asarray(partner.image.dataobj), partner.image
    hertz = image_like(field / voxels_per_hertz(partner.sidecar, image.shape[axis]), still)
    bright = image_like(unwarp(image, field, axis), still)
    return FieldImages("fieldmap", (hertz,), ({"Units": "Hz"},), bright, "pair")
