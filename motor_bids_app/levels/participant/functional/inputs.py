"""All that a bold series is processed with, read from files into one object."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import Scan
from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.features.seeds import sphere
from motor_bids_app.levels.participant.distortion.images import (
    DistortionImages,
    read_distortion_images,
)
from motor_bids_app.levels.participant.functional.finished import (
    ToolSpace,
    read_finished,
    read_tool_space,
)
from motor_bids_app.levels.participant.functional.read import RESOLUTION, Series, read_series
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.tissue import (
    has_tissue,
    head_white_matter,
    standard_tissue,
)
from motor_bids_app.mri.functional.motion import SeriesMotion
from motor_bids_app.mri.resampling import resample
from motor_bids_app.settings import STANDARD_SPACE, BoldSettings, ProcessingSettings
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.transforms import Transform


@dataclass(frozen=True, eq=False)
class BoldInputs:
    """A series with the anatomy of its head.

    `motion` and `space`, that the series is in, are known of a finished series alone. `head`,
    `brain` and `white_matter` are on the grid of the head image, which `to_head` leads to from the
    standard space, where `tissue` and `lesion` lie. `seed` is wanted in the left
    hemisphere. `distortion` holds the images that show how a raw series is distorted; without any
    it is looked for `by_head` if asked, where `head_lesion`, on the grid of the head, has no say.
    """

    series: Series
    motion: SeriesMotion | None
    space: ToolSpace | None
    head: nib.Nifti1Image
    brain: nib.Nifti1Image
    white_matter: nib.Nifti1Image
    to_head: Transform
    tissue: Mapping[str, nib.Nifti1Image]
    lesion: nib.Nifti1Image | None
    seed: NDArray[np.bool_]
    distortion: DistortionImages = field(default_factory=DistortionImages)
    by_head: bool = False
    head_lesion: nib.Nifti1Image | None = None


def read_inputs(scan: Scan, outputs: Outputs, settings: ProcessingSettings) -> BoldInputs:
    """Read a series, raw or finished, and the anatomy that was processed before it.

    Raises
    ------
    DataError
        The series, or what describes it, cannot be used; or there is no head image.
    """
    assert scan.bold is not None
    if outputs.head is None:
        raise DataError(
            f"{outputs.prefix}: there is no head image by which the bold could be placed. See the "
            "anat step, or leave bold out with --modalities."
        )
    motion, space, distortion = None, None, DistortionImages()
    if scan.bold.confounds is None:
        bold = scan.bold
        series = read_series(bold, settings.bold)
        if settings.susceptibility != "off":
            distortion = read_distortion_images(
                series.image, series.sidecar, bold.reverse_phase, bold.field_map
            )
    else:
        series, motion = read_finished(scan.bold, settings.bold)
        space = read_tool_space(scan)
        series.facts.methods.append("finished_bold")
        series.facts.taken["bold"] = scan.finished.datasets["bold"]
    if not has_tissue(outputs):
        series.facts.notes.append(
            "The head has no tissue maps: nuisance signals of the bold are those of the places "
            "where the template has white matter and fluid."
        )
    lesions = [outputs.path("mask", "anat", label="L", standard=one) for one in (True, False)]
    lesion, head_lesion = (load_image(path) if path.is_file() else None for path in lesions)
    return BoldInputs(
        series=series,
        motion=motion,
        space=space,
        head=load_image(outputs.head),
        brain=outputs.load("mask", "anat", desc="brain"),
        white_matter=head_white_matter(outputs),
        to_head=outputs.load_transform(),
        tissue=standard_tissue(outputs),
        lesion=lesion,
        seed=wanted_seed(settings.bold),
        distortion=distortion,
        by_head=settings.susceptibility == "head",
        head_lesion=head_lesion,
    )


def wanted_seed(settings: BoldSettings) -> NDArray[np.bool_]:
    """Voxels of the seed in the left hemisphere, on the standard grid.

    Raises
    ------
    UsageError
        The mask is empty there, or not in the left hemisphere alone.
    DataError, InputMissingError
        The mask is no 3-D image, or is not there.
    """
    grid = standard_grid(RESOLUTION)
    if isinstance(settings.seed, Path):
        mask = load_image(settings.seed)
        if mask.ndim != 3:
            raise DataError(f"The seed mask {settings.seed} has {mask.ndim} axes instead of 3.")
        wanted = np.asarray(resample(mask, grid).dataobj) > 0.5
        if not wanted.any():
            raise UsageError(
                f"--seed-mask {settings.seed} has no voxel in the standard space. Give a mask in "
                f"{STANDARD_SPACE} that is 1 in the seed."
            )
        half = wanted.shape[0] // 2
        if wanted[half:].any():
            raise UsageError(
                f"--seed-mask {settings.seed}: {int(wanted[half:].sum())} of its {wanted.sum()} "
                "voxels are not in the left hemisphere. Give the seed there; it is mirrored where "
                "the lesion is on the right."
            )
        return wanted
    return sphere(grid, settings.seed, settings.seed_radius)
