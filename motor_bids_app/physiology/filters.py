"""Zero-phase filters, the mains and resampling."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from motor_bids_app.errors import DataError

Array = NDArray[np.float64]
MAINS = (50.0, 60.0)  # Hz, of the world
_ORDER = 4  # of the Butterworth filter at either edge; forwards and backwards make it 8
_NOTCH_WIDTH = 2.0  # Hz
_HIGHEST = 0.9  # of the Nyquist frequency, above which nothing is kept
_STANDS_OUT = 4.0  # times the power beside it, of a mains that is worth a notch


def usable_band(band: tuple[float, float], rate: float) -> tuple[float, float]:
    """The band, capped by what this many samples per second can hold.

    Raises
    ------
    DataError
        Nothing of the band is left.

    Examples
    --------
    >>> usable_band((0.5, 150), 250)
    (0.5, 112.5)
    """
    low, high = band[0], min(band[1], _HIGHEST * rate / 2)
    if not 0 <= low < high:
        raise DataError(
            f"At {rate:g} samples per second nothing is left of the band from {band[0]:g} to "
            f"{band[1]:g} Hz. Choose a lower band, or record faster."
        )
    return low, high


def harmonics(mains: float | None, band: tuple[float, float]) -> list[float]:
    """Frequencies of the mains within a band (Hz), its multiples included."""
    if mains is None:
        return []
    return [order * mains for order in range(1, 50) if order * mains < band[1]]


def clean_band(
    signals: Array, rate: float, band: tuple[float, float], notches: list[float]
) -> Array:
    """Keep a band and take the mains from it, forwards and backwards, shape (C, T).

    Butterworth and second-order notches in one cascade. A recording too short for the settling
    of the filter is padded with its own mirror images.
    """
    nyquist = rate / 2
    parts = []
    if band[0] > 0:
        parts.append(signal.butter(_ORDER, band[0] / nyquist, "highpass", output="sos"))
    parts.append(signal.butter(_ORDER, band[1] / nyquist, "lowpass", output="sos"))
    for frequency in notches:
        b, a = signal.iirnotch(frequency / nyquist, frequency / _NOTCH_WIDTH)
        parts.append(signal.tf2sos(b, a))
    cascade = np.vstack(parts)
    settle = 3 / max(band[0], _NOTCH_WIDTH / 4)  # s
    margin = int(min(signals.shape[1] - 1, settle * rate))
    centred = signals - np.median(signals, axis=1, keepdims=True)
    return np.asarray(signal.sosfiltfilt(cascade, centred, axis=1, padtype="even", padlen=margin))


def find_mains(signals: Array, rate: float) -> float | None:
    """Frequency of the mains as the spectra show it; None where neither 50 nor 60 Hz stands out.

    Parameters
    ----------
    signals : array, shape (C, T)
    rate : float
        Samples per second.
    """
    n = int(min(signals.shape[1], 4 * rate))
    frequencies, power = signal.welch(signals, rate, nperseg=n, axis=1)
    found: dict[float, float] = {}
    for mains in MAINS:
        away = np.abs(frequencies - mains)
        at, beside = away <= 1, (away > 2) & (away <= 5)
        if mains < rate / 2 - 5 and at.any() and beside.any():
            level = np.maximum(np.median(power[:, beside], axis=1), np.finfo(float).tiny)
            found[mains] = float(np.median(power[:, at].max(axis=1) / level))
    if not found or max(found.values()) < _STANDS_OUT:
        return None
    return max(found, key=lambda mains: found[mains])


def resample(signals: Array, rate: float, wanted: float) -> Array:
    """Signals at another rate, by a polyphase filter that lets nothing alias; shape (C, T')."""
    if rate == wanted:
        return signals
    ratio = Fraction(wanted / rate).limit_denominator(1000)
    return np.asarray(
        signal.resample_poly(signals, ratio.numerator, ratio.denominator, axis=1, padtype="line")
    )
