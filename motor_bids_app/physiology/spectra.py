"""Spectra of the trusted stretches of signals: power and coherence."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal.windows import hann

Array = NDArray[np.float64]


def segment_spectra(
    signals: Array, rate: float, usable: NDArray[np.bool_], seconds: float
) -> tuple[Array, NDArray[np.complex128]]:
    """Fourier transforms of segments without overlap that are usable as a whole.

    Parameters
    ----------
    signals : array, shape (C, T)
    rate : float
        Samples per second.
    usable : bool array, shape (T,)
    seconds : float
        Length of a segment, in a Hann window, its mean taken away.

    Returns
    -------
    frequencies : array, shape (F,)
        Hz.
    spectra : array, shape (C, L, F)
        L may be 0. Its squared magnitude is the power density (one-sided, per Hz).
    """
    n = round(seconds * rate)
    frequencies = np.asarray(np.fft.rfftfreq(n, 1 / rate), dtype=np.float64)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], usable.astype(int), [0]])))
    starts = [
        start for first, last in edges.reshape(-1, 2) for start in range(first, last - n + 1, n)
    ]
    if not starts:
        return frequencies, np.zeros((len(signals), 0, len(frequencies)), dtype=np.complex128)
    pieces = np.stack([signals[:, start : start + n] for start in starts], axis=1)
    window = hann(n, sym=False)
    spectra = np.fft.rfft((pieces - pieces.mean(axis=2, keepdims=True)) * window, axis=2)
    inner = slice(1, -1) if n % 2 == 0 else slice(1, None)
    spectra[..., inner] *= np.sqrt(2)  # negative frequencies
    return frequencies, spectra / np.sqrt(rate * (window**2).sum())


def power_density(spectra: NDArray[np.complex128]) -> Array:
    """Mean power density over segments, shape (C, F)."""
    return np.asarray((np.abs(spectra) ** 2).mean(axis=1))


def band_power(frequencies: Array, power: Array, band: tuple[float, float]) -> Array:
    """Power in a band, in squared units of the signal; the last axis is summed over."""
    inside = (frequencies >= band[0]) & (frequencies < band[1])
    return np.asarray(power[..., inside].sum(axis=-1) * (frequencies[1] - frequencies[0]))


def coherence(first: NDArray[np.complex128], second: NDArray[np.complex128]) -> Array:
    """Magnitude-squared coherence, shape (F,), of two channels' segments, shape (L, F) each."""
    cross = np.abs((first * second.conj()).mean(axis=0)) ** 2
    own = (np.abs(first) ** 2).mean(axis=0) * (np.abs(second) ** 2).mean(axis=0)
    return np.asarray(cross / np.maximum(own, np.finfo(float).tiny))


def above_chance(coherence: float, n_segments: int) -> float:
    """Coherence less its bias, so that signals without relation have 0 in the mean.

    Their coherence is 1 / L in the mean, of L segments; that of equal signals stays 1.

    >>> above_chance(0.1, 10), above_chance(1.0, 10)
    (0.0, 1.0)
    """
    return (n_segments * coherence - 1) / (n_segments - 1)


def coherence_limit(n_segments: int) -> float:
    """Coherence that chance exceeds once in twenty (Rosenberg et al. 1989).

    >>> round(coherence_limit(60), 3)
    0.05
    """
    return float(1 - 0.05 ** (1 / (n_segments - 1))) if n_segments > 1 else 1.0
