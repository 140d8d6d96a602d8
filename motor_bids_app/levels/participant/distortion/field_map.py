"""Distortion of an echo-planar series from a map of the magnetic field."""

from collections.abc import Mapping, Sequence
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.distortion.images import FieldImages
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.distortion.field_map import (
    continued,
    phase_in_radians,
    signal_mask,
    smooth_field,
    unwrap,
    wrap,
)
from motor_bids_app.mri.distortion.susceptibility import Field, unwarp
from motor_bids_app.mri.registration import coregister, refit
from motor_bids_app.mri.resampling import resample
from motor_bids_app.mri.rigid import LEAST_SIMILARITY
from motor_bids_app.spaces.grids import Grid, image_like
from motor_bids_app.spaces.transforms import Transform

_HERTZ = {"hz": 1.0, "rad/s": 1 / (2 * np.pi), "t": 42.577e6}  # of protons
_ECHOES = (2e-4, 2e-2)  # s between two echoes; beyond, the unit of their times must be wrong
_READOUT = (1e-3, 0.5)  # s, likewise
_PLACINGS = 2  # of the map, the last by the image that the first has corrected


def field_by_map(
    mean: nib.Nifti1Image, axis: int, field_images: FieldImages, sidecar: Mapping[str, Any]
) -> Field:
    """Displacement along an axis of the mean volume of a series, in voxels, from a field map.

    What lies in a field of f Hz is read f x TotalReadoutTime voxels farther along the
    PhaseEncodingDirection (Jezzard and Balaban 1995; the signs are those that BIDS gives). Both
    are of the `sidecar` of the series.

    Raises
    ------
    DataError
        The map cannot be used; the message says why, in words to follow its name.
    """
    per_hertz = voxels_per_hertz(sidecar, mean.shape[axis])
    hertz, magnitude = _in_hertz(field_images), field_images.magnitude
    grid, values = Grid.of(mean), np.asarray(mean.dataobj)
    field, place = np.zeros(grid.shape, dtype=np.float32), None
    for _ in range(_PLACINGS):
        seen = image_like(unwarp(values, field, axis), mean)
        brain = nib.Nifti1Image(dwi_mask(np.asarray(seen.dataobj), grid.voxel_sizes), mean.affine)
        if place is None:
            place = coregister(seen, magnitude, brain)
        else:
            place = refit(seen, magnitude, brain, place.matrix)
        field = np.float32(per_hertz) * _on(grid, hertz, Transform(matrix=place.matrix))
    if place is not None and place.similarity < LEAST_SIMILARITY:
        raise DataError(
            "the edges of its magnitude image hardly fit those of the series "
            f"({place.similarity:.2f} of 1; {LEAST_SIMILARITY:g} or more is usual)"
        )
    return field


def voxels_per_hertz(sidecar: Mapping[str, Any], lines: int) -> float:
    """How far a series reads what lies in a field of 1 Hz, along its phase-encoding axis.

    Raises
    ------
    DataError
        The direction or the time of its readout is not known.
    """
    direction = str(sidecar.get("PhaseEncodingDirection", ""))
    per_hertz = _readout(sidecar, lines) * (-1 if direction.endswith("-") else 1)
    if not direction:
        raise DataError("no sidecar of the series has its PhaseEncodingDirection")
    return per_hertz


def _readout(own: Mapping[str, Any], lines: int) -> float:
    """TotalReadoutTime in s, or what the echo spacing makes of it."""
    spacing, count = own.get("EffectiveEchoSpacing"), own.get("ReconMatrixPE", lines)
    time = own.get("TotalReadoutTime")
    if time is None and all(isinstance(value, int | float) for value in (spacing, count)):
        time = spacing * (count - 1)
    if not isinstance(time, int | float) or not _READOUT[0] <= time <= _READOUT[1]:
        raise DataError(
            f"the TotalReadoutTime of the series is {time if time is not None else 'not known'}, "
            f"not a number of seconds from {_READOUT[0]:g} to {_READOUT[1]:g}"
        )
    return float(time)


def _on(grid: Grid, image: nib.Nifti1Image, transform: Transform) -> NDArray[np.float32]:
    """Values on a grid, continued where the image does not reach."""
    ones = image_like(np.ones(image.shape), image)
    values, share = (np.asarray(resample(i, grid, transform).dataobj) for i in (image, ones))
    known = share > 0.5
    if not known.any():
        raise DataError("it shows another part of the head")
    mean = np.divide(values, share, out=np.zeros_like(values), where=known)
    return np.asarray(continued(mean, known, grid.voxel_sizes), dtype=np.float32)


def _in_hertz(field_images: FieldImages) -> nib.Nifti1Image:
    """Return the field in Hz, smooth and everywhere."""
    images, sidecars = field_images.images, field_images.sidecars
    bright = np.asarray(field_images.magnitude.dataobj, dtype=np.float64)
    values = [np.asarray(image.dataobj, dtype=np.float64) for image in images]
    inside = signal_mask(bright)
    if field_images.kind == "fieldmap":
        units = str(sidecars[0].get("Units", "")).lower()
        if units not in _HERTZ:
            raise DataError("its sidecar has no Units, which must be Hz, rad/s or T")
        hertz = values[0] * _HERTZ[units]
    else:
        phases = [phase_in_radians(value) for value in values]
        difference = phases[0] if len(phases) == 1 else wrap(phases[1] - phases[0])
        hertz = unwrap(difference, inside) / (2 * np.pi * _between_echoes(sidecars))
        # Scanners count phase from anywhere: a shift of the whole brain is left to registration.
        hertz -= np.median(hertz[inside])
    smooth = smooth_field(hertz, bright, inside, Grid.of(images[0]).voxel_sizes)
    return image_like(smooth, images[0])


def _between_echoes(sidecars: Sequence[Mapping[str, Any]]) -> float:
    """Time in s between two echoes: of one sidecar with both, or of two with one each."""
    if len(sidecars) == 1:
        times = [sidecars[0].get("EchoTime1"), sidecars[0].get("EchoTime2")]
    else:
        times = [sidecar.get("EchoTime") for sidecar in sidecars]
    known = [float(time) for time in times if isinstance(time, int | float)]
    if len(known) < len(times):
        raise DataError("its sidecars do not have the times of both echoes")
    between = known[1] - known[0]
    if not _ECHOES[0] <= between <= _ECHOES[1]:
        raise DataError(f"{between:g} s between its echoes cannot be right")
    return between
