"""When a series was measured: repetition time, volumes before the steady state, slice timing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from motor_bids_app.errors import DataError

SHORTEST_TR = 0.05  # s; no scanner covers a brain in less
LONGEST_TR = 20.0  # s; a larger number is meant in milliseconds
_EVEN = 0.01  # share by which the times between volumes may differ
_OUTLYING = 3.5  # scaled median absolute deviations, as in nipype's NonSteadyStateDetector
_SEARCHED = 50  # volumes
_ROUNDING = 0.01  # s that a slice time may exceed the repetition time by


def repetition_time(sidecar: object, header: float) -> float:
    """Seconds between volumes, from the sidecar (RepetitionTime) or else the image's header.

    `header` is 0 where the header names no unit of time: what it says then is often a default.

    Raises
    ------
    DataError
        It is in neither, or no number of seconds.
    """
    value = header if sidecar is None else sidecar
    where = "the image's header" if sidecar is None else "RepetitionTime in the sidecar"
    if not isinstance(value, int | float) or not np.isfinite(value) or value <= 0:
        raise DataError(
            f"The time between bold volumes is unknown: {where} says {value!r}. Add "
            '"RepetitionTime", in seconds, to the JSON sidecar.'
        )
    if value > LONGEST_TR:
        raise DataError(
            f"{where} gives {value:g} s between bold volumes, which can only be milliseconds. "
            f'Write "RepetitionTime": {value / 1000:g} into the JSON sidecar.'
        )
    if value < SHORTEST_TR:
        raise DataError(
            f"{where} gives {value:g} s between bold volumes, which no scanner is as fast for. "
            'Write "RepetitionTime", in seconds, into the JSON sidecar.'
        )
    return float(value)


def even_volumes(times: object) -> float | None:
    """Seconds between volumes that VolumeTiming tells, in the place of RepetitionTime.

    Raises
    ------
    DataError
        They are no numbers, or not evenly spaced, which filters and correlations take them to be.
    """
    if times is None:
        return None
    try:
        steps = np.diff(np.asarray(times, dtype=np.float64))
    except (TypeError, ValueError):
        steps = np.zeros(0)
    usual = float(np.median(steps)) if steps.size else 0.0
    if not (usual > 0 and (np.abs(steps - usual) <= _EVEN * usual).all()):
        raise DataError(
            "VolumeTiming does not tell evenly spaced volumes, and without these there is no "
            "filter and no connectivity. Correct the JSON sidecar, or leave bold out."
        )
    return usual


def count_dummies(means: NDArray[np.floating]) -> int:
    """Count the volumes at the start of a series that were measured before the steady state.

    Parameters
    ----------
    means : array, shape (T,)
        Mean of each volume over the brain. Before the magnetisation is steady it is higher.

    Returns
    -------
    int
        Leading volumes above the median of the first 50 by more than 3.5 scaled median absolute
        deviations (0.6745 of it over the MAD, Iglewicz and Hoaglin 1993).
    """
    first = np.asarray(means, dtype=np.float64)[:_SEARCHED]
    above = first - np.median(first)
    spread = np.median(np.abs(above))
    if not spread > 0:
        return 0
    return int(np.argmin(np.append(0.6745 * above / spread > _OUTLYING, False)))


def check_slice_times(
    times: Sequence[float], n_slices: int, repetition: float
) -> NDArray[np.float64]:
    """Check SliceTiming, in seconds since the start of a volume, one for each slice.

    Raises
    ------
    DataError
        The number of times is not that of the slices, or a time is outside the volume.
    """
    try:
        found = np.asarray(times, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            "SliceTiming holds something else than numbers. Correct the JSON sidecar, or remove "
            "SliceTiming to leave slices as they are."
        ) from None
    if found.shape != (n_slices,):
        raise DataError(
            f"SliceTiming has {found.size} times, but the bold has {n_slices} slices. Correct the "
            "JSON sidecar, or remove SliceTiming to leave slices as they are."
        )
    if not (np.isfinite(found).all() and found.min() >= 0):
        raise DataError("SliceTiming has negative or missing times. Correct the JSON sidecar.")
    if found.max() > repetition + _ROUNDING:
        hint = ", which can only be milliseconds" if found.max() > LONGEST_TR else ""
        raise DataError(
            f"SliceTiming goes up to {found.max():g} s, beyond the {repetition:g} s between "
            f"volumes{hint}. Correct the JSON sidecar."
        )
    return found


def correct_slice_timing(
    data: NDArray[np.floating], times: NDArray[np.floating], repetition: float, axis: int = 2
) -> NDArray[np.float32]:
    """Interpolate every slice in time to the middle of the acquisition of its volume.

    Cubic splines through the volumes of a voxel are linear in its values, so that one matrix of
    shape (T, T) does all voxels of a slice.

    Parameters
    ----------
    data : array, shape (X, Y, Z, T)
        Series.
    times : array, shape (slices,)
        Seconds since the start of a volume.
    repetition : float
        Seconds between volumes.
    axis : int
        Voxel axis along which slices lie.

    Returns
    -------
    array, shape (X, Y, Z, T), float32
        Every slice as if measured `middle_time(times)` after the start of its volume. Nothing is
        extrapolated: at the ends the first or last value holds.
    """
    volumes = np.arange(data.shape[3], dtype=np.float64)
    result = np.empty(data.shape, dtype=np.float32, order="F")
    basis = make_interp_spline(volumes, np.eye(len(volumes)), k=3)
    matrices: dict[float, NDArray[np.float32]] = {}
    for number, time in enumerate(times):
        shift = float(middle_time(times) - time) / repetition
        if shift not in matrices:
            places = np.clip(volumes + shift, 0, volumes[-1])
            matrices[shift] = basis(places).astype(np.float32)
        index: tuple[slice | int, ...] = (*[slice(None)] * axis, number)
        values = np.ascontiguousarray(data[index], dtype=np.float32)  # or BLAS could not take it
        moved = values.reshape(-1, values.shape[-1]) @ matrices[shift].T
        result[index] = moved.reshape(values.shape)
    return result


def middle_time(times: NDArray[np.floating]) -> float:
    """Time, in seconds since the start of a volume, that slices are interpolated to."""
    return float((np.min(times) + np.max(times)) / 2)
