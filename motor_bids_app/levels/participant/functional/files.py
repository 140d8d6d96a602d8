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
from motor_bids_app.levels.participant.functional.read import Series
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.mri.functional.motion import SeriesMotion
from motor_bids_app.mri.functional.placing import PlacedSeries
from motor_bids_app.spaces.grids import standard_grid

RESOLUTION = 3  # mm, of bold in standard space
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


def image_of(values: NDArray[np.generic], inside: NDArray[np.bool_]) -> nib.Nifti1Image:
    """Image in the standard space of the values of some voxels, shape (voxels,), 0 elsewhere."""
    volume = np.zeros(inside.shape, dtype=values.dtype)
    volume[inside] = values
    image = nib.Nifti1Image(volume, standard_grid(RESOLUTION).affine)
    image.header.set_xyzt_units("mm", "sec")
    return image


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
