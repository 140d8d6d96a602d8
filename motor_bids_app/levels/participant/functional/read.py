"""Reading of a raw bold series with what its sidecar says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.search import read_sidecars
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.outputs import Facts
from motor_bids_app.mri.functional.timing import (
    check_slice_times,
    count_dummies,
    even_volumes,
    middle_time,
    repetition_time,
)
from motor_bids_app.settings import BoldSettings

RESOLUTION = 3  # mm, of bold in standard space
FEWEST_VOLUMES = 10
_SAME = 0.01  # share by which header and sidecar may differ in the repetition time


@dataclass(frozen=True, eq=False)
class Series:
    """A raw series, whole, and when its slices were measured.

    `data` has shape (X, Y, Z, T), without the `dropped` volumes at the start; `slice_times` are
    seconds by slice along `slice_axis`, None where they are not known. `slices` is what sidecars of
    derivatives say of it, `sidecar` its own.
    """

    data: NDArray[np.float32]
    image: nib.Nifti1Image
    repetition: float
    dropped: int
    slice_times: NDArray[np.float64] | None
    slice_axis: int
    slices: dict[str, object]
    facts: Facts = field(default_factory=Facts)
    sidecar: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reference(self) -> int:
        """Number of the volume, of those that are left, in whose place the head is looked at."""
        return self.data.shape[3] // 2


def read_series(bold: BoldFile, settings: BoldSettings, dropped: int | None = None) -> Series:
    """Read a series, check it, and drop its first volumes.

    Their number is `dropped`, else what the settings say, else what the series shows.

    Raises
    ------
    DataError
        It is no series, too short, or its times cannot be used.
    """
    image = load_image(bold.path)
    check_series(image, bold)
    sidecar, facts = read_sidecars(bold.sidecars), Facts()
    repetition = _repetition(image, sidecar, facts)
    data = _numbers(np.asarray(image.dataobj, dtype=np.float32), facts)
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
    if bold.confounds is not None:  # whatever the tool did about slices is done
        names: tuple[str, ...] = ("SliceTimingCorrected", "StartTime")
        said: dict[str, object] = {name: sidecar[name] for name in names if name in sidecar}
        return Series(data[..., dropped:], image, repetition, dropped, None, 2, said, facts)
    axis, times = _slice_times(sidecar, data.shape, repetition)
    slices: dict[str, object] = {"SliceTimingCorrected": times is not None}
    if times is None:
        facts.notes.append(
            "The sidecar of the bold has no SliceTiming: slices were left as they were measured, "
            f"up to {repetition:g} s apart."
        )
    else:
        slices["StartTime"] = middle_time(times)
    return Series(
        data[..., dropped:], image, repetition, dropped, times, axis, slices, facts, sidecar
    )


def check_series(image: nib.Nifti1Image, bold: BoldFile) -> None:
    """Raise DataError for an image, of which the shape alone matters, that is no series."""
    if image.ndim != 4:
        raise DataError(
            f"{bold.path} has {image.ndim} axes instead of 4: a single volume has no time course. "
            "Leave bold out with --modalities."
        )


def _repetition(image: nib.Nifti1Image, sidecar: Mapping[str, Any], facts: Facts) -> float:
    """Seconds between volumes; say so where only the header has them, or where it disagrees."""
    unit = image.header.get_xyzt_units()[1]
    seconds = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}.get(unit, 0.0)  # 0: whatever it says
    header = float(image.header.get_zooms()[3]) * seconds
    told = sidecar.get("RepetitionTime", even_volumes(sidecar.get("VolumeTiming")))
    repetition = repetition_time(told, header)
    if told is None:
        facts.notes.append(
            "The sidecar of the bold has no RepetitionTime: the "
            f"{repetition:g} s of the image's header were taken."
        )
    elif header > 0 and abs(header - repetition) > _SAME * repetition:
        facts.notes.append(
            f"The sidecar of the bold says {repetition:g} s between volumes (used), but the header "
            f"of the image {header:g} s."
        )
    return repetition


def _numbers(data: NDArray[np.float32], facts: Facts) -> NDArray[np.float32]:
    """Series without voxels that are no numbers throughout, which would be jumps to 0."""
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(data).all(axis=3))
    if finite.all():
        return data
    facts.notes.append(
        f"{int((~finite).sum())} voxels of the bold have values that are not numbers: they were "
        "left out."
    )
    return np.where(finite[..., None], data, np.float32(0))


def _slice_times(
    sidecar: Mapping[str, Any], shape: tuple[int, ...], repetition: float
) -> tuple[int, NDArray[np.float64] | None]:
    """Axis of the slices, and their times; None where nothing is said of them."""
    direction, times = str(sidecar.get("SliceEncodingDirection", "k")), sidecar.get("SliceTiming")
    axis = "ijk".index(direction[0])
    if not times:
        return axis, None
    checked = check_slice_times(times, shape[axis], repetition)
    return axis, checked[::-1] if direction.endswith("-") else checked
