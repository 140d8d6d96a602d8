import numpy as np
import pytest
from scipy import signal

from motor_bids_app.physiology.spectra import (
    band_power,
    coherence,
    coherence_limit,
    power_density,
    segment_spectra,
)

RATE = 200.0
RNG = np.random.default_rng(0)
SIGNALS = RNG.standard_normal((2, 12_000))
SIGNALS[1] += SIGNALS[0]
EVERYWHERE = np.ones(12_000, dtype=bool)


def test_power_agrees_with_welch():
    frequencies, spectra = segment_spectra(SIGNALS, RATE, EVERYWHERE, 2.0)

    expected = signal.welch(SIGNALS, RATE, nperseg=400, noverlap=0, detrend="constant")
    np.testing.assert_allclose(frequencies, expected[0])
    np.testing.assert_allclose(power_density(spectra), expected[1], rtol=1e-9)


def test_coherence_agrees_with_scipy():
    _, spectra = segment_spectra(SIGNALS, RATE, EVERYWHERE, 1.0)

    expected = signal.coherence(*SIGNALS, RATE, nperseg=200, noverlap=0, detrend="constant")[1]
    np.testing.assert_allclose(coherence(*spectra), expected, rtol=1e-9)


def test_segments_do_not_touch_what_is_not_usable():
    usable = EVERYWHERE.copy()
    usable[5000:5010] = False
    wild = SIGNALS.copy()
    wild[:, 5000:5010] = 1e6

    _, spectra = segment_spectra(wild, RATE, usable, 2.0)

    assert spectra.shape[1] == 12 + 17  # whole segments in 5,000 and in 6,990 samples
    assert power_density(spectra).max() < 1


def test_power_of_a_sine_is_half_its_squared_amplitude():
    wave = 3 * np.sin(2 * np.pi * 10 * np.arange(12_000) / RATE)[None]
    frequencies, spectra = segment_spectra(wave, RATE, EVERYWHERE, 2.0)

    assert band_power(frequencies, power_density(spectra), (8, 13)) == pytest.approx(4.5, rel=1e-6)


def test_chance_exceeds_the_limit_once_in_twenty():
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((2, 500, 40)) + 1j * rng.standard_normal((2, 500, 40))
    values = coherence(noise[0].T, noise[1].T)

    assert (values > coherence_limit(40)).mean() == pytest.approx(0.05, abs=0.03)
