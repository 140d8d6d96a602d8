"""Bold of one participant: from a raw series to a clean one in standard space."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import DataError, EmptyRegionError
from motor_bids_app.levels.participant.functional.clean import Cleaned, clean_series, tissues
from motor_bids_app.levels.participant.functional.connectivity import Connectivity, connect
from motor_bids_app.levels.participant.functional.finished_place import find_transform
from motor_bids_app.levels.participant.functional.inputs import BoldInputs
from motor_bids_app.levels.participant.functional.placement import Placement, place_mean
from motor_bids_app.levels.participant.functional.read import RESOLUTION, Series
from motor_bids_app.levels.participant.outputs import Facts
from motor_bids_app.mri.anatomy import correct_bias
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.functional.carpet import Carpet, make_carpet
from motor_bids_app.mri.functional.confounds import dvars, temporal_snr
from motor_bids_app.mri.functional.motion import SeriesMotion, estimate_motion, mean_volume
from motor_bids_app.mri.functional.placing import Distortion, PlacedSeries, place_series
from motor_bids_app.mri.functional.timing import correct_slice_timing
from motor_bids_app.mri.quality import bold_quality
from motor_bids_app.settings import BoldSettings, ProcessingSettings
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform


@dataclass(frozen=True, eq=False)
class PreprocessedBold:
    """A series in standard space, raw and clean, and all that is measured and shown of it.

    `tsnr`, shape (voxels,), is of the voxels of `placed`; `dvars` plain and standardised, shape
    (T,) each. `carpet` is of the series before cleaning. `excluded` for motion has no
    connectivity. `placement` is of a raw series.
    """

    series: Series
    motion: SeriesMotion
    placed: PlacedSeries
    cleaned: Cleaned
    tsnr: NDArray[np.floating]
    dvars: tuple[NDArray[np.float64], NDArray[np.float64]]
    carpet: Carpet
    excluded: bool
    connectivity: Connectivity | None
    placement: Placement | None


def process_bold(inputs: BoldInputs, settings: ProcessingSettings) -> PreprocessedBold:
    """Place, measure and clean a series, and compute the connectivity of M1."""
    series, placement = inputs.series, None
    if inputs.motion is None or inputs.space is None:
        motion, placed, placement = _from_raw(inputs, settings)
    else:
        motion = inputs.motion
        place = find_transform(inputs.space, inputs, sloppy=settings.sloppy)
        placed = _place(series.data, series, motion, place)
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
    carpet = make_carpet(placed.signals, tissue.kinds[placed.inside])
    connectivity = _connect(cleaned, inputs, excluded, bold)
    return PreprocessedBold(
        series, motion, placed, cleaned, tsnr, changes, carpet, excluded, connectivity, placement
    )


def _from_raw(
    inputs: BoldInputs, settings: ProcessingSettings
) -> tuple[SeriesMotion, PlacedSeries, Placement]:
    """Find the motion and the place of a raw series, and bring it to the standard space."""
    series = inputs.series
    facts, grid = series.facts, Grid.of(series.image)
    rough = dwi_mask(series.data.mean(axis=3), grid.voxel_sizes)
    motion = estimate_motion(series.data, grid.affine, rough, series.reference)
    raw = nib.Nifti1Image(mean_volume(series.data, motion.matrices), grid.affine)
    mean = correct_bias(raw, nib.Nifti1Image(rough, grid.affine), sloppy=settings.sloppy)
    facts.methods.append("bold_motion")
    placement = place_mean(raw, mean, inputs)
    data = series.data
    if series.slice_times is not None:
        data = correct_slice_timing(data, series.slice_times, series.repetition, series.slice_axis)
        facts.methods.append("bold_slice_timing")
    transform = inputs.to_head.then(placement.from_head)
    return motion, _place(data, series, motion, transform, placement.distortion), placement


def _place(
    data: NDArray[np.float32],
    series: Series,
    motion: SeriesMotion,
    transform: Transform,
    distortion: Distortion | None = None,
) -> PlacedSeries:
    """Bring a series to the brain of the standard space, at 3 mm."""
    brain = np.asarray(load_template("brain", RESOLUTION).dataobj) > 0
    affine, grid = series.image.affine, standard_grid(RESOLUTION)
    return place_series(data, affine, motion.matrices, grid, brain, transform, distortion)


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
