"""Windows of equal length, those with artefacts left out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.physiology.channels import STEP
from motor_bids_app.physiology.recording import Array, Event, Recording

_MOST_BAD = 0.1  # of a window


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows without overlap.

    Parameters
    ----------
    signals : array, shape (W, C, S)
        µV; the windows that are kept.
    onsets : array, shape (W,)
        s since the start of the recording.
    kinds : tuple of str, shape (W,)
        The event that covers most of each, 'none' where there is none.
    n_rejected : int
    """

    signals: Array
    onsets: Array
    kinds: tuple[str, ...]
    n_rejected: int


def cut_windows(recording: Recording, bad_segments: NDArray[np.bool_], seconds: float) -> Windows:
    """Cut a recording into windows from its start on.

    A window is left out if more than a tenth of it cannot be trusted.

    Raises
    ------
    DataError
        The recording is shorter than a window, or no window is clean.
    """
    length = round(seconds * recording.rate)
    n = recording.signals.shape[1] // length
    if n == 0:
        raise DataError(
            f"The recording lasts {recording.seconds:.1f} s, less than a window of {seconds:g} s. "
            "Choose shorter windows with --signal-window, or leave it out."
        )
    onsets = np.arange(n) * length / recording.rate
    bad = np.array([_bad_share(bad_segments, onset, seconds) for onset in onsets])
    kept = np.flatnonzero(bad <= _MOST_BAD + 1e-9)
    if not len(kept):
        raise DataError(
            f"None of the {n} windows of {seconds:g} s is free of artefacts: {bad.mean():.0%} of "
            "the time cannot be trusted. Look at the recording."
        )
    whole = recording.signals[:, : n * length].reshape(len(recording.names), n, length)
    return Windows(
        np.ascontiguousarray(whole.transpose(1, 0, 2)[kept]),
        onsets[kept],
        tuple(_kind(recording.events, onset, seconds) for onset in onsets[kept]),
        n - len(kept),
    )


def _bad_share(bad_segments: NDArray[np.bool_], onset: float, seconds: float) -> float:
    starts = np.arange(len(bad_segments)) * STEP
    overlap = np.minimum(starts + STEP, onset + seconds) - np.maximum(starts, onset)
    return float((np.clip(overlap, 0, None) * bad_segments).sum() / seconds)


def _kind(events: tuple[Event, ...], onset: float, seconds: float) -> str:
    """What covers most of a window, at least half of it."""
    covered: dict[str, float] = {}
    for event in events:
        overlap = min(event.onset + event.duration, onset + seconds) - max(event.onset, onset)
        if overlap > 0:
            covered[event.kind] = covered.get(event.kind, 0.0) + overlap
    best = max(covered, key=lambda kind: covered[kind], default="none")
    return best if covered.get(best, 0) >= seconds / 2 else "none"
