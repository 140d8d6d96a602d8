"""Reading of the images that show the distortion of an echo-planar series."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.field_map import FieldMap
from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.reverse_phase import ReversePhase
from motor_bids_app.bids.search import number_in, read_sidecars
from motor_bids_app.errors import DataError, MotorBidsAppError
from motor_bids_app.opening import read_text
from motor_bids_app.spaces.grids import finite_values, image_like

_B0 = 100.0  # s/mm2, below which a volume is not weighted
_AVERAGED = 20  # volumes at most; more would take time and show nothing new
_SAME_READOUT = 0.02  # of the readout time, by which two images may differ
_AXES = {"i": 0, "j": 1, "k": 2}
_NAMES = {"pair": "The pair of images", "map": "The field map"}


@dataclass(frozen=True, eq=False)
class FieldImages:
    """Images of a field map, and their sidecars; `kind` is that of `bids.field_map.FieldMap`."""

    kind: str
    images: tuple[nib.Nifti1Image, ...]
    sidecars: tuple[Mapping[str, Any], ...]
    magnitude: nib.Nifti1Image
    name: str  # of the first image's file, for what is said of it


@dataclass(frozen=True, eq=False)
class Partner:
    """The other of a pair of images that are none of the series, and its metadata."""

    image: nib.Nifti1Image
    sidecar: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class DistortionImages:
    """What shows the distortion of a series.

    Parameters
    ----------
    reverse : Nifti1Image, shape (x, y, z), or None
        Mean unweighted volume with phase encoding the other way.
    partner : Partner or None
        Image of the kind of `reverse` with the phase encoding of the series; None: that is the
        series itself.
    field_images : FieldImages or None
        Field map.
    names : mapping of str to str
        What "pair" and "map" are called.
    failed : mapping of str to str
        What to say of these where they were there and could not be read.
    """

    reverse: nib.Nifti1Image | None = None
    partner: Partner | None = None
    field_images: FieldImages | None = None
    names: Mapping[str, str] = field(default_factory=lambda: dict(_NAMES))
    failed: Mapping[str, str] = field(default_factory=dict)


def axis_of(direction: object, usual: int) -> int:
    """Voxel axis of a direction as in BIDS sidecars ('j-'), or what is usual."""
    return _AXES.get(str(direction)[:1], usual)


def phase_axis(sidecar: Mapping[str, Any]) -> int:
    """Voxel axis of phase encoding; the second where nothing is said of it."""
    return axis_of(sidecar.get("PhaseEncodingDirection") or sidecar.get("PhaseEncodingAxis"), 1)


def read_distortion_images(
    series: nib.Nifti1Image,
    sidecar: Mapping[str, Any],
    reverse: ReversePhase | None,
    field_map: FieldMap | None,
) -> DistortionImages:
    """Read what shows the distortion of a series, which has a `sidecar`.

    The field map is read beside a pair too, as that may turn out to show nothing.
    """
    found, names, failed = DistortionImages(), dict(_NAMES), dict[str, str]()
    if reverse is not None:
        names["pair"] = reverse.path.name
        try:
            partner = _read_partner(sidecar, reverse)
            other = (partner.image, partner.sidecar) if partner else (series, sidecar)
            found = replace(found, reverse=_read_reverse(*other, reverse), partner=partner)
        except MotorBidsAppError as error:
            failed["pair"] = _unused(reverse.path, error)
    if field_map is not None:
        names["map"] = field_map.images[0].name
        try:
            found = replace(found, field_images=read_field_map(field_map))
        except MotorBidsAppError as error:
            failed["map"] = _unused(field_map.images[0], error)
    return replace(found, names=names, failed=failed)


def _unused(path: Path, error: MotorBidsAppError) -> str:
    reason = str(error).removesuffix(".").removeprefix(f"{path}: ")
    return f"{path.name} was not used against distortion: {reason}."


def _read_partner(sidecar: Mapping[str, Any], reverse: ReversePhase) -> Partner | None:
    """The partner of a pair, where the readout times carry its field over to the series."""
    if reverse.partner is None:
        return None
    own = read_sidecars(reverse.partner.sidecars)
    if not all(isinstance(one.get("TotalReadoutTime"), int | float) for one in (own, sidecar)):
        return None
    image = load_image(reverse.partner.path)
    return Partner(_mean_unweighted(image, reverse.partner), own) if image.ndim in (3, 4) else None


def _read_reverse(
    other: nib.Nifti1Image, sidecar: Mapping[str, Any], reverse: ReversePhase
) -> nib.Nifti1Image:
    """Mean unweighted volume of an image; an error where it is no pair with the other."""
    image = load_image(reverse.path)
    problem = _problem(image, other, sidecar, reverse)
    if problem is not None:
        raise DataError(problem)
    mean = _mean_unweighted(image, reverse)
    if not np.asarray(mean.dataobj).any():
        raise DataError("it has no volume without weighting")
    return mean


def _mean_unweighted(image: nib.Nifti1Image, file: ReversePhase) -> nib.Nifti1Image:
    """Mean of the volumes without weighting, of a long series of the first; 0 without any."""
    if image.ndim == 3:
        return image_like(finite_values(image), image)
    chosen = np.flatnonzero(_weights(file, image.shape[3]) < _B0)[:_AVERAGED]
    if not chosen.size:
        return image_like(np.zeros(image.shape[:3]), image)
    part = np.asarray(image.dataobj[..., : chosen[-1] + 1], dtype=np.float32)
    return image_like(np.nan_to_num(part)[..., chosen].mean(axis=3), image)


def _weights(reverse: ReversePhase, volumes: int) -> NDArray[np.float64]:
    """b-values, shape (volumes,), 0 where there is no file; NaN where that does not fit."""
    if reverse.bval is None:
        return np.zeros(volumes)
    try:
        weights = np.array(read_text(reverse.bval).split(), dtype=np.float64)
    except ValueError:
        weights = np.zeros(0)
    return weights if len(weights) == volumes else np.full(volumes, np.nan)


def _problem(
    image: nib.Nifti1Image,
    other: nib.Nifti1Image,
    sidecar: Mapping[str, Any],
    reverse: ReversePhase,
) -> str | None:
    """Why an image is no pair with another, if it is not."""
    if image.ndim not in (3, 4):
        return f"it has {image.ndim} axes"
    if image.ndim == 4 and np.isnan(_weights(reverse, image.shape[3])).any():
        return "its bval file does not have one number for each of its volumes"
    columns = [one.affine[:3, phase_axis(sidecar)] for one in (other, image)]
    ways = [column / np.linalg.norm(column) for column in columns]
    if ways[0] @ ways[1] < 0.99:
        return "its phase-encoding axis is not that of the series"
    try:
        own = number_in(sidecar, "TotalReadoutTime")
        other = number_in(read_sidecars(reverse.sidecars), "TotalReadoutTime")
    except DataError as error:
        return str(error).removesuffix(".")
    if own and other and abs(other / own - 1) > _SAME_READOUT:
        return f"its readout takes {other:g} s, that of the series {own:g} s"
    return None


def read_field_map(files: FieldMap) -> FieldImages:
    """Load the images of a field map and their sidecars.

    Raises
    ------
    DataError
        They do not have one shape of three axes; the message follows the name of the map.
    """
    images = tuple(_volume(path) for path in files.images)
    magnitude = _volume(files.magnitude)
    if any(image.shape != magnitude.shape for image in images):
        raise DataError("its magnitude image has another shape")
    sidecars = tuple(read_sidecars(paths) for paths in files.sidecars)
    return FieldImages(files.kind, images, sidecars, magnitude, files.images[0].name)


def _volume(path: Path) -> nib.Nifti1Image:
    image = load_image(path)
    values = finite_values(image)
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise DataError(f"{path.name} has {values.ndim} axes instead of 3")
    return image_like(values, image)
