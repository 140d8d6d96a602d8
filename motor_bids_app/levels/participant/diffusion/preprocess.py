"""Diffusion of one participant: from a raw series to maps of diffusion, without a file."""

from dataclasses import dataclass

import numpy as np

from motor_bids_app.levels.participant.diffusion.clean import Clean, clean_series, without_unlike
from motor_bids_app.levels.participant.diffusion.fit import Maps, fit_maps
from motor_bids_app.levels.participant.diffusion.place import Place, place_alone, place_by_head
from motor_bids_app.levels.participant.diffusion.read import Series
from motor_bids_app.levels.participant.diffusion.susceptibility import Distortion, undistort
from motor_bids_app.levels.participant.outputs import Facts
from motor_bids_app.mri.diffusion.outliers import outlier_volumes
from motor_bids_app.mri.quality import diffusion_quality, motion_summary, outlier_summary
from motor_bids_app.settings import ProcessingSettings


@dataclass(frozen=True, eq=False)
class Preprocessed:
    """What became of a series: the clean volumes, their place, their distortion, their maps."""

    clean: Clean
    distortion: Distortion
    place: Place
    maps: Maps

    @property
    def facts(self) -> Facts:
        """What was done, how well, and what a reader should know."""
        return self.clean.facts


def preprocess_series(series: Series, settings: ProcessingSettings) -> Preprocessed:
    """Clean a series, undo its distortion, place it, and fit maps of diffusion.

    Raises
    ------
    DataError
        The series measures no diffusion, or it shows no brain.
    """
    series, warnings = without_unlike(series)
    clean = clean_series(series, settings)
    clean.facts.warnings.extend([*series.warnings, *warnings])
    clean.facts.notes.extend(series.notes)
    if len(series.sources) > 1:
        clean.facts.methods.append("dwi_runs")
    if not {"PhaseEncodingDirection", "PhaseEncodingAxis"} & series.sidecar.keys():
        clean.facts.notes.append(
            "No sidecar of the dwi has its PhaseEncodingDirection: the second axis (j) was "
            "assumed, along which eddy currents distort."
        )
    distortion = undistort(clean, series, settings)
    b0 = distortion.after
    if series.head is None:
        place = place_alone(b0, series, settings)
    else:
        place = place_by_head(b0, series.head, distortion.from_head)
    distortion.measure(place)
    clean.facts.add(place.facts)
    clean.facts.add(distortion.facts)
    clean, maps = fit_maps(clean, series, place.brain, settings)
    _measure(clean, maps, place)
    return Preprocessed(clean, distortion, place, maps)


def _measure(clean: Clean, maps: Maps, place: Place) -> None:
    """Add what was measured to the facts."""
    corrected, quality, mask = clean.corrected, clean.facts.quality, np.asarray(place.brain.dataobj)
    quality |= motion_summary(corrected.parameters, corrected.framewise_displacement)
    volumes = outlier_volumes(clean.dropouts)
    quality |= outlier_summary(clean.dropouts, volumes)
    if volumes.any():
        numbers = ", ".join(map(str, np.flatnonzero(volumes)))
        clean.facts.notes.append(
            f"Volumes of the dwi (counted from 0) that lost more than a tenth of their slices: "
            f"{numbers}. Those slices do not count in the maps."
        )
    if clean.sigma is not None:
        quality |= diffusion_quality(corrected.data, clean.sigma, corrected.gradients, mask)
    if "rmse" in maps:
        inside = (mask > 0) & (maps["s0"] > 0)
        quality["tensor_residual"] = float(np.median(maps["rmse"][inside] / maps["s0"][inside]))
