"""From a raw recording to one that can be measured: EEG and EMG, each with its own order."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.physiology.channels import FLAT, bad_segments, find_bad, grown, samples_of
from motor_bids_app.physiology.components import unmix
from motor_bids_app.physiology.filters import (
    clean_band,
    find_mains,
    harmonics,
    resample,
    usable_band,
)
from motor_bids_app.physiology.recording import Array, Recording, check_signals, robust_spread
from motor_bids_app.physiology.splines import spline_weights
from motor_bids_app.settings import PhysiologySettings

_FEWEST_FOR_SPLINES = 4
_MOST_BAD = 0.5  # of the channels; beyond, what is left says little about the others


@dataclass(frozen=True, eq=False, kw_only=True)
class Cleaned:
    """A cleaned recording, and what was done to it.

    Parameters
    ----------
    recording : Recording
        Channels of one kind; bad ones are in `recording.bad` unless they were interpolated.
    bad : dict of str
        Bad channels, and why.
    interpolated : tuple of str
        Those that were made from their neighbours.
    bad_segments : bool array, shape (seconds,)
        Which seconds cannot be trusted.
    band : (float, float)
        Hz, as used.
    mains : float or None
        Hz, of the notches; None: none was known or found.
    found : bool
        Whether the mains was found in the signals, not told.
    components : dict of int
        Independent components taken out, by label; empty where none were looked for.
    unmixed : bool
        Whether components were looked for.
    before : Recording
        The same channels at the same rate before cleaning, for figures.
    notes : tuple of str
        What a reader should know.
    """

    recording: Recording
    bad: dict[str, str]
    interpolated: tuple[str, ...] = ()
    bad_segments: NDArray[np.bool_]
    band: tuple[float, float]
    mains: float | None
    found: bool
    components: dict[str, int] = field(default_factory=dict)
    unmixed: bool = False
    before: Recording
    notes: tuple[str, ...] = ()


def clean_eeg(recording: Recording, settings: PhysiologySettings, seed: int = 0) -> Cleaned:
    """Filter, resample, find bad channels and moments, take out eyes and muscles, reference.

    Raises
    ------
    DataError
        The recording cannot be used.
    """
    eeg = recording.pick("eeg")
    check_signals(eeg, "eeg")
    filtered, band, mains, found = _filter(eeg, settings.eeg_band, settings.eeg_rate)
    bad = find_bad(filtered, eeg.signals)
    _check_enough(eeg, bad)
    notes: list[str] = []
    components = None
    if settings.ica:
        eyes = _eyes(recording, filtered.rate)
        components, notes = _take_out_artefacts(filtered, bad, eyes, seed, band[1])
    pieces = bad_segments(filtered, set(bad))
    repaired = _interpolate(filtered, bad)
    if len(repaired) < len(bad):
        left = ", ".join(name for name in bad if name not in repaired)
        notes.append(f"Places of electrodes are not known, so bad channels stay out: {left}.")
    final = _referenced(filtered, [name for name in bad if name not in repaired])
    return Cleaned(
        recording=final,
        bad=bad,
        interpolated=tuple(repaired),
        bad_segments=pieces,
        band=band,
        mains=mains,
        found=found,
        components=components or {},
        unmixed=components is not None,
        before=_plain(eeg, filtered.rate),
        notes=tuple(notes),
    )


def _take_out_artefacts(
    eeg: Recording, bad: Collection[str], eyes: Array | None, seed: int, highest: float
) -> tuple[dict[str, int] | None, list[str]]:
    """Take eyes and muscles out of good channels, in place; return how many components of each.

    None, and a note, where the recording does not suffice to separate them.
    """
    good = [k for k, name in enumerate(eeg.names) if name not in bad]
    wild = grown(bad_segments(eeg, set(bad)))
    usable = ~samples_of(wild, eeg.rate, eeg.signals.shape[1])
    part = replace(
        eeg,
        signals=eeg.signals[good],
        names=tuple(eeg.names[k] for k in good),
        kinds=("eeg",) * len(good),
        muscles=("",) * len(good),
        places=eeg.places[good],
        bad=(),
    )
    unmixed = unmix(part, usable, eyes, seed, highest)
    if unmixed is None:
        note = (
            f"Eye and muscle artefacts were not separated: {len(good)} good channels and "
            f"{usable.sum() / eeg.rate:.0f} usable seconds are too few for it."
        )
        return None, [note]
    eeg.signals[good] = unmixed.without_artefacts(part.signals)
    labels = [unmixed.labels[k] for k in unmixed.artefacts]
    return {name: labels.count(name) for name in ("eye", "muscle")}, []


def clean_emg(recording: Recording, settings: PhysiologySettings) -> Cleaned:
    """Filter, resample, find dead and clipped channels and moments without signal.

    Raises
    ------
    DataError
        The recording cannot be used.
    """
    emg = recording.pick("emg")
    check_signals(emg, "emg")
    filtered, band, mains, found = _filter(emg, settings.emg_band, settings.emg_rate)
    bad = find_bad(filtered, emg.signals)
    _check_enough(emg, bad, most=1.0)
    pieces = bad_segments(filtered, set(bad))
    final = replace(filtered, bad=tuple(name for name in emg.names if name in bad))
    return Cleaned(
        recording=final,
        bad=bad,
        bad_segments=pieces,
        band=band,
        mains=mains,
        found=found,
        before=_plain(emg, filtered.rate),
    )


def _filter(
    recording: Recording, wanted: tuple[float, float], rate: float
) -> tuple[Recording, tuple[float, float], float | None, bool]:
    """Filter at the recorded rate, then go down to the wanted one where that is lower."""
    rate = min(rate, recording.rate)
    band = usable_band(wanted, rate)
    mains, found = recording.mains, False
    if mains is None:
        mains = find_mains(recording.signals, recording.rate)
        found = mains is not None
    signals = clean_band(recording.signals, recording.rate, band, harmonics(mains, band))
    signals = resample(signals, recording.rate, rate)
    return replace(recording, signals=signals, rate=rate), band, mains, found


def _check_enough(recording: Recording, bad: dict[str, str], most: float = _MOST_BAD) -> None:
    if len(bad) < len(recording.names) and len(bad) <= most * len(recording.names):
        return
    shown = "; ".join(f"{name}: {reason}" for name, reason in [*bad.items()][:6])
    raise DataError(
        f"{len(bad)} of {len(recording.names)} {recording.kinds[0].upper()} channels are bad "
        f"({shown}), so that nothing can be said from the others. Check contacts and units."
    )


def _eyes(recording: Recording, rate: float) -> Array | None:
    """EOG channels at the rate of the cleaned EEG, those that are bad or flat left out."""
    if "eog" not in recording.kinds:
        return None
    eyes = recording.pick("eog")
    usable = [
        k
        for k, (name, own) in enumerate(zip(eyes.names, eyes.signals, strict=True))
        if name not in eyes.bad and np.isfinite(own).all() and robust_spread(own[None])[0] >= FLAT
    ]
    if not usable:
        return None
    signals = eyes.signals[usable]
    return resample(signals - signals.mean(axis=1, keepdims=True), eyes.rate, rate)


def _interpolate(recording: Recording, bad: dict[str, str]) -> list[str]:
    """Make bad channels from their neighbours, in place; return which."""
    located = recording.located
    bad_ones = [k for k, name in enumerate(recording.names) if name in bad and located[k]]
    good = [k for k, name in enumerate(recording.names) if name not in bad and located[k]]
    if len(good) < _FEWEST_FOR_SPLINES or not bad_ones:
        return []
    weights = spline_weights(recording.places[good], recording.places[bad_ones])
    recording.signals[bad_ones] = weights @ recording.signals[good]
    return [recording.names[k] for k in bad_ones]


def _referenced(recording: Recording, out: list[str]) -> Recording:
    """Subtract the mean of the channels that are not out."""
    kept = [k for k, name in enumerate(recording.names) if name not in out]
    signals = recording.signals - recording.signals[kept].mean(axis=0)
    return replace(recording, signals=signals, bad=tuple(out))


def _plain(recording: Recording, rate: float) -> Recording:
    """The raw signals without their offset, at the rate of the cleaned ones."""
    centred = recording.signals - np.median(recording.signals, axis=1, keepdims=True)
    return replace(recording, signals=resample(centred, recording.rate, rate), rate=rate)
