"""Reading of a diffusion series with all that it is processed by."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nibabel as nib

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.search import read_sidecars
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.anatomy.lesion import Lesion
from motor_bids_app.levels.participant.diffusion.runs import join_further
from motor_bids_app.levels.participant.distortion.images import (
    DistortionImages,
    axis_of,
    phase_axis,
    read_distortion_images,
)
from motor_bids_app.levels.participant.lesion import placed_lesion
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.tissue import head_white_matter
from motor_bids_app.mri.diffusion.gradients import GradientTable, parse_gradients
from motor_bids_app.opening import read_text
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.transforms import Transform


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
    distortion : DistortionImages
        What shows its distortion.
    notes : list of str
        What a reader should know of the series itself.
    placing_notes : list of str
        What a reader should know of what was not there or could not be used.
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
    distortion: DistortionImages = field(default_factory=DistortionImages)
    notes: list[str] = field(default_factory=list)
    placing_notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def slice_axis(self) -> int:
        """Voxel axis along which slices were acquired."""
        return axis_of(self.sidecar.get("SliceEncodingDirection"), 2)

    @property
    def phase_axis(self) -> int:
        """Voxel axis of phase encoding; the second where nothing is said of it."""
        return phase_axis(self.sidecar)


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
        shown = read_distortion_images(series.image, sidecar, scan.reverse_phase, scan.field_map)
        series = replace(series, distortion=shown)
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
        white_matter=head_white_matter(outputs),
        from_standard=outputs.load_transform(),
        lesion=load_image(lesion) if lesion.is_file() else None,
    )


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
