"""Connectivity of M1 on the side of the lesion, from the clean bold of one participant."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.files import load_image
from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.features.connectivity import (
    sliding_windows,
    static_map,
    window_maps,
    window_statistics,
)
from motor_bids_app.features.seeds import Seed, place_seed, sphere
from motor_bids_app.levels.participant.functional.clean import Cleaned
from motor_bids_app.levels.participant.functional.files import (
    RESOLUTION,
    bold_path,
    image_of,
    series_image,
)
from motor_bids_app.levels.participant.outputs import Facts, Outputs
from motor_bids_app.mri.resampling import resample
from motor_bids_app.reports.participant import bold_checks
from motor_bids_app.settings import STANDARD_SPACE, BoldSettings
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template

SEED = "M1"


def save_connectivity(
    cleaned: Cleaned,
    repetition: float,
    bold: BoldFile,
    outputs: Outputs,
    settings: BoldSettings,
    facts: Facts,
) -> None:
    """Save the clean series, the seed, and maps of its static and dynamic connectivity.

    Maps of single windows are computed when they are needed, from the clean series and the seed
    (`features.connectivity.window_maps`); they are saved only if the settings say so.

    Raises
    ------
    DataError
        M1 has no signal, or the series is shorter than a window.
    """
    assert cleaned.signals is not None
    series = series_image(cleaned.signals, cleaned.inside, repetition)
    outputs.save(
        series,
        bold_path(outputs, bold, desc="denoised"),
        [bold.path],
        RepetitionTime=repetition,
        TaskName=bold.task or "rest",
        SkullStripped=True,
    )
    grid = standard_grid(RESOLUTION)
    seed = place_seed(wanted_seed(settings), cleaned.inside, grid, _side(cleaned.lesion))
    _say(seed, bool(cleaned.lesion.any()), facts)
    length, taper = (
        in_volumes(given, repetition) for given in (settings.window, settings.window_taper)
    )
    weights = sliding_windows(
        len(cleaned.signals), round(length), taper=taper, left_out=cleaned.scrubbed
    )
    course = _mean_course(cleaned, seed.voxels)
    maps = {"fc": {"fisherz": static_map(cleaned.signals, course, cleaned.scrubbed)}}
    mean, deviation = window_statistics(cleaned.signals, course, weights)
    maps["dfc"] = {"mean": mean, "std": deviation}
    sidecar = _sidecar(seed, len(weights), round(length) * repetition, taper * repetition)
    sidecar |= _requested(settings, outputs)
    # With the clean series, this is all that is needed to make the windows again.
    sidecar |= {
        "RepetitionTime": repetition,
        "WindowVolumes": round(length),
        "WindowTaperVolumes": taper,
        "LeftOutVolumes": np.flatnonzero(cleaned.scrubbed).tolist(),
    }
    path = bold_path(outputs, bold, "mask", label=SEED)
    voxels = image_of(seed.voxels[cleaned.inside].astype(np.uint8), cleaned.inside)
    outputs.save(voxels, path, [bold.path], Type="ROI", **sidecar)
    for desc, values in maps.items():
        for stat, statistic in values.items():
            path = bold_path(outputs, bold, "boldmap", seed=SEED, stat=stat, desc=desc)
            image = image_of(statistic, cleaned.inside)
            outputs.save(image, path, [bold.path], Units="arbitrary", **sidecar)
    if settings.save_windows:
        windows = series_image(
            window_maps(cleaned.signals, course, weights), cleaned.inside, repetition
        )
        path = bold_path(outputs, bold, "boldmap", seed=SEED, stat="fisherz", desc="windows")
        outputs.save(windows, path, [bold.path], Units="arbitrary", **sidecar)
    facts.methods.append("bold_connectivity")
    _couple(cleaned, seed, course, weights, repetition, outputs, facts)
    shown = {
        name: image_of(values, cleaned.inside)
        for name, values in (("mean", mean), ("SD", deviation))
    }
    outputs.save_figure(
        bold_checks.connectivity(
            shown,
            load_template("T1w", RESOLUTION),
            voxels,
            load_template("brain", RESOLUTION),
            seed.side,
        )
    )


def in_volumes(given: tuple[float, str], repetition: float) -> float:
    """A duration in volumes, from seconds ("s") or volumes ("TR")."""
    number, unit = given
    return number / repetition if unit == "s" else number


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


def _side(lesion: NDArray[np.bool_]) -> Literal["left", "right"]:
    """Hemisphere with more of the lesion; left where there is none."""
    half = lesion.shape[0] // 2
    return "right" if lesion[half + 1 :].sum() > lesion[:half].sum() else "left"


def _say(seed: Seed, lesioned: bool, facts: Facts) -> None:
    """Flag a seed that is not where, or not as large as, it was asked for."""
    if not lesioned:
        facts.notes.append(
            "There is no lesion mask, so that nothing shows the side of the lesion: connectivity "
            "is of left M1. Of a lesion on the right, that is the wrong side: give its mask."
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
    repetition: float,
    outputs: Outputs,
    facts: Facts,
) -> None:
    """Measure how M1 goes with M1 of the other side: a number for the series, and its course."""
    mirrored = seed.voxels[::-1] & cleaned.inside
    if not mirrored.any():
        facts.notes.append("M1 of the other side has no signal: its coupling was not measured.")
        return
    other = _mean_course(cleaned, mirrored)[:, None].astype(np.float32)
    coupling = window_maps(other, course, weights)[:, 0]
    facts.quality.update(
        m1_coupling=float(static_map(other, course, cleaned.scrubbed)[0]),
        m1_coupling_mean=float(coupling.mean()),
        m1_coupling_std=float(coupling.std()),
    )
    middles = (weights @ np.arange(weights.shape[1]) + 0.5) * repetition
    outputs.save_figure(bold_checks.coupling(middles, coupling))


def _requested(settings: BoldSettings, outputs: Outputs) -> dict[str, object]:
    """The seed as asked for: a place, or a mask by its BIDS URI, outside a dataset by its name."""
    place = settings.seed
    if not isinstance(place, Path):
        return {"SeedRequested": list(place), "SeedRadius": settings.seed_radius}
    uri = outputs.uri(place.absolute())
    return {"SeedRequested": uri if uri.startswith("bids:") else place.name, "SeedRadius": None}


def _sidecar(seed: Seed, n_windows: int, seconds: float, taper: float) -> dict[str, object]:
    return {
        "Description": "Connectivity with M1 of the side of the lesion (left without one)",
        "SeedHemisphere": seed.side,
        "SeedMoved": seed.moved,
        "SeedVoxels": int(seed.voxels.sum()),
        "WindowSeconds": seconds,
        "WindowTaperSeconds": taper,
        "WindowCount": n_windows,
        "FisherTransformed": True,
    }
