"""Derivatives of the bold of one participant: names, sidecars, tables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.files import write_table
from motor_bids_app.levels.participant.functional.clean import Cleaned
from motor_bids_app.levels.participant.functional.connectivity import Connectivity
from motor_bids_app.levels.participant.functional.preprocess import PreprocessedBold, image_of
from motor_bids_app.levels.participant.functional.read import RESOLUTION, Series
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.mri.functional.motion import SeriesMotion
from motor_bids_app.mri.functional.placing import PlacedSeries
from motor_bids_app.mri.quality import HIGH_MOTION
from motor_bids_app.reports.participant import bold_checks
from motor_bids_app.settings import BoldSettings
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template

SEED = "M1"
_LARGEST = 32767  # of int16
_KINDS = {
    "derivative1": "change since the volume before",
    "power2": "square",
    "derivative1_power2": "square of the change since the volume before",
}


def bold_path(outputs: Outputs, bold: BoldFile, suffix: str = "bold", **entities: Any) -> Path:
    """Path of a file made from a series; in the standard space unless `space` is None."""
    place = {"space": outputs.space, "res": str(RESOLUTION)} | entities
    return outputs.path(suffix, "func", task=bold.task, run=bold.run, **place)


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
    done: PreprocessedBold, bold: BoldFile, outputs: Outputs, settings: BoldSettings
) -> None:
    """Save the series in standard space, its confounds, its clean form, figures and facts."""
    save_series(done.placed, done.series, bold, outputs)
    save_confounds(
        done.cleaned.confounds, done.motion, done.dvars, done.cleaned.scrubbed, bold, outputs
    )
    if done.cleaned.signals is not None and not done.excluded:
        _save_denoised(done.cleaned, done.series.repetition, bold, outputs)
    if done.connectivity is not None:
        repetition = done.series.repetition
        save_connectivity(done.connectivity, done.cleaned, repetition, bold, outputs, settings)
        _draw_connectivity(done.connectivity, done.cleaned, outputs)
    if done.on_head is not None:
        outputs.save_figure(bold_checks.coregistration(*done.on_head))
    displacement = done.motion.framewise_displacement
    outputs.save_figure(bold_checks.motion(done.motion.parameters, displacement, limit=HIGH_MOTION))
    template = load_template("brain", RESOLUTION)
    outputs.save_figure(bold_checks.signal(image_of(done.tsnr, done.placed.inside), template))
    outputs.save_facts("bold", done.series.facts)


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


def save_confounds(
    confounds: Mapping[str, NDArray[np.float64]],
    motion: SeriesMotion,
    changes: tuple[NDArray[np.float64], NDArray[np.float64]],
    scrubbed: NDArray[np.bool_],
    bold: BoldFile,
    outputs: Outputs,
) -> None:
    """Save what disturbs the series, a row for each volume that was kept, by fMRIPrep's names."""
    moved = motion.framewise_displacement.copy()
    moved[0] = np.nan
    columns = {
        **confounds,
        "framewise_displacement": moved,
        "dvars": changes[0],
        "std_dvars": changes[1],
    }
    for number, volume in enumerate(np.flatnonzero(scrubbed)):
        columns[f"motion_outlier{number:02d}"] = (np.arange(len(scrubbed)) == volume).astype(float)
    table = pd.DataFrame(columns)
    for name, values in confounds.items():
        if name.endswith(("derivative1", "derivative1_power2")):
            table.loc[0, name] = np.nan  # as fMRIPrep; it counts as 0
        assert len(values) == len(table)
    path = bold_path(
        outputs, bold, "timeseries", space=None, res=None, desc="confounds", extension=".tsv"
    )
    write_table(path, table, {name: describe_confound(name) for name in columns})
    outputs.written.extend([path, path.with_suffix(".json")])


def describe_confound(name: str) -> dict[str, object]:
    """Entry of the data dictionary of a column.

    >>> describe_confound("rot_x_derivative1")["Units"]
    'rad'
    """
    if name.startswith(("trans_", "rot_")):
        kind, axis, *power = name.split("_", 2)
        unit = "mm" if kind == "trans" else "rad"
        what = "Translation along" if kind == "trans" else "Rotation (right-handed) about"
        text = f"{what} the {axis} axis (RAS) of the head against the reference volume"
        extra = power[0] if power else ""
        squared = extra.endswith("power2")
        text += f": {_KINDS[extra]}" if extra else ""
        return {"Description": text, "Units": f"{unit}^2" if squared else unit}
    if name.startswith("motion_outlier"):
        return {
            "Description": "1 in a volume that does not count for motion",
            "Levels": {"0": "counts", "1": "does not count"},
        }
    described: dict[str, dict[str, object]] = {
        "white_matter": {
            "Description": "Mean signal of pure white matter, lesion left out",
            "Units": "arbitrary",
        },
        "csf": {
            "Description": "Mean signal of pure cerebrospinal fluid, lesion left out",
            "Units": "arbitrary",
        },
        "framewise_displacement": {
            "Description": "Movement since the volume before, rotations on a sphere of 50 mm "
            "(Power et al. 2012)",
            "Units": "mm",
        },
        "dvars": {
            "Description": "Root mean square change of the brain since the volume before, median "
            "signal 1000",
            "Units": "arbitrary",
        },
        "std_dvars": {
            "Description": "DVARS relative to what variance and autocorrelation let expect "
            "(Nichols 2013); about 1 is usual",
            "Units": "arbitrary",
        },
    }
    return described[name]
