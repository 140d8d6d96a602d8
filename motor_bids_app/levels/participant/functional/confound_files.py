"""The table of what disturbs a bold series, and its data dictionary."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.files import write_table
from motor_bids_app.levels.participant.functional.clean import Cleaned, Further
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.mri.functional.motion import SeriesMotion

_TISSUES = {"csf": ("c", "CSF"), "white_matter": ("w", "WM")}
_KINDS = {
    "derivative1": "change since the volume before",
    "power2": "square",
    "derivative1_power2": "square of the change since the volume before",
}


def save_confounds(
    cleaned: Cleaned,
    motion: SeriesMotion,
    changes: tuple[NDArray[np.float64], NDArray[np.float64]],
    path: Path,
    outputs: Outputs,
) -> None:
    """Save what disturbs the series, a row for each volume that was kept, by fMRIPrep's names."""
    moved = motion.framewise_displacement.copy()
    moved[0] = np.nan
    further, described = _further(cleaned.further)
    columns = {
        **cleaned.confounds,
        "framewise_displacement": moved,
        "dvars": changes[0],
        "std_dvars": changes[1],
        **further,
    }
    volumes = np.arange(len(cleaned.scrubbed))
    for number, volume in enumerate(np.flatnonzero(cleaned.scrubbed)):
        columns[f"motion_outlier{number:02d}"] = (volumes == volume).astype(float)
    table = pd.DataFrame(columns)
    for name, values in cleaned.confounds.items():
        if name.endswith(("derivative1", "derivative1_power2")):
            table.loc[0, name] = np.nan  # as fMRIPrep; it counts as 0
        assert len(values) == len(table)
    write_table(path, table, {name: describe_confound(name) for name in columns} | described)
    outputs.written.extend([path, path.with_suffix(".json")])


def _further(
    further: Further,
) -> tuple[dict[str, NDArray[np.float64]], dict[str, dict[str, object]]]:
    """Columns of what was not regressed out, and what the dictionary says of components."""
    columns = {"global_signal": further.global_signal}
    described: dict[str, dict[str, object]] = {}
    for tissue, (letter, mask) in _TISSUES.items():
        if tissue not in further.components:
            continue
        found = further.components[tissue]
        total = found.explained.cumsum()
        for number, course in enumerate(found.courses.T):
            name = f"{letter}_comp_cor_{number:02d}"
            columns[name] = course
            described[name] = describe_confound(name) | {
                "Method": "aCompCor",
                "Mask": mask,
                "SingularValue": float(found.singular_values[number]),
                "VarianceExplained": float(found.explained[number]),
                "CumulativeVarianceExplained": float(total[number]),
            }
    columns |= {f"cosine{number:02d}": course for number, course in enumerate(further.cosines.T)}
    return columns, described


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
    if "_comp_cor_" in name:
        tissue = "white matter" if name.startswith("w_") else "cerebrospinal fluid"
        return {
            "Description": f"Principal component of pure {tissue}, lesion, trend and drift left "
            "out; not regressed out here. Regress the cosines out with it",
            "Units": "arbitrary",
        }
    if name.startswith("cosine"):
        return {
            "Description": "Cosine slower than 128 s, for drift; not regressed out by this name",
            "Units": "arbitrary",
        }
    described: dict[str, dict[str, object]] = {
        "global_signal": {
            "Description": "Mean signal of the brain, lesion left out; not regressed out here",
            "Units": "arbitrary",
        },
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
