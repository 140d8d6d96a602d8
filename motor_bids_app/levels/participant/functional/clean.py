"""Cleaning of a bold series in standard space: what is regressed out, and what is left."""

from collections.abc import Mapping
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.functional.read import RESOLUTION
from motor_bids_app.levels.participant.outputs import Facts
from motor_bids_app.mri.functional.carpet import tissue_kinds
from motor_bids_app.mri.functional.cleaning import Cleaner, smooth_inside
from motor_bids_app.mri.functional.compcor import Components, drift_cosines, tissue_components
from motor_bids_app.mri.functional.confounds import mean_signals, motion_terms, tissue_masks
from motor_bids_app.mri.functional.motion import SeriesMotion
from motor_bids_app.mri.functional.placing import PlacedSeries
from motor_bids_app.mri.resampling import resample
from motor_bids_app.settings import BoldSettings
from motor_bids_app.spaces.grids import standard_grid


@dataclass(frozen=True, eq=False)
class Tissues:
    """Tissue in standard space at 3 mm: masks of nuisance signals, the lesion, codes of all."""

    masks: Mapping[str, NDArray[np.bool_]]
    lesion: NDArray[np.bool_]
    kinds: NDArray[np.uint8]  # of `mri.functional.carpet.KINDS`


@dataclass(frozen=True, eq=False)
class Further:
    """Time courses that are measured and not regressed out: of the whole brain, of components.

    `components` are of each tissue by its name, `cosines`, shape (T, K), model the drift that these
    are free of.
    """

    global_signal: NDArray[np.float64]
    components: Mapping[str, Components]
    cosines: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cleaned:
    """A clean series.

    `signals`, shape (T, voxels), are those of the voxels `inside`, without the lesion; None where
    the series is too short to be cleaned. `confounds` are what was regressed out, by name, and
    `further` what others may want to regress out of the series before cleaning.
    """

    signals: NDArray[np.float32] | None
    inside: NDArray[np.bool_]
    lesion: NDArray[np.bool_]
    confounds: Mapping[str, NDArray[np.float64]]
    scrubbed: NDArray[np.bool_]
    further: Further


def tissues(
    probabilities: Mapping[str, nib.Nifti1Image],
    lesion_mask: nib.Nifti1Image | None,
    inside: NDArray[np.bool_],
) -> Tissues:
    """Nuisance tissue and lesion of a participant, `inside` where the bold has a signal.

    Images are in the standard space; "GM", "WM" and "CSF" from 0 to 1.
    """
    grid = standard_grid(RESOLUTION)
    shares = {
        name: np.asarray(resample(image, grid).dataobj) for name, image in probabilities.items()
    }
    lesion = np.zeros(grid.shape, dtype=bool)
    if lesion_mask is not None:
        lesion = np.asarray(resample(lesion_mask, grid).dataobj) > 0.5
    grey, white, fluid = shares["GM"], shares["WM"], shares["CSF"]
    masks = tissue_masks(grey, white, fluid, inside, lesion)
    return Tissues(masks, lesion, tissue_kinds(grey, white, fluid, lesion))


def _measure_further(placed: PlacedSeries, tissue: Tissues, repetition: float) -> Further:
    """The mean of the brain without the lesion, and the components of white matter and fluid."""
    healthy = ~tissue.lesion[placed.inside]
    weight = healthy.astype(np.float32) / np.float32(max(healthy.sum(), 1))
    components = {
        name: tissue_components(placed.signals[:, mask[placed.inside]], repetition)
        for name, mask in tissue.masks.items()
    }
    cosines = drift_cosines(len(placed.signals), repetition)
    return Further((placed.signals @ weight).astype(np.float64), components, cosines)


def clean_series(
    placed: PlacedSeries,
    motion: SeriesMotion,
    tissue: Tissues,
    scrubbed: NDArray[np.bool_],
    repetition: float,
    settings: BoldSettings,
    facts: Facts,
) -> Cleaned:
    """Smooth, regress and filter a series; leave it unclean, and say so, where it is too short."""
    confounds = motion_terms(motion.parameters)
    confounds |= mean_signals(placed.signals, tissue.masks, placed.inside)
    for name, words in (("white_matter", "white matter"), ("csf", "cerebrospinal fluid")):
        if name not in confounds:
            facts.notes.append(
                f"Too few voxels of the bold are clearly {words}: its signal was not regressed out."
            )
    further = _measure_further(placed, tissue, repetition)
    facts.methods.append("bold_global_signal")
    found = [name for name, one in further.components.items() if one.courses.size]
    facts.methods.extend(f"bold_compcor_{name}" for name in found)
    inside = placed.inside & ~tissue.lesion
    try:
        cleaner = Cleaner.of(
            np.stack(list(confounds.values()), axis=1), repetition, settings.band, scrubbed
        )
    except DataError as error:
        facts.notes.append(f"The bold was not cleaned, and has no connectivity. {error}")
        return Cleaned(None, inside, tissue.lesion, confounds, scrubbed, further)
    kept = placed.signals[:, ~tissue.lesion[placed.inside]]
    signals = cleaner.clean(kept)  # before smoothing: both are linear, and this makes no copies
    signals = smooth_inside(signals, inside, settings.smoothing, float(RESOLUTION))
    facts.methods.extend(["bold_cleaning", *(f"bold_signal_{name}" for name in tissue.masks)])
    if settings.smoothing > 0:
        facts.methods.append("bold_smoothing")
    facts.quality["bold_degrees"] = float(cleaner.degrees)
    return Cleaned(signals, inside, tissue.lesion, confounds, scrubbed, further)
