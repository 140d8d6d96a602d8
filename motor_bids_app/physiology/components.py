"""Eyes and muscles in the EEG, found by independent component analysis and taken out."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

from motor_bids_app.physiology.filters import resample
from motor_bids_app.physiology.recording import Recording

Array = NDArray[np.float64]
FEWEST_CHANNELS = 8  # with fewer, a component is no more one source than a channel is
_FEWEST_SECONDS = 20.0
_RATE = 250.0  # Hz, at which components are learned
_MOST_SAMPLES = 40_000
_FRONT, _SIDES = ("Fp1", "Fp2", "Fpz", "AF7", "AF8"), ("F7", "F8", "AF7", "AF8")
_BACK = ("P3", "P4", "P7", "P8", "O1", "O2", "Oz", "Pz", "T5", "T6", "POz", "PO7", "PO8")
_EYE = 0.7  # correlation with the eyes' channel from 1 to 8 Hz
_FRONTAL = 2.0  # times the weight in front against that behind
_MUSCLE_BAND = (7.0, 45.0)  # Hz, below either mains, whose notch would bend a slope
_MUSCLE_SLOPE = -0.5  # of log power over log frequency; brains fall faster
_MUSCLE_PLACE = 0.65  # of the largest angle from the vertex: muscles lie at the margin of the cap


@dataclass(frozen=True, eq=False)
class Unmixed:
    """Components of an EEG.

    Parameters
    ----------
    mixing : array, shape (C, K)
        How strongly each channel sees each component, µV.
    unmixing : array, shape (K, C)
    labels : tuple of str, shape (K,)
        'eye', 'muscle' or 'other'.
    """

    mixing: Array
    unmixing: Array
    labels: tuple[str, ...]

    @property
    def artefacts(self) -> NDArray[np.intp]:
        """Numbers of the components that are not of the brain."""
        return np.flatnonzero([label != "other" for label in self.labels])

    def without_artefacts(self, signals: Array) -> Array:
        """Signals, shape (C, T), less what eyes and muscles add to them."""
        own = self.artefacts
        return signals - self.mixing[:, own] @ (self.unmixing[own] @ signals)


def unmix(
    recording: Recording,
    usable: NDArray[np.bool_],
    eyes: Array | None,
    seed: int,
    highest: float = np.inf,
) -> Unmixed | None:
    """Find components; None where there are too few channels or too little time for it.

    Parameters
    ----------
    recording : Recording
        Good EEG channels, filtered.
    usable : bool array, shape (T,)
        Samples to learn from.
    eyes : array, shape (E, T), or None
        EOG channels. Without them, frontal channels stand in.
    seed : int
    highest : float
        Hz, above which filters have left nothing.
    """
    if len(recording.names) < FEWEST_CHANNELS or usable.sum() < _FEWEST_SECONDS * recording.rate:
        return None
    rate = min(recording.rate, _RATE)
    signals = resample(recording.signals, recording.rate, rate)
    high = signal.butter(2, min(1.0, rate / 8) / (rate / 2), "highpass", output="sos")
    signals = signal.sosfiltfilt(high, signals, axis=1)  # drifts would take components of their own
    kept = usable[
        np.minimum(
            (np.arange(signals.shape[1]) * recording.rate / rate).astype(int), len(usable) - 1
        )
    ]
    learned = signals[:, kept]
    few = learned[:, :: max(1, int(np.ceil(learned.shape[1] / _MOST_SAMPLES)))]
    values = np.linalg.eigvalsh(np.cov(few))
    rank = int((values > 1e-6 * values.max()).sum())
    analysis = FastICA(rank, whiten="unit-variance", tol=1e-3, max_iter=200, random_state=seed)
    with warnings.catch_warnings():
        # Weak sources of Gaussian noise never settle, and are no artefacts.
        warnings.simplefilter("ignore", ConvergenceWarning)
        analysis.fit(few.T)
    sources = analysis.components_ @ learned
    looks = _eye_channels(recording, eyes, rate)
    labels = tuple(
        "eye"
        if _is_eye(recording, column, source, [look[kept] for look in looks], rate)
        else "muscle"
        if _is_muscle(recording, column, source, rate, highest)
        else "other"
        for column, source in zip(analysis.mixing_.T, sources, strict=True)
    )
    return Unmixed(np.asarray(analysis.mixing_), np.asarray(analysis.components_), labels)


def _eye_channels(recording: Recording, eyes: Array | None, rate: float) -> list[Array]:
    """What shows the eyes: EOG, else the sum in front, and the difference of its sides."""
    if eyes is not None:
        return list(resample(eyes, recording.rate, rate))
    found = []
    front = recording.places_of(_FRONT)
    if front:
        found.append(recording.signals[front].mean(axis=0))
    left, right = recording.places_of(_SIDES[::2]), recording.places_of(_SIDES[1::2])
    if left and right:
        found.append(recording.signals[left].mean(axis=0) - recording.signals[right].mean(axis=0))
    return list(resample(np.array(found), recording.rate, rate)) if found else []


def _is_eye(
    recording: Recording, weights: Array, source: Array, looks: list[Array], rate: float
) -> bool:
    """Whether a component goes with the eyes, and is seen in front more than behind."""
    band = signal.butter(2, np.array([1, 8]) / (rate / 2), "bandpass", output="sos")
    slow = signal.sosfiltfilt(band, np.array([source, *looks]), axis=1)
    alike = np.abs(np.corrcoef(slow)[0, 1:]) if looks else np.zeros(1)
    front = recording.places_of(("Fp1", "Fp2", "Fpz", "AF7", "AF8", "F7", "F8"))
    back = recording.places_of(_BACK)
    if front and back:
        frontal = np.abs(weights[front]).max() > _FRONTAL * np.abs(weights[back]).mean()
    else:
        frontal = True
    return bool(alike.max() > _EYE and frontal)


def _is_muscle(
    recording: Recording, weights: Array, source: Array, rate: float, highest: float
) -> bool:
    """Whether the spectrum does not fall as that of a brain does, and the source is at the margin.

    Slope and place are two of the criteria of Dharmaprani et al. (2016) as MNE applies them; its
    third, smoothness, depends on the number of channels. Without places the slope decides.
    """
    frequencies, power = signal.welch(source, rate, nperseg=int(2 * rate))
    top = min(_MUSCLE_BAND[1], 0.8 * highest, 0.4 * rate)
    inside = (frequencies >= _MUSCLE_BAND[0]) & (frequencies <= top)
    slope = np.polyfit(np.log(frequencies[inside]), np.log(power[inside]), 1)[0]
    if slope < _MUSCLE_SLOPE:
        return False
    located = recording.located
    if not located.any():
        return True
    angles = np.arccos(np.clip(recording.places[located, 2], -1, 1))
    squares = weights[located] ** 2
    return bool(squares @ angles > _MUSCLE_PLACE * angles.max() * squares.sum())
