"""Reading of a raw bold series with what its sidecar says of it."""

from dataclasses import dataclass, field

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.search import read_sidecars
from motor_bids_app.errors import DataError
from motor_bids_app.levels.outputs import Facts
from motor_bids_app.mri.functional.timing import check_slice_times, count_dummies, repetition_time
from motor_bids_app.settings import BoldSettings

FEWEST_VOLUMES = 10


@dataclass(frozen=True, eq=False)
class Series:
    """A raw series, whole, and when its slices were measured.

    `data` has shape (X, Y, Z, T), without the `dropped` volumes at the start; `slice_times` are
    seconds by slice along `slice_axis`, None where they are not known.
    """

    data: NDArray[np.float32]
    image: nib.Nifti1Image
    repetition: float
    dropped: int
    slice_times: NDArray[np.float64] | None
    slice_axis: int
    facts: Facts = field(default_factory=Facts)


def read_series(bold: BoldFile, settings: BoldSettings, dropped: int | None = None) -> Series:
    """Read a series, check it, and drop its first volumes.

    Their number is `dropped`, else what the settings say, else what the series shows.

    Raises
    ------
    DataError
        It is no series, too short, or its times cannot be used.
    """
    image = load_image(bold.path)
    if image.ndim != 4:
        raise DataError(
            f"{bold.path} has {image.ndim} axes instead of 4: a single volume has no time course. "
            "Leave bold out with --modalities."
        )
    sidecar = read_sidecars(bold.sidecars)
    zooms, unit = image.header.get_zooms(), image.header.get_xyzt_units()[1]
    header = float(zooms[3]) * {"msec": 1e-3, "usec": 1e-6}.get(unit, 1.0)
    repetition = repetition_time(sidecar.get("RepetitionTime"), header)
    data = np.asarray(image.dataobj, dtype=np.float32)
    if not np.isfinite(data).all():
        data = np.nan_to_num(data, posinf=0, neginf=0)
    facts = Facts()
    dropped = settings.dummy_scans if dropped is None else dropped
    if dropped is None:
        dropped = count_dummies(data.mean(axis=(0, 1, 2), dtype=np.float64))
    if data.shape[3] - dropped < FEWEST_VOLUMES:
        raise DataError(
            f"{bold.path} has {data.shape[3]} volumes, of which {dropped} are dropped at the "
            f"start. At least {FEWEST_VOLUMES} must be left."
        )
    if dropped:
        facts.methods.append("bold_dummies")
    facts.quality["bold_dropped"] = float(dropped)
    axis = "ijk".find(str(sidecar.get("SliceEncodingDirection", "k"))[:1])
    times = sidecar.get("SliceTiming")
    checked = None
    if bold.confounds is not None:
        pass  # whatever the tool did about it is done
    elif times:
        checked = check_slice_times(times, data.shape[axis], repetition)
        if str(sidecar.get("SliceEncodingDirection", "k")).endswith("-"):
            checked = checked[::-1]
    else:
        facts.notes.append(
            "The sidecar of the bold has no SliceTiming: slices were left as they were measured, "
            f"up to {repetition:g} s apart."
        )
    return Series(data[..., dropped:], image, repetition, dropped, checked, axis, facts)
