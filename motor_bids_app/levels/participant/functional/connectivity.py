"""Connectivity of M1 on the side of the lesion, from the clean bold of one participant."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.features.connectivity import (
    sliding_windows,
    static_map,
    window_maps,
    window_statistics,
)
from motor_bids_app.features.seeds import Seed, place_seed
from motor_bids_app.levels.participant.functional.clean import Cleaned
from motor_bids_app.levels.participant.functional.read import RESOLUTION
from motor_bids_app.levels.participant.outputs import Facts
from motor_bids_app.settings import BoldSettings
from motor_bids_app.spaces.grids import standard_grid


@dataclass(frozen=True, eq=False)
class Connectivity:
    """Maps of the voxels `Cleaned.inside`, shape (voxels,), as Fisher z, and what made them.

    `weights`, shape (windows, T), are those of the windows, `length` and `taper` volumes long.
    `windows`, shape (windows, voxels), are there if they were asked for; `coupling`, shape
    (windows,), with its `middles` in s, if M1 of the other side has a signal.
    """

    seed: Seed
    static: NDArray[np.floating]
    mean: NDArray[np.floating]
    deviation: NDArray[np.floating]
    weights: NDArray[np.float64]
    length: int
    taper: float
    windows: NDArray[np.float32] | None
    coupling: NDArray[np.floating] | None
    middles: NDArray[np.float64]


def connect(
    cleaned: Cleaned,
    wanted: NDArray[np.bool_],
    repetition: float,
    settings: BoldSettings,
    facts: Facts,
) -> Connectivity:
    """Compute the static and dynamic connectivity of a seed, `wanted` in the left hemisphere.

    Maps of single windows are computed when they are needed, from the clean series and the seed
    (`features.connectivity.window_maps`); they are kept only if the settings say so.

    Raises
    ------
    DataError
        M1 has no signal, or the series is shorter than a window.
    """
    assert cleaned.signals is not None
    grid = standard_grid(RESOLUTION)
    seed = place_seed(wanted, cleaned.inside, grid, _side(cleaned.lesion))
    _say(seed, bool(cleaned.lesion.any()), facts)
    length, taper = (
        in_volumes(given, repetition) for given in (settings.window, settings.window_taper)
    )
    weights = sliding_windows(
        len(cleaned.signals), round(length), taper=taper, left_out=cleaned.scrubbed
    )
    course = _mean_course(cleaned, seed.voxels)
    mean, deviation = window_statistics(cleaned.signals, course, weights)
    facts.methods.append("bold_connectivity")
    return Connectivity(
        seed=seed,
        static=static_map(cleaned.signals, course, cleaned.scrubbed),
        mean=mean,
        deviation=deviation,
        weights=weights,
        length=round(length),
        taper=taper,
        windows=window_maps(cleaned.signals, course, weights) if settings.save_windows else None,
        coupling=_couple(cleaned, seed, course, weights, facts),
        middles=(weights @ np.arange(weights.shape[1]) + 0.5) * repetition,
    )


def in_volumes(given: tuple[float, str], repetition: float) -> float:
    """A duration in volumes, from seconds ("s") or volumes ("TR")."""
    number, unit = given
    return number / repetition if unit == "s" else number


def _side(lesion: NDArray[np.bool_]) -> Literal["left", "right"]:
    """Hemisphere with more of the lesion; left where there is none."""
    half = lesion.shape[0] // 2
    return "right" if lesion[half + 1 :].sum() > lesion[:half].sum() else "left"


def _say(seed: Seed, lesioned: bool, facts: Facts) -> None:
    """Flag a seed that is not where, or not as large as, it was asked for."""
    if not lesioned:
        facts.notes.append(
            "There is no lesion mask, so the side of the lesion is unknown: connectivity is that "
            "of left M1. For a right-sided lesion this is the wrong side: provide its mask."
        )
    facts.quality["m1_seed_share"] = seed.share
    facts.quality["m1_seed_moved"] = seed.moved
    if seed.moved > 0:
        facts.notes.append(
            f"The seed in {seed.side} M1 was damaged or without signal ({100 * seed.share:.0f} % "
            f"usable): the nearest intact voxels of the precentral gyrus stand in, "
            f"{seed.moved:.0f} mm away."
        )
    elif seed.share < 1:
        facts.notes.append(
            f"{100 * seed.share:.0f} % of the seed in {seed.side} M1 could be used; the rest is "
            "lesioned or without signal."
        )


def _mean_course(cleaned: Cleaned, voxels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean time course of a seed, shape (T,)."""
    assert cleaned.signals is not None
    chosen = cleaned.signals[:, voxels[cleaned.inside]]
    return np.asarray(chosen.mean(axis=1, dtype=np.float64))


def _couple(
    cleaned: Cleaned,
    seed: Seed,
    course: NDArray[np.float64],
    weights: NDArray[np.float64],
    facts: Facts,
) -> NDArray[np.floating] | None:
    """Measure how M1 goes with M1 of the other side: a number for the series, and its course."""
    mirrored = seed.voxels[::-1] & cleaned.inside
    if not mirrored.any():
        facts.warnings.append("M1 of the other side has no signal: its coupling was not measured.")
        return None
    other = _mean_course(cleaned, mirrored)[:, None].astype(np.float32)
    coupling = window_maps(other, course, weights)[:, 0]
    facts.quality.update(
        m1_coupling=float(static_map(other, course, cleaned.scrubbed)[0]),
        m1_coupling_mean=float(coupling.mean()),
        m1_coupling_std=float(coupling.std()),
    )
    return coupling
