"""Bold of one participant: from a raw series to a clean one in standard space."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import DataError, EmptyRegionError
from motor_bids_app.levels.participant.functional.clean import Cleaned, clean_series, tissues
from motor_bids_app.levels.participant.functional.connectivity import Connectivity, connect
from motor_bids_app.levels.participant.functional.inputs import BoldInputs
from motor_bids_app.levels.participant.functional.read import RESOLUTION, Series
from motor_bids_app.levels.participant.outputs import Facts
from motor_bids_app.mri.anatomy import correct_bias
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.functional.confounds import dvars, temporal_snr
from motor_bids_app.mri.functional.motion import SeriesMotion, estimate_motion, mean_volume
from motor_bids_app.mri.functional.placing import PlacedSeries, place_series
from motor_bids_app.mri.functional.timing import correct_slice_timing
from motor_bids_app.mri.quality import bold_quality
from motor_bids_app.mri.registration import coregister
from motor_bids_app.mri.resampling import resample
from motor_bids_app.mri.rigid import Coregistration
from motor_bids_app.settings import BoldSettings, ProcessingSettings
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

Images = tuple[nib.Nifti1Image, ...]


@dataclass(frozen=True, eq=False)
class PreprocessedBold:
    """A series in standard space, raw and clean, and all that is measured and shown of it.

    `tsnr`, shape (voxels,), is of the voxels of `placed`; `dvars` plain and standardised, shape
    (T,) each. `excluded` for motion has no connectivity. `on_head`: mean of the series, head, white
    matter and brain on the grid of the head.
    """

    series: Series
    motion: SeriesMotion
    placed: PlacedSeries
    cleaned: Cleaned
    tsnr: NDArray[np.floating]
    dvars: tuple[NDArray[np.float64], NDArray[np.float64]]
    excluded: bool
    connectivity: Connectivity | None
    on_head: Images | None


def process_bold(inputs: BoldInputs, settings: ProcessingSettings) -> PreprocessedBold:
    """Place, measure and clean a series, and compute the connectivity of M1."""
    series, on_head = inputs.series, None
    if inputs.motion is None or inputs.place is None:
        motion, placed, on_head = _from_raw(inputs, settings)
    else:
        motion = inputs.motion
        placed = _place(series.data, series, motion, inputs.place)
    facts, bold = series.facts, settings.bold
    tsnr, changes = temporal_snr(placed.signals), dvars(placed.signals)
    brain = np.asarray(load_template("brain", RESOLUTION).dataobj) > 0
    coverage = placed.inside.sum() / brain.sum()
    displacement = motion.framewise_displacement
    facts.quality.update(bold_quality(motion.parameters, displacement, tsnr, changes[1], coverage))
    excluded = _flag_motion(motion, bold, facts) and bold.exclude_motion
    scrubbed = _scrubbed(motion, bold, facts)
    tissue = tissues(inputs.tissue, inputs.lesion, placed.inside)
    cleaned = clean_series(placed, motion, tissue, scrubbed, series.repetition, bold, facts)
    connectivity = _connect(cleaned, inputs, excluded, bold)
    return PreprocessedBold(
        series, motion, placed, cleaned, tsnr, changes, excluded, connectivity, on_head
    )


def _from_raw(
    inputs: BoldInputs, settings: ProcessingSettings
) -> tuple[SeriesMotion, PlacedSeries, Images]:
    """Find the motion and the place of a raw series, and bring it to the standard space."""
    series = inputs.series
    facts, grid = series.facts, Grid.of(series.image)
    rough = dwi_mask(series.data.mean(axis=3), grid.voxel_sizes)
    motion = estimate_motion(series.data, grid.affine, rough, series.data.shape[3] // 2)
    mean = nib.Nifti1Image(mean_volume(series.data, motion.matrices), grid.affine)
    mean = correct_bias(mean, nib.Nifti1Image(rough, grid.affine), sloppy=settings.sloppy)
    found = register_series(mean, inputs)
    _judge_place(found, facts)
    to_series = found.matrix
    shown = resample(mean, Grid.of(inputs.head), Transform(matrix=to_series))
    facts.methods.extend(["bold_motion", "bold_coregistration"])
    data = series.data
    if series.slice_times is not None:
        data = correct_slice_timing(data, series.slice_times, series.repetition, series.slice_axis)
        facts.methods.append("bold_slice_timing")
    placed = _place(data, series, motion, inputs.to_head.then(to_series))
    return motion, placed, (shown, inputs.head, inputs.white_matter, inputs.brain)


def register_series(mean: nib.Nifti1Image, inputs: BoldInputs) -> Coregistration:
    """Register the mean of a series to the head."""
    return coregister(inputs.head, mean, inputs.brain)


def _judge_place(found: Coregistration, facts: Facts) -> None:
    """Measure how well the bold fits the head, and doubt it where it hardly does."""
    facts.quality["bold_coregistration_similarity"] = found.similarity
    facts.warnings.extend(filter(None, [found.doubt("bold")]))


def _place(
    data: NDArray[np.float32], series: Series, motion: SeriesMotion, transform: Transform
) -> PlacedSeries:
    """Bring a series to the brain of the standard space, at 3 mm."""
    brain = np.asarray(load_template("brain", RESOLUTION).dataobj) > 0
    return place_series(
        data, series.image.affine, motion.matrices, standard_grid(RESOLUTION), brain, transform
    )


def _connect(
    cleaned: Cleaned, inputs: BoldInputs, excluded: bool, settings: BoldSettings
) -> Connectivity | None:
    """Compute connectivity, or say why there is none: the rest of the bold is good without it."""
    facts = inputs.series.facts
    if excluded:
        facts.notes.append("Connectivity was left out for head motion.")
        return None
    if cleaned.signals is None:
        return None
    try:
        return connect(cleaned, inputs.seed, inputs.series.repetition, settings, facts)
    except DataError as error:
        doubtful = isinstance(error, EmptyRegionError)  # nothing of M1, not a series too short
        (facts.warnings if doubtful else facts.notes).append(
            f"There is no connectivity of the bold. {error}"
        )
        return None


def image_of(values: NDArray[np.generic], inside: NDArray[np.bool_]) -> nib.Nifti1Image:
    """Image in the standard space of the values of some voxels, shape (voxels,), 0 elsewhere."""
    volume = np.zeros(inside.shape, dtype=values.dtype)
    volume[inside] = values
    image = nib.Nifti1Image(volume, standard_grid(RESOLUTION).affine)
    image.header.set_xyzt_units("mm", "sec")
    return image


def _flag_motion(motion: SeriesMotion, settings: BoldSettings, facts: Facts) -> bool:
    """Whether the head moved beyond the limit; say so."""
    shift, turn = motion.farthest
    flagged = max(shift, turn) > settings.motion_limit
    facts.quality["bold_high_motion"] = float(flagged)
    if flagged:
        facts.notes.append(
            f"The head moved by up to {shift:.1f} mm and {turn:.1f} degrees during the bold, "
            f"beyond the limit of {settings.motion_limit:g}."
        )
    return flagged


def _scrubbed(motion: SeriesMotion, settings: BoldSettings, facts: Facts) -> NDArray[np.bool_]:
    """Volumes that do not count for motion, shape (T,)."""
    moved = motion.framewise_displacement
    if settings.scrub is None:
        return np.zeros(len(moved), dtype=bool)
    facts.methods.append("bold_scrubbing")
    facts.quality["bold_scrubbed"] = float((moved > settings.scrub).sum())
    return np.asarray(moved > settings.scrub)
