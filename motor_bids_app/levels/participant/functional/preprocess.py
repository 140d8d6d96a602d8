"""Bold of one participant: from a raw series to a clean one in standard space."""

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import Scan
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.functional.clean import Cleaned, clean_series, tissues
from motor_bids_app.levels.participant.functional.connectivity import save_connectivity
from motor_bids_app.levels.participant.functional.files import (
    RESOLUTION,
    image_of,
    save_confounds,
    save_series,
)
from motor_bids_app.levels.participant.functional.finished import find_transform, read_finished
from motor_bids_app.levels.participant.functional.read import Series, read_series
from motor_bids_app.levels.participant.outputs import Facts, Outputs
from motor_bids_app.mri.alignment import Matrix
from motor_bids_app.mri.anatomy import correct_bias
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.functional.confounds import dvars, temporal_snr
from motor_bids_app.mri.functional.motion import SeriesMotion, estimate_motion, mean_volume
from motor_bids_app.mri.functional.placing import PlacedSeries, place_series
from motor_bids_app.mri.functional.timing import correct_slice_timing
from motor_bids_app.mri.quality import HIGH_MOTION, bold_quality
from motor_bids_app.mri.registration import register_rigid
from motor_bids_app.mri.resampling import resample
from motor_bids_app.reports.participant import bold_checks
from motor_bids_app.settings import BoldSettings, ProcessingSettings
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform


def preprocess_bold(scan: Scan, outputs: Outputs, settings: ProcessingSettings) -> None:
    """Save the series in standard space, its confounds, its clean form, and M1's connectivity.

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
    if scan.bold.confounds is None:
        series, motion, placed = _from_raw(scan.bold, outputs, settings)
    else:
        series, motion = read_finished(scan.bold, settings.bold)
        transform = find_transform(scan, outputs, settings)
        placed = _place(series.data, series, motion, transform)
        series.facts.methods.append("finished_bold")
        series.facts.taken["bold"] = scan.finished.datasets["bold"]
    _finish(placed, motion, series, scan, outputs, settings)


def _from_raw(
    bold: BoldFile, outputs: Outputs, settings: ProcessingSettings
) -> tuple[Series, SeriesMotion, PlacedSeries]:
    """Read a raw series, find its motion and its place, and bring it to the standard space."""
    series = read_series(bold, settings.bold)
    facts, grid = series.facts, Grid.of(series.image)
    rough = dwi_mask(series.data.mean(axis=3), grid.voxel_sizes)
    motion = estimate_motion(series.data, grid.affine, rough, series.data.shape[3] // 2)
    mean = nib.Nifti1Image(mean_volume(series.data, motion.matrices), grid.affine)
    mean = correct_bias(mean, nib.Nifti1Image(rough, grid.affine), sloppy=settings.sloppy)
    to_series = register_series(mean, outputs)
    facts.methods.extend(["bold_motion", "bold_coregistration"])
    data = series.data
    if series.slice_times is not None:
        data = correct_slice_timing(data, series.slice_times, series.repetition, series.slice_axis)
        facts.methods.append("bold_slice_timing")
    transform = outputs.load_transform().then(to_series)
    return series, motion, _place(data, series, motion, transform)


def _place(
    data: NDArray[np.float32], series: Series, motion: SeriesMotion, transform: Transform
) -> PlacedSeries:
    """Bring a series to the brain of the standard space, at 3 mm."""
    brain = np.asarray(load_template("brain", RESOLUTION).dataobj) > 0
    return place_series(
        data, series.image.affine, motion.matrices, standard_grid(RESOLUTION), brain, transform
    )


def _finish(
    placed: PlacedSeries,
    motion: SeriesMotion,
    series: Series,
    scan: Scan,
    outputs: Outputs,
    settings: ProcessingSettings,
) -> None:
    """Measure, clean, save, draw."""
    assert scan.bold is not None
    facts, bold = series.facts, settings.bold
    tsnr = temporal_snr(placed.signals)
    changes = dvars(placed.signals)
    brain = np.asarray(load_template("brain", RESOLUTION).dataobj) > 0
    quality = bold_quality(
        motion.parameters,
        motion.framewise_displacement,
        tsnr,
        changes[1],
        placed.inside.sum() / brain.sum(),
    )
    facts.quality.update(quality)
    flagged = _flag_motion(motion, bold, facts)
    scrubbed = _scrubbed(motion, bold, facts)
    masks = tissues(outputs, placed.inside)
    cleaned = clean_series(placed, motion, masks, scrubbed, series.repetition, bold, facts)
    save_series(placed, series, scan.bold, outputs)
    save_confounds(cleaned.confounds, motion, changes, scrubbed, scan.bold, outputs)
    outputs.save_figure(
        bold_checks.motion(motion.parameters, motion.framewise_displacement, limit=HIGH_MOTION)
    )
    template = load_template("brain", RESOLUTION)
    outputs.save_figure(bold_checks.signal(image_of(tsnr, placed.inside), template))
    _connect(cleaned, series, flagged, scan.bold, outputs, bold)
    outputs.save_facts("bold", facts)


def _connect(
    cleaned: Cleaned,
    series: Series,
    flagged: bool,
    bold: BoldFile,
    outputs: Outputs,
    settings: BoldSettings,
) -> None:
    """Save connectivity, or say why there is none: the rest of the bold is good without it."""
    if flagged and settings.exclude_motion:
        series.facts.notes.append("Connectivity was left out for head motion.")
        return
    if cleaned.signals is None:
        return
    try:
        save_connectivity(cleaned, series.repetition, bold, outputs, settings, series.facts)
    except DataError as error:
        series.facts.notes.append(f"There is no connectivity of the bold. {error}")


def register_series(mean: nib.Nifti1Image, outputs: Outputs) -> Matrix:
    """Register the mean of a series to the head; return head -> series in mm."""
    assert outputs.head is not None
    head = load_image(outputs.head)
    brain = outputs.load("mask", "anat", desc="brain")
    matrix = register_rigid(head, mean, brain)
    shown = resample(mean, Grid.of(head), Transform(matrix=matrix))
    white_matter = outputs.load("probseg", "anat", label="WM")
    outputs.save_figure(bold_checks.coregistration(shown, head, white_matter, brain))
    return matrix


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
