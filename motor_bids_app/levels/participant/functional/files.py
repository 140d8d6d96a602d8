"""Derivatives of the bold of one participant: names, sidecars, tables."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.levels.participant.functional.clean import Cleaned
from motor_bids_app.levels.participant.functional.confound_files import save_confounds
from motor_bids_app.levels.participant.functional.connectivity import Connectivity
from motor_bids_app.levels.participant.functional.inputs import BoldInputs
from motor_bids_app.levels.participant.functional.placement import Placement
from motor_bids_app.levels.participant.functional.preprocess import PreprocessedBold, image_of
from motor_bids_app.levels.participant.functional.read import RESOLUTION, Series
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.mri.functional.carpet import KINDS
from motor_bids_app.mri.functional.placing import PlacedSeries
from motor_bids_app.mri.quality import HIGH_MOTION
from motor_bids_app.mri.resampling import resample
from motor_bids_app.reports.participant import bold_checks, distortion_checks
from motor_bids_app.reports.participant.carpet import carpet_figure
from motor_bids_app.settings import BoldSettings
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

SEED = "M1"
_LARGEST = 32767  # of int16


def bold_path(outputs: Outputs, bold: BoldFile, suffix: str = "bold", **entities: Any) -> Path:
    """Path of a file made from a series; in the standard space unless `space` is None."""
    place = {"space": outputs.space, "res": str(RESOLUTION)} | entities
    return outputs.path(suffix, "func", task=bold.task, run=bold.run, **place)


def _confounds_path(outputs: Outputs, bold: BoldFile) -> Path:
    entities = {"space": None, "res": None, "desc": "confounds", "extension": ".tsv"}
    return bold_path(outputs, bold, "timeseries", **entities)


def series_image(
    signals: NDArray[np.float32], inside: NDArray[np.bool_], repetition: float
) -> nib.Nifti1Image:
    """Image of a series, shape (T, voxels), in steps of 1/32767 of its largest value."""
    step = max(float(np.abs(signals).max()) / _LARGEST, np.finfo(np.float32).tiny)
    volumes = np.zeros((*inside.shape, len(signals)), dtype=np.int16, order="F")
    for volume, values in enumerate(signals):
        volumes[..., volume][inside] = np.rint(values / step)
    image = nib.Nifti1Image(volumes, standard_grid(RESOLUTION).affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_zooms((RESOLUTION,) * 3 + (repetition,))
    image.header.set_slope_inter(step, 0)
    return image


def save_bold(
    done: PreprocessedBold,
    inputs: BoldInputs,
    bold: BoldFile,
    outputs: Outputs,
    settings: BoldSettings,
) -> None:
    """Save the series in standard space, its confounds, its clean form, figures and facts."""
    save_series(done.placed, done.series, bold, outputs)
    save_confounds(done.cleaned, done.motion, done.dvars, _confounds_path(outputs, bold), outputs)
    if done.cleaned.signals is not None and not done.excluded:
        _save_denoised(done.cleaned, done.series.repetition, bold, outputs)
    if done.connectivity is not None:
        repetition = done.series.repetition
        save_connectivity(done.connectivity, done.cleaned, repetition, bold, outputs, settings)
        _draw_connectivity(done.connectivity, done.cleaned, outputs)
    if done.placement is not None:
        save_native(done.placement, done.series, bold, outputs)
        _draw_placement(done.placement, inputs, outputs)
    _draw_motion(done, outputs)
    template = load_template("brain", RESOLUTION)
    outputs.save_figure(bold_checks.signal(image_of(done.tsnr, done.placed.inside), template))
    outputs.save_facts("bold", done.series.facts)


def _draw_motion(done: PreprocessedBold, outputs: Outputs) -> None:
    """Save the chart of head motion, and the carpet of the series under it."""
    moved, carpet = done.motion.framewise_displacement, done.carpet
    outputs.save_figure(bold_checks.motion(done.motion.parameters, moved, limit=HIGH_MOTION))
    kinds = [KINDS[code] for code in carpet.kinds]
    figure = carpet_figure(carpet.scores, kinds, moved, done.dvars[1], limit=HIGH_MOTION)
    outputs.save_figure(figure)


def save_native(placement: Placement, series: Series, bold: BoldFile, outputs: Outputs) -> None:
    """Save the mean of a raw series on its own grid, its brain, and the distortion undone."""
    undone = "" if placement.distortion is None else ", distortion undone"
    number = series.dropped + series.reference
    text = f"In the place of volume {number} (counted from 0) of the raw series{undone}"
    place = {"space": None, "res": None}
    path = bold_path(outputs, bold, "boldref", **place)
    outputs.save(placement.mean, path, [bold.path], SkullStripped=False, Description=text)
    path = bold_path(outputs, bold, "mask", desc="brain", **place)
    outputs.save(placement.brain, path, [bold.path], Type="Brain", Description=text)
    if placement.shift is None or placement.distortion is None:
        return
    shown = [
        path for one in (bold.reverse_phase, bold.field_map) if one for path in one.files.values()
    ]
    images = [path for path in shown if path.name.endswith((".nii", ".nii.gz"))]
    path = bold_path(outputs, bold, "boldmap", desc="susceptibility", **place)
    text = f"Displacement along voxel axis {'ijk'[placement.distortion.axis]} that was undone"
    outputs.save(placement.shift, path, [bold.path, *images], Units="mm", Description=text)


def _draw_placement(placement: Placement, inputs: BoldInputs, outputs: Outputs) -> None:
    """Save the picture of the mean on the head, and of its distortion where one was undone."""
    head = inputs.head
    shown = resample(placement.mean, Grid.of(head), Transform(matrix=placement.from_head))
    figure = bold_checks.coregistration(shown, head, inputs.white_matter, inputs.brain)
    outputs.save_figure(figure)
    if placement.shift is not None:
        figure = distortion_checks.susceptibility(
            placement.before,
            placement.mean,
            placement.shift,
            placement.brain,
            placement.white_matter,
            what="mean of the bold",
            name="bold-susceptibility",
        )
        outputs.save_figure(figure)


def _save_denoised(cleaned: Cleaned, repetition: float, bold: BoldFile, outputs: Outputs) -> None:
    assert cleaned.signals is not None
    outputs.save(
        series_image(cleaned.signals, cleaned.inside, repetition),
        bold_path(outputs, bold, desc="denoised"),
        [bold.path],
        RepetitionTime=repetition,
        TaskName=bold.task or "rest",
        SkullStripped=True,
    )


def save_connectivity(
    found: Connectivity,
    cleaned: Cleaned,
    repetition: float,
    bold: BoldFile,
    outputs: Outputs,
    settings: BoldSettings,
) -> None:
    """Save the seed, and maps of its static and dynamic connectivity."""
    sidecar = _sidecar(found, repetition) | requested_seed(settings, outputs)
    # With the clean series, this is all that is needed to make the windows again.
    sidecar |= {
        "RepetitionTime": repetition,
        "WindowVolumes": found.length,
        "WindowTaperVolumes": found.taper,
        "LeftOutVolumes": np.flatnonzero(cleaned.scrubbed).tolist(),
    }
    path = bold_path(outputs, bold, "mask", label=SEED)
    outputs.save(_seed_image(found, cleaned), path, [bold.path], Type="ROI", **sidecar)
    images = {
        ("fc", "fisherz"): image_of(found.static, cleaned.inside),
        ("dfc", "mean"): image_of(found.mean, cleaned.inside),
        ("dfc", "std"): image_of(found.deviation, cleaned.inside),
    }
    if found.windows is not None:
        images["windows", "fisherz"] = series_image(found.windows, cleaned.inside, repetition)
    for (desc, stat), image in images.items():
        path = bold_path(outputs, bold, "boldmap", seed=SEED, stat=stat, desc=desc)
        outputs.save(image, path, [bold.path], Units="arbitrary", **sidecar)


def _seed_image(found: Connectivity, cleaned: Cleaned) -> nib.Nifti1Image:
    return image_of(found.seed.voxels[cleaned.inside].astype(np.uint8), cleaned.inside)


def _draw_connectivity(found: Connectivity, cleaned: Cleaned, outputs: Outputs) -> None:
    if found.coupling is not None:
        outputs.save_figure(bold_checks.coupling(found.middles, found.coupling))
    maps = {"mean": found.mean, "SD": found.deviation}
    outputs.save_figure(
        bold_checks.connectivity(
            {name: image_of(values, cleaned.inside) for name, values in maps.items()},
            load_template("T1w", RESOLUTION),
            _seed_image(found, cleaned),
            load_template("brain", RESOLUTION),
            found.seed.side,
        )
    )


def requested_seed(settings: BoldSettings, outputs: Outputs) -> dict[str, object]:
    """The seed as asked for: a place, or a mask by its BIDS URI, outside a dataset by its name."""
    place = settings.seed
    if not isinstance(place, Path):
        return {"SeedRequested": list(place), "SeedRadius": settings.seed_radius}
    uri = outputs.uri(place.absolute())
    return {"SeedRequested": uri if uri.startswith("bids:") else place.name, "SeedRadius": None}


def _sidecar(found: Connectivity, repetition: float) -> dict[str, object]:
    return {
        "Description": "Connectivity with M1 of the side of the lesion (left without one)",
        "SeedHemisphere": found.seed.side,
        "SeedMoved": found.seed.moved,
        "SeedVoxels": int(found.seed.voxels.sum()),
        "WindowSeconds": found.length * repetition,
        "WindowTaperSeconds": found.taper * repetition,
        "WindowCount": len(found.weights),
        "FisherTransformed": True,
    }


def save_series(placed: PlacedSeries, series: Series, bold: BoldFile, outputs: Outputs) -> None:
    """Save the series in standard space, before cleaning, and the mask of its voxels."""
    sidecar: dict[str, object] = {
        "TaskName": bold.task or "rest",
        "RepetitionTime": series.repetition,
        "NumberOfVolumesDiscardedByUser": series.dropped,
        **series.slices,
        "SkullStripped": True,
    }
    image = series_image(placed.signals, placed.inside, series.repetition)
    outputs.save(image, bold_path(outputs, bold, desc="preproc"), [bold.path], **sidecar)
    mask = image_of(np.ones(int(placed.inside.sum()), dtype=np.uint8), placed.inside)
    path = bold_path(outputs, bold, "mask", desc="brain")
    outputs.save(mask, path, [bold.path], Type="Brain")
