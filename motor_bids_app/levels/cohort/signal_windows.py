"""Windows of EEG and EMG of all scans of an experiment, from the epochs of the derivatives."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.bids.recordings import at_once
from motor_bids_app.errors import DataError, ReadWriteError
from motor_bids_app.features.common_channels import choose_channels
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.recordings import RecordedWindows, mirrored_name, normalised_windows
from motor_bids_app.levels.cohort.arrays import save_array
from motor_bids_app.levels.cohort.unreadable import read_all
from motor_bids_app.levels.intact import check_intact

log = logging.getLogger(__name__)
_ONSET = 0.05  # s, by which windows of EEG and EMG that belong together may differ
Names = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SignalPlan:
    """What windows of all scans are brought to: channels as "eeg C3", samples per second."""

    channels: Names
    rate: float
    n_samples: int

    @property
    def kinds(self) -> Names:
        """Kinds of recordings read."""
        return tuple(dict.fromkeys(name.split()[0] for name in self.channels))

    def to_json(self) -> dict[str, Any]:
        """What a bundle says of the windows it reads."""
        return {**vars(self), "channels": list(self.channels)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "SignalPlan":
        """Take what `to_json` gave."""
        return cls(
            channels=tuple(values["channels"]), rate=values["rate"], n_samples=values["n_samples"]
        )


@dataclass(frozen=True, eq=False)
class _Epochs:
    """Epochs of one kind of one scan: float64 array (n, C, T), their onsets in s, and channels."""

    path: Path
    channels: Names
    rate: float
    seconds: float
    content: Any

    def data(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return signals, shape (n, C, T), in V, and onsets, shape (n,), in s."""
        names = [name.partition(" ")[2] for name in self.channels]
        found = self.content
        try:
            signals = found.get_data(picks=names, verbose="error")
        except (OSError, ValueError, RuntimeError) as error:
            raise ReadWriteError(f"{self.path} could not be read: {error}.") from error
        if found.metadata is not None and "onset" in found.metadata:
            onsets = found.metadata["onset"].to_numpy(dtype=np.float64)
        else:
            onsets = found.events[:, 0] / self.rate
        return np.asarray(signals, dtype=np.float64), onsets


def open_epochs(scan: DerivedScan, kind: str) -> _Epochs | None:
    """Read what the epochs of a kind are; None where a scan has none.

    Raises
    ------
    ReadWriteError
        The file cannot be read.
    """
    path = scan.recordings.get(kind)
    if path is None:
        return None
    check_intact(path)
    import mne  # imported where used: it takes seconds

    try:
        found = mne.read_epochs(path, preload=False, verbose="error")
    except (OSError, ValueError, RuntimeError) as error:
        raise ReadWriteError(
            f"{path} could not be read as epochs: {error}. Process the participant again."
        ) from error
    types = found.get_channel_types()
    bad = set(found.info["bads"])
    channels = tuple(
        f"{kind} {name}"
        for name, own in zip(found.ch_names, types, strict=True)
        if own == kind and name not in bad
    )
    rate = float(found.info["sfreq"])
    return _Epochs(path, channels, rate, len(found.times) / rate, found)


def _opened(scan: DerivedScan, kinds: Names) -> list[_Epochs | None]:
    """Epochs of each kind; EMG of another task or run than the EEG is as if it were not there."""
    found = [open_epochs(scan, kind) for kind in kinds]
    first = next((one for one in found if one is not None), None)
    return [
        one if one is None or first is None or at_once(first.path, one.path) else None
        for one in found
    ]


def plan_signals(
    scans: Sequence[DerivedScan], wanted: Names, which: str, rate: float, *, paired: bool
) -> tuple[SignalPlan | None, tuple[str, ...]]:
    """Choose what channels, rate and length windows of all scans are brought to.

    Parameters
    ----------
    wanted : tuple of str
        "eeg", "emg" or both; a kind is used if most scans with recordings have it.
    which : str
        "common": channels that nearly all have, without the recordings of who lacks one of them;
        "same": all must have the same.
    rate : float
        Samples per second at most; the lowest rate of a recording if that is less.
    paired : bool
        Leave out channels whose counterpart on the other side is not there: brains are mirrored.

    Returns
    -------
    SignalPlan or None
        None if nobody has a recording.
    tuple of str
        Remarks, one sentence each.

    Raises
    ------
    DataError
        Channels differ and must not, or no channel is common to all.
    """
    every_scan = read_all(len(scans), lambda row: _opened(scans[row], wanted))
    opened = {kind: [found[k] for found in every_scan] for k, kind in enumerate(wanted)}
    recorded = sum(any(found) for found in every_scan)
    kinds = [kind for kind in wanted if 2 * sum(e is not None for e in opened[kind]) > recorded]
    if not kinds:
        return None, ()
    taking = [
        (scan, [opened[kind][row] for kind in kinds])
        for row, scan in enumerate(scans)
        if all(opened[kind][row] is not None for kind in kinds)
    ]
    sets = {
        scan.prefix: {name for one in parts if one is not None for name in one.channels}
        for scan, parts in taking
    }
    every = [one for _, parts in taking for one in parts if one is not None]
    order = [
        *dict.fromkeys(
            name
            for kind in kinds
            for one in every
            for name in one.channels
            if name.startswith(kind)
        )
    ]
    channels, notes = choose_channels(sets, which, order, paired)
    used = min(rate, *(one.rate for one in every))
    seconds = min(one.seconds for one in every)
    if len(taking) < recorded:
        notes += (
            f"{recorded - len(taking)} of {recorded} scans with recordings lack "
            f"{' or '.join(kind.upper() for kind in kinds)} of the same time: their recordings are "
            "not used.",
        )
    return SignalPlan(channels=channels, rate=used, n_samples=int(seconds * used + 1e-6)), notes


def read_windows(scan: DerivedScan, plan: SignalPlan, *, flip: bool) -> NDArray[np.float16]:
    """Read the windows of a scan as planned; those that both EEG and EMG have, if both are read.

    Parameters
    ----------
    flip : bool
        Whether left and right are exchanged.

    Returns
    -------
    float16 array, shape (n_windows, n_channels, n_samples)
        See `normalised_windows`; no windows if the scan lacks a kind, or has both of other times.

    Raises
    ------
    DataError
        The scan lacks a channel.
    """
    parts = _opened(scan, plan.kinds)
    if any(part is None for part in parts):
        return _none(plan)
    lacking = _lacking(parts, plan)
    if lacking:
        raise DataError(
            f"{scan.prefix} has no good {', '.join(lacking)}, which the model reads. "
            "Leave it out, or use a model of other channels."
        )
    signals: dict[str, NDArray[np.float64]] = {}
    shared: NDArray[np.float64] | None = None
    read = []
    for part in parts:
        assert part is not None
        data, onsets = part.data()
        read.append((part, _resampled(data, part.rate, plan), onsets))
        shared = onsets if shared is None else shared[_near(shared, onsets)]
    assert shared is not None
    for part, data, onsets in read:
        rows = _near(onsets, shared)
        signals |= {name: data[rows, k] for k, name in enumerate(part.channels)}
    names = [mirrored_name(name) if flip else name for name in plan.channels]
    return normalised_windows(np.stack([signals[name] for name in names], axis=1), plan.channels)


def _lacking(parts: Sequence[_Epochs | None], plan: SignalPlan) -> list[str]:
    """Channels of the plan that a scan has not, or not well."""
    found = {name for part in parts if part is not None for name in part.channels}
    return [name for name in plan.channels if name not in found]


def _near(onsets: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which onsets are among others."""
    if not len(others):
        return np.zeros(len(onsets), dtype=bool)
    return np.asarray(np.abs(onsets[:, None] - others).min(axis=1) < _ONSET)


def _resampled(data: NDArray[np.float64], rate: float, plan: SignalPlan) -> NDArray[np.float64]:
    """Bring signals to the rate and length of the plan.

    Raises
    ------
    DataError
        The windows are shorter.
    """
    if rate != plan.rate:
        ratio = Fraction(plan.rate / rate).limit_denominator(1000)
        data = resample_poly(data, ratio.numerator, ratio.denominator, axis=2)
    if data.shape[2] < plan.n_samples:
        raise DataError(
            f"Windows last {data.shape[2] / plan.rate:.3g} s, less than the "
            f"{plan.n_samples / plan.rate:.3g} s that are read. Cut the same windows from all "
            "recordings."
        )
    return data[:, :, : plan.n_samples]


def signal_instances(
    scans: Sequence[DerivedScan], flip: NDArray[np.bool_], plan: SignalPlan, folder: Path
) -> Instances:
    """Read the windows of all scans, which are kept in a folder and not in memory.

    Scans that lack a channel have none.

    Raises
    ------
    UnreadableScansError
        Recordings cannot be used; the message names them.
    """

    def read(row: int) -> NDArray[np.float16]:
        lacking = _lacking(_opened(scans[row], plan.kinds), plan)
        found = _none(plan) if lacking else read_windows(scans[row], plan, flip=bool(flip[row]))
        return save_array(folder / f"signals-{row}.npy", found)

    windows = read_all(len(scans), read)
    return Instances.of(RecordedWindows(windows, plan.channels, plan.rate))


def windows_of_one(scan: DerivedScan, plan: SignalPlan, *, flip: bool) -> Instances:
    """Read the windows of one scan; see `read_windows`."""
    return Instances.of(
        RecordedWindows([read_windows(scan, plan, flip=flip)], plan.channels, plan.rate)
    )


def no_windows(plan: SignalPlan) -> Instances:
    """What one scan without recordings has."""
    return Instances.of(RecordedWindows([_none(plan)], plan.channels, plan.rate))


def _none(plan: SignalPlan) -> NDArray[np.float16]:
    return np.zeros((0, len(plan.channels), plan.n_samples), dtype=np.float16)
