"""Numbers from EEG and EMG: rhythms of both hemispheres, muscles, and how they go together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.features.signal_columns import QUALITY
from motor_bids_app.physiology.filters import resample
from motor_bids_app.physiology.montage import template_places
from motor_bids_app.physiology.muscles import (
    SIDES,
    antagonists,
    channels_of,
    cocontraction,
    envelope,
    periods,
    working,
)
from motor_bids_app.physiology.placement import names_that_fit
from motor_bids_app.physiology.recording import Array, Recording
from motor_bids_app.physiology.spectra import (
    above_chance,
    band_power,
    coherence,
    power_density,
    segment_spectra,
)

BANDS = {"mu": (8.0, 13.0), "beta": (13.0, 30.0)}  # Hz
COHERENT = (15.0, 30.0)  # Hz, where corticomuscular coherence of a steady force lies
_MOTOR = {  # above the hand areas
    "left": ("C3", "C1", "C5", "FC3", "CP3"),
    "right": ("C4", "C2", "C6", "FC4", "CP4"),
}
_NEAR = 25.0  # degrees, from the first of them to the others
_OTHER = {"left": "right", "right": "left"}
_SECONDS = 2.0  # s, of segments for power
_FEWEST = 10  # segments, for a coherence worth a number
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Coherences:
    """Coherence of each limb's strongest muscle with the opposite motor cortex.

    `values` has shape (F,) by limb, on `frequencies` in Hz; `n_segments` is how many segments
    each is from, and `muscles` names the channel.
    """

    frequencies: Array
    values: dict[str, Array]
    n_segments: dict[str, int]
    muscles: dict[str, str]


def eeg_features(recording: Recording, usable: Flags) -> dict[str, float]:
    """Power of rhythms over the motor cortices, its suppression by work, and slowing.

    Parameters
    ----------
    recording : Recording
        Cleaned EEG.
    usable : bool array, shape (T,)
        Samples that can be trusted.
    """
    work, rest = periods(recording.events, recording.rate, recording.signals.shape[1])
    features = _motor_power(recording, usable if rest is None else usable & rest)
    features |= _slowing(recording, usable)
    if work is None or rest is None:
        return features
    at_work, at_rest = (_motor_power(recording, usable & part) for part in (work, rest))
    for band in BANDS:
        lost = {
            side: 1 - at_work[name] / at_rest[name]
            for side in SIDES
            if (name := f"eeg_{band}_motor_{side}") in at_rest and name in at_work
        }
        features |= {f"eeg_{band}_suppression_{side}": value for side, value in lost.items()}
        if len(lost) == len(SIDES):
            features[f"eeg_{band}_suppression_asymmetry"] = lost["left"] - lost["right"]
    return features


def emg_features(recording: Recording, usable: Flags) -> dict[str, float]:
    """Amplitude of the strongest muscle of each side at work, and co-contraction."""
    work, _ = periods(recording.events, recording.rate, recording.signals.shape[1])
    features: dict[str, float] = {}
    for side in SIDES:
        channels = channels_of(recording, side)
        if not channels:
            continue
        envelopes = envelope(recording.signals[channels], recording.rate)
        active = (working(envelopes) if work is None else work) & usable
        if not active.any():
            continue
        means = envelopes[:, active].mean(axis=1)
        features[f"emg_envelope_{side}"] = float(means.max())
        pair = antagonists(recording, channels)
        if pair:
            one, other = (envelopes[channels.index(k)][active] for k in pair)
            features[f"emg_cocontraction_{side}"] = cocontraction(one, other)
    return features | _asymmetry(features, "emg_envelope")


def muscle_coherence(
    eeg: Recording, emg: Recording, usable: Flags, emg_usable: Flags
) -> tuple[dict[str, float], Coherences]:
    """Coherence of each limb's strongest muscle with the opposite motor cortex, at work.

    EMG is rectified (Halliday et al. 1995), and brought to the rate of the EEG; segments of 1 s.
    Both recordings start at the same time; what one has beyond the other's end is left out. The
    numbers are less what chance gives, which is more in people with less time that can be used.

    Parameters
    ----------
    eeg, emg : Recording
        Cleaned.
    usable, emg_usable : bool array, shape (T,) of either
        Samples of the EEG, and of the EMG, that can be trusted.
    """
    rectified = resample(np.abs(emg.signals), emg.rate, eeg.rate)
    n = min(rectified.shape[1], eeg.signals.shape[1], len(usable))
    at_emg = (np.arange(n) * (emg.rate / eeg.rate)).astype(int)
    both_usable = usable[:n] & emg_usable[np.minimum(at_emg, len(emg_usable) - 1)]
    work = next(
        (
            told
            for events in (emg.events, eeg.events)
            if (told := periods(events, eeg.rate, n)[0]) is not None
        ),
        None,
    )
    frequencies = np.asarray(np.fft.rfftfreq(round(eeg.rate), 1 / eeg.rate), dtype=np.float64)
    found = Coherences(frequencies, {}, {}, {})
    inside = (frequencies >= COHERENT[0]) & (frequencies <= COHERENT[1])
    features: dict[str, float] = {}
    for limb in SIDES:
        channels, cortex = channels_of(emg, limb), _motor_channels(eeg, _OTHER[limb])
        if not channels or not cortex:
            continue
        envelopes = envelope(rectified[channels, :n], eeg.rate)
        active = working(envelopes) if work is None else work
        strongest = channels[int(envelopes[:, active].mean(axis=1).argmax())]
        both = np.stack([eeg.signals[cortex, :n].mean(axis=0), rectified[strongest, :n]])
        _, spectra = segment_spectra(both, eeg.rate, active & both_usable, 1.0)
        if spectra.shape[1] < _FEWEST:
            continue
        found.values[limb] = coherence(*spectra)
        found.n_segments[limb] = spectra.shape[1]
        found.muscles[limb] = emg.names[strongest]
        mean = float(found.values[limb][inside].mean())
        features[f"cmc_beta_{limb}"] = above_chance(mean, found.n_segments[limb])
        features[f"{QUALITY}_cmc_seconds"] = float(min(found.n_segments.values()))
    if len(found.values) == len(SIDES):  # around 0 a ratio of them would be wild
        features["cmc_beta_asymmetry"] = features["cmc_beta_left"] - features["cmc_beta_right"]
    return features, found


def affected(features: dict[str, float], lesion_side: str) -> dict[str, float]:
    """Values of the lesioned hemisphere and of the limbs on the other side of the body.

    Parameters
    ----------
    features : dict
        By hemisphere (eeg_...) and limb (emg_..., cmc_...).
    lesion_side : str
        Of the brain; empty result unless it is left or right.
    """
    if lesion_side not in SIDES:
        return {}
    sides = {"eeg": lesion_side, "emg": _OTHER[lesion_side], "cmc": _OTHER[lesion_side]}
    return {
        f"{name.removesuffix(side)}affected": value
        for name, value in features.items()
        if (side := sides.get(name.split("_")[0])) and name.endswith(f"_{side}")
    }


def _motor_channels(recording: Recording, side: str) -> list[int]:
    """Good channels above a hand area: by name or, in caps with other names, by their places."""
    found = _named(recording, side)
    if not any(_named(recording, either) for either in SIDES):
        centre = template_places(_MOTOR[side][:1])[0]
        found = np.flatnonzero(recording.places @ centre > np.cos(np.deg2rad(_NEAR))).tolist()
    return [k for k in found if recording.names[k] not in recording.bad]


def _named(recording: Recording, side: str) -> list[int]:
    """Channels above a hand area by their names, where names mean what the 10-05 system says."""
    fits = names_that_fit(recording.names, recording.places)
    return [k for k in recording.places_of(_MOTOR[side]) if fits[k]]


def _motor_power(recording: Recording, usable: Flags) -> dict[str, float]:
    """Power of each band over each motor cortex, µV^2, and the asymmetry."""
    frequencies, spectra = segment_spectra(recording.signals, recording.rate, usable, _SECONDS)
    if not spectra.shape[1]:
        return {}
    power = power_density(spectra)
    features: dict[str, float] = {}
    for band, limits in BANDS.items():
        for side in SIDES:
            channels = _motor_channels(recording, side)
            if channels:
                values = band_power(frequencies, power[channels], limits)
                features[f"eeg_{band}_motor_{side}"] = float(values.mean())
        features |= _asymmetry(features, f"eeg_{band}_motor")
    return features


def _slowing(recording: Recording, usable: Flags) -> dict[str, float]:
    """Delta over alpha (Finnigan et al. 2016) and brain symmetry index (van Putten 2007)."""
    frequencies, spectra = segment_spectra(recording.signals, recording.rate, usable, _SECONDS)
    if not spectra.shape[1]:
        return {}
    power = power_density(spectra)
    good = [k for k, name in enumerate(recording.names) if name not in recording.bad]
    delta, alpha = (
        band_power(frequencies, power[good], band) for band in ((1.0, 4.0), (8.0, 13.0))
    )
    features = {"eeg_delta_alpha_ratio": float((delta / alpha).mean())}
    lateral = recording.places[:, 0]
    halves = [[k for k in good if sign * lateral[k] > 0.15] for sign in (-1, 1)]
    if all(len(half) >= 2 for half in halves):
        inside = (frequencies >= 1) & (frequencies <= 25)
        left, right = (power[half][:, inside].mean(axis=0) for half in halves)
        features["eeg_symmetry_index"] = float((np.abs(right - left) / (right + left)).mean())
    return features


def _asymmetry(features: dict[str, float], name: str) -> dict[str, float]:
    left, right = features.get(f"{name}_left"), features.get(f"{name}_right")
    if left is None or right is None or left + right <= 0:
        return {}
    return {f"{name}_asymmetry": (left - right) / (left + right)}
