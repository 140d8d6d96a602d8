"""Noise of known spectra, of which signals are made."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def band_noise(
    n_samples: int, rate: float, band: tuple[float, float], rng: np.random.Generator
) -> Array:
    """Gaussian noise of a band (Hz) with unit variance, shape (n_samples,)."""
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    frequencies = np.fft.rfftfreq(n_samples, 1 / rate)
    spectrum[(frequencies < band[0]) | (frequencies > band[1])] = 0
    signal = np.fft.irfft(spectrum, n_samples)
    return np.asarray(signal / max(float(signal.std()), np.finfo(float).tiny))


def coloured_noise(shape: tuple[int, int], rate: float, rng: np.random.Generator) -> Array:
    """Noise whose power falls with the frequency above 1 Hz, unit variance, shape `shape`."""
    spectrum = np.fft.rfft(rng.standard_normal(shape))
    frequencies = np.fft.rfftfreq(shape[1], 1 / rate)
    spectrum *= np.maximum(frequencies, 1.0) ** -0.6
    spectrum[:, frequencies < 0.2] = 0
    signal = np.fft.irfft(spectrum, shape[1])
    return np.asarray(signal / signal.std(axis=1, keepdims=True))


def mains_hum(times: Array, mains: float, rate: float) -> Array:
    """The mains and its odd harmonics below the Nyquist frequency, amplitude 1, shape (T,)."""
    hum = np.zeros_like(times)
    for order, strength in ((1, 1.0), (3, 0.3), (5, 0.15)):
        if order * mains < 0.5 * rate:
            hum += strength * np.sin(2 * np.pi * order * mains * times + order)
    return hum


def smooth(signal: Array, seconds: float, rate: float) -> Array:
    """Mean over a moving window, ends repeated, same shape."""
    width = max(1, round(seconds * rate))
    padded = np.pad(signal, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, np.full(width, 1 / width), mode="valid")


def bursts(
    n_samples: int, rate: float, share: float, seconds: float, rng: np.random.Generator
) -> Array:
    """Slow gate from 0 to 1 that is open for about a share of the time, shape (n_samples,)."""
    n_steps = int(np.ceil(n_samples / (seconds * rate)))
    gate = np.repeat(rng.random(n_steps) < share, round(seconds * rate) + 1)[:n_samples]
    return smooth(gate.astype(float), 0.2, rate)
