"""Channels and moments that cannot be trusted."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from motor_bids_app.physiology.recording import Recording, robust_spread

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
STEP = 1.0  # s, of the pieces that are good or bad
FLAT = 0.2  # µV, robust standard deviation after filtering that no living electrode stays below
_STRONGEST = 2e4  # µV, twice what the EMG of a muscle reaches on the skin (De Luca 2002)
_CLIPPED = 0.005  # share of samples at the ends of the range that no signal has
_LOUD, _ALONE = 5.0, 0.4  # robust z of the log amplitude; best correlation with another channel
_AGREES = 0.6  # best correlation of a channel that is loud because the brain under it is
_BROAD = (1.0, 40.0)  # Hz, of the frequencies that a faulty contact raises together
ALONE = "goes with no other channel"
_STRETCH = 4.0  # s, of the correlation
_WILD = 5.0  # robust z of the peak-to-peak amplitude of a piece
_LEAST_LOG_SPREAD = 0.2  # of amplitudes over channels, or over pieces


def clipped(signals: Array) -> Flags:
    """Channels that stay at the ends of their range, shape (C,); `signals` as recorded."""
    ends = [signals.max(axis=1, keepdims=True), signals.min(axis=1, keepdims=True)]
    at_end = sum((signals == end) for end in ends) > 0
    stays = at_end[:, 1:] & at_end[:, :-1]  # a true peak is one sample
    flat = ends[0][:, 0] == ends[1][:, 0]
    return np.asarray((stays.mean(axis=1) > _CLIPPED) & ~flat)


def find_bad(recording: Recording, raw: Array) -> dict[str, str]:
    """Channels that are bad, and why.

    Parameters
    ----------
    recording : Recording
        EEG or EMG, filtered. Only EEG channels are compared with each other: muscles differ.
    raw : array, shape (C, T)
        As recorded.
    """
    reasons = dict.fromkeys(recording.bad, "declared bad")
    spread = robust_spread(recording.signals)
    at_ends = clipped(raw)
    for name, size, cut in zip(recording.names, spread, at_ends, strict=True):
        if size < FLAT and recording.signals[recording.names.index(name)].std() < 5 * FLAT:
            reasons.setdefault(name, "flat")
        elif cut:
            reasons.setdefault(name, "clipped")
    if "emg" in recording.kinds:
        highest = np.percentile(np.abs(recording.signals), 99, axis=1)
        for name, peak in zip(recording.names, highest, strict=True):
            if peak > _STRONGEST:
                reasons.setdefault(name, f"{peak / 1e3:,.0f} mV, which no muscle gives: its unit?")
        return reasons
    left = [k for k, name in enumerate(recording.names) if name not in reasons]
    if len(left) < 4:
        return reasons
    company = _company(recording, left)
    alone = company < _ALONE
    # A rhythm makes one band loud, and neighbours share it: that is the brain, not the contact.
    loud = _stands_out(spread[left]) & (
        _stands_out(_broadband(recording.signals[left], recording.rate)) | (company < _AGREES)
    )
    for k, louder, lonely in zip(left, loud, alone, strict=True):
        if louder:
            reasons[recording.names[k]] = "far louder than the others"
        elif lonely and alone.mean() <= 0.5:
            # Where most go with no other, as in bipolar montages, that is no sign of a fault.
            reasons[recording.names[k]] = ALONE
    return reasons


def _stands_out(amplitude: Array) -> Flags:
    """Channels whose amplitude is far above that of the others, shape (C,)."""
    logs = np.log(amplitude)
    distance = logs - np.median(logs)
    usual = 1.4826 * float(np.median(np.abs(distance)))
    return np.asarray(distance / max(usual, _LEAST_LOG_SPREAD) > _LOUD)


def _broadband(signals: Array, rate: float) -> Array:
    """Amplitude at the middle one of all frequencies, shape (C,): no rhythm raises it."""
    length = min(round(2 * rate), signals.shape[1])
    frequencies, power = signal.welch(signals, rate, nperseg=length, axis=1)
    inside = (frequencies >= _BROAD[0]) & (frequencies <= min(_BROAD[1], rate / 3))
    return np.sqrt(np.maximum(np.median(power[:, inside], axis=1), np.finfo(float).tiny))


def _company(recording: Recording, channels: list[int]) -> Array:
    """Best correlation of each channel with another, median over time, shape (C,).

    Over short stretches, since a single wild second decides a correlation over all.
    """
    length = max(2, min(round(_STRETCH * recording.rate), recording.signals.shape[1]))
    best = []
    for start in range(0, recording.signals.shape[1] - length + 1, length):
        part = recording.signals[channels, start : start + length]
        part = part - part.mean(axis=1, keepdims=True)
        part /= np.maximum(np.sqrt((part**2).sum(axis=1, keepdims=True)), np.finfo(float).tiny)
        alike = np.abs(part @ part.T)
        np.fill_diagonal(alike, 0)
        best.append(alike.max(axis=1))
    return np.asarray(np.median(best, axis=0))


def bad_segments(recording: Recording, bad: set[str]) -> Flags:
    """Seconds that cannot be trusted, shape (pieces,); the last one may be shorter.

    EEG: in at least two good channels (or the only one) the peak-to-peak amplitude is far above
    what is usual there. EMG, whose bursts are signal: a good channel is dead. Also what an event
    whose kind starts with 'bad' covers.
    """
    step = round(STEP * recording.rate)
    n_pieces = max(1, int(np.ceil(recording.signals.shape[1] / step)))
    good = [k for k, name in enumerate(recording.names) if name not in bad]
    starts = np.arange(n_pieces) * step
    signals = recording.signals[good]
    ranges = np.maximum.reduceat(signals, starts, axis=1) - np.minimum.reduceat(
        signals, starts, axis=1
    )
    if "emg" in recording.kinds:
        flags = np.asarray((ranges < FLAT).any(axis=0))
    else:
        logs = np.log(np.maximum(ranges, FLAT))
        centre = np.median(logs, axis=1, keepdims=True)
        usual = 1.4826 * np.median(np.abs(logs - centre), axis=1, keepdims=True)
        z = np.sort((logs - centre) / np.maximum(usual, _LEAST_LOG_SPREAD), axis=0)
        flags = np.asarray(z[-min(2, len(z))] > _WILD)
    for event in recording.events:
        if event.kind.lower().startswith("bad"):
            first = int(event.onset / STEP)
            last = int(np.ceil((event.onset + max(event.duration, 1e-9)) / STEP))
            flags[max(first, 0) : last] = True
    return np.asarray(flags, dtype=bool)


def grown(flags: Flags) -> Flags:
    """Flags with their neighbours, which share the ends of what is bad."""
    return np.asarray(ndimage.binary_dilation(flags))


def samples_of(flags: Flags, rate: float, n_samples: int) -> Flags:
    """Flags of seconds as flags of samples, shape (n_samples,)."""
    return np.repeat(flags, round(STEP * rate))[:n_samples]
