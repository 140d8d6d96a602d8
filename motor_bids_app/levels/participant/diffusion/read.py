"""Reading of a diffusion series with all that it is processed by."""

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
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.search import number_in, read_sidecars
from motor_bids_app.errors import DataError, MotorBidsAppError
from motor_bids_app.levels.participant.anatomy.lesion import Lesion
from motor_bids_app.levels.participant.diffusion.runs import join_further
from motor_bids_app.levels.participant.lesion import placed_lesion
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.mri.diffusion.gradients import GradientTable, parse_gradients
from motor_bids_app.opening import read_text
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.grids import image_like
from motor_bids_app.spaces.transforms import Transform

_B0 = 100.0  # s/mm2, below which a volume is not weighted
_SAME_READOUT = 0.02  # of the readout time, by which two images may differ
_AXES = {"i": 0, "j": 1, "k": 2}


@dataclass(frozen=True, eq=False)
class Head:
    """The preprocessed head image of the same person, by which a series is placed.

    `brain` and `lesion` are masks, `white_matter` a probability, all on the grid of `image`.
    `from_standard` takes points of the standard space to the head.
    """

    image: nib.Nifti1Image
    brain: nib.Nifti1Image
    white_matter: nib.Nifti1Image
    from_standard: Transform
    lesion: nib.Nifti1Image | None = None


@dataclass(frozen=True, eq=False)
class FieldImages:
    """Images of a field map, and their sidecars; `kind` is that of `bids.field_map.FieldMap`."""

    kind: str
    images: tuple[nib.Nifti1Image, ...]
    sidecars: tuple[Mapping[str, Any], ...]
    magnitude: nib.Nifti1Image
    name: str  # of the first image's file, for what is said of it


@dataclass(frozen=True, eq=False)
class Series:
    """A raw diffusion series, and what it is processed by.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z, N)
        The series.
    gradients : GradientTable
        One entry per volume.
    sidecar : mapping
        Metadata of the series.
    sources, tables : tuple of Path
        The files of the series, one per run, and their gradient files.
    head : Head or None
        None: the series is placed by its own b = 0 volumes.
    lesion : Lesion or None
        Mask drawn on the series, on its grid; read where there is no head.
    reverse_b0 : Nifti1Image, shape (x, y, z), or None
        Mean volume without weighting, with phase encoding the other way.
    field_images : FieldImages or None
        Field map that shows the distortion, read where there is no `reverse_b0`.
    notes : list of str
        What a reader should know of the series itself.
    placing_notes : list of str
        What a reader should know of what was not there.
    unused_fields : list of str
        Which images that show the distortion could not be used, and why; without a full stop.
    warnings : list of str
        What makes the maps doubtful.
    """

    image: nib.Nifti1Image
    gradients: GradientTable
    sidecar: Mapping[str, Any]
    sources: tuple[Path, ...]
    tables: tuple[Path, ...]
    head: Head | None = None
    lesion: Lesion | None = None
    reverse_b0: nib.Nifti1Image | None = None
    field_images: FieldImages | None = None
    notes: list[str] = field(default_factory=list)
    placing_notes: list[str] = field(default_factory=list)
    unused_fields: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def slice_axis(self) -> int:
        """Voxel axis along which slices were acquired."""
        return _axis(self.sidecar.get("SliceEncodingDirection"), 2)

    @property
    def phase_axis(self) -> int:
        """Voxel axis of phase encoding; the second where nothing is said of it."""
        sidecar = self.sidecar
        known = sidecar.get("PhaseEncodingDirection") or sidecar.get("PhaseEncodingAxis")
        return _axis(known, 1)


def read_series(scan: Scan, outputs: Outputs, settings: ProcessingSettings) -> Series:
    """Read the series of a scan, its gradients, the head and what shows its distortion.

    Raises
    ------
    DataError
        It is no series, or it and its gradients do not belong together.
    """
    assert scan.dwi is not None
    image = load_image(scan.dwi)
    gradients = read_gradients(scan, image)
    sidecar = read_sidecars(scan.dwi_sidecars)
    joined = join_further(image, gradients, sidecar, scan)
    files = (joined.images, joined.tables)
    series = Series(joined.image, joined.gradients, sidecar, *files, read_head(outputs))
    series.notes.extend(joined.notes)
    series.warnings.extend(joined.warnings)
    if series.head is None:
        series.placing_notes.extend(_without_head(scan))
        if scan.lesion is not None and scan.lesion.image == "dwi":
            series = replace(
                series, lesion=placed_lesion(scan.lesion.path, image, scan.lesion.parts)
            )
    if settings.susceptibility != "off":
        series = replace(series, reverse_b0=_reverse_b0(series, scan))
        if series.reverse_b0 is None:
            series = replace(series, field_images=_field_images(series, scan))
    return series


def read_gradients(scan: Scan, image: nib.Nifti1Image) -> GradientTable:
    """Read the gradients of a series, of whose `image` the shape alone matters.

    Raises
    ------
    DataError
        There are none, it is no series, or they do not belong together.
    """
    if scan.bval is None or scan.bvec is None:
        raise DataError(
            f"{scan.dwi} has no .bval and .bvec file, beside it or higher up in the dataset. "
            "Add them, or leave dwi out with --modalities anat."
        )
    gradients = parse_gradients(read_text(scan.bval), read_text(scan.bvec))
    if image.ndim != 4:
        raise DataError(
            f"{scan.dwi} has {image.ndim} axes instead of 4: a single volume holds no tensor. "
            "Pass the whole series, or leave dwi out with --modalities anat."
        )
    gradients.check(image.shape[3])
    return gradients


def read_head(outputs: Outputs) -> Head | None:
    """Load the head that the anatomy step saved; None where there is none."""
    if outputs.head is None:
        return None
    lesion = outputs.path("mask", "anat", label="L")
    return Head(
        image=load_image(outputs.head),
        brain=outputs.load("mask", "anat", desc="brain"),
        white_matter=outputs.load("probseg", "anat", label="WM"),
        from_standard=outputs.load_transform(),
        lesion=load_image(lesion) if lesion.is_file() else None,
    )


def _axis(direction: object, usual: int) -> int:
    """Voxel axis of a direction as in BIDS sidecars ('j-'), or what is usual."""
    return _AXES.get(str(direction)[:1], usual)


def _without_head(scan: Scan) -> list[str]:
    """Why there is no head image, and what that means for the lesion mask."""
    reason = "There is no head image"
    if scan.anatomy is not None:
        reason = f"The head image ({scan.anatomy[0].name}) was not processed"
    notes = [
        f"{reason}: the mean b = 0 volume was registered to the template instead, which is less "
        "exact."
    ]
    lesion = scan.lesion
    if lesion is not None and lesion.image != "dwi" and not lesion.is_standard:
        notes.append(
            f"{lesion.path.name} left out: it was drawn on {lesion.image}, by which the "
            "dwi was not placed. Process the head image too."
        )
    return notes


def _reverse_b0(series: Series, scan: Scan) -> nib.Nifti1Image | None:
    """Mean unweighted volume of the image with opposite phase encoding, if that can be used."""
    if scan.reverse_phase is None:
        return None
    try:
        return read_pair(series, scan.reverse_phase)
    except MotorBidsAppError as error:
        series.unused_fields.append(unused(scan.reverse_phase.path, error))
        return None


def unused(path: Path, error: MotorBidsAppError) -> str:
    """Say that an image did not serve against distortion, and why; without a full stop."""
    reason = str(error).removesuffix(".").removeprefix(f"{path}: ")
    return f"{path.name} was not used against distortion: {reason}"


def read_pair(series: Series, reverse: ReversePhase) -> nib.Nifti1Image:
    """Load the mean unweighted volume of an image with opposite phase encoding.

    Raises
    ------
    DataError, ReadWriteError, InputMissingError
        It cannot be read, or is no pair with the series.
    """
    image = load_image(reverse.path)
    problem = _problem(image, series, reverse)
    if problem is not None:
        raise DataError(problem)
    data = np.nan_to_num(np.asarray(image.dataobj, dtype=np.float32))
    if data.ndim == 4:
        unweighted = np.flatnonzero(_weights(reverse, data.shape[3]) < _B0)
        data = data[..., unweighted].mean(axis=3) if unweighted.size else 0 * data[..., 0]
    if not data.any():
        raise DataError("it has no volume without weighting")
    return image_like(data, image)


def _weights(reverse: ReversePhase, volumes: int) -> NDArray[np.float64]:
    """b-values, shape (volumes,), 0 where there is no file; NaN where that does not fit."""
    if reverse.bval is None:
        return np.zeros(volumes)
    try:
        weights = np.array(read_text(reverse.bval).split(), dtype=np.float64)
    except ValueError:
        weights = np.zeros(0)
    return weights if len(weights) == volumes else np.full(volumes, np.nan)


def _problem(image: nib.Nifti1Image, series: Series, reverse: ReversePhase) -> str | None:
    """Why an image is no pair with the series, if it is not."""
    if image.ndim not in (3, 4):
        return f"it has {image.ndim} axes"
    if image.ndim == 4 and np.isnan(_weights(reverse, image.shape[3])).any():
        return "its bval file does not have one number for each of its volumes"
    columns = [one.affine[:3, series.phase_axis] for one in (series.image, image)]
    ways = [column / np.linalg.norm(column) for column in columns]
    if ways[0] @ ways[1] < 0.99:
        return "its phase-encoding axis is not that of the series"
    own = number_in(series.sidecar, "TotalReadoutTime")
    other = number_in(read_sidecars(reverse.sidecars), "TotalReadoutTime")
    if own and other and abs(other / own - 1) > _SAME_READOUT:
        return f"its readout takes {other:g} s, that of the series {own:g} s"
    return None


def _field_images(series: Series, scan: Scan) -> FieldImages | None:
    """Images of the field map; a note where they cannot be read as such."""
    if scan.field_map is None:
        return None
    try:
        return read_field_map(scan.field_map)
    except MotorBidsAppError as error:
        series.unused_fields.append(unused(scan.field_map.images[0], error))
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
    values = np.nan_to_num(np.asarray(image.dataobj, dtype=np.float32))
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise DataError(f"{path.name} has {values.ndim} axes instead of 3")
    return image_like(values, image)
