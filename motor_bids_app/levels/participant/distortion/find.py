"""The field that distorts an echo-planar series, from the images that show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import nibabel as nib
import numpy as np

from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.distortion.field_map import field_by_map
from motor_bids_app.levels.participant.distortion.images import DistortionImages, phase_axis
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.distortion.susceptibility import Field, correct_pair
from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import Grid


@dataclass(frozen=True, eq=False)
class FoundField:
    """A field in voxels along the phase-encoding axis of a series, and what showed it."""

    field: Field
    by: Literal["pair", "map"]


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
    axis = phase_axis(sidecar)
    notes.extend(images.notes)
    if images.reverse is not None:
        return FoundField(_by_pair(mean, resample(images.reverse, Grid.of(mean)), axis), "pair")
    if images.field_images is None:
        return None
    try:
        return FoundField(field_by_map(mean, axis, images.field_images, sidecar), "map")
    except DataError as error:
        notes.append(f"{images.field_images.name} was not used against distortion: {error}.")
        return None


def _by_pair(mean: nib.Nifti1Image, other: nib.Nifti1Image, axis: int) -> Field:
    values = np.asarray(mean.dataobj)
    brain = dwi_mask(values, Grid.of(mean).voxel_sizes)
    return correct_pair(values, np.asarray(other.dataobj), brain, mean.affine, axis)
