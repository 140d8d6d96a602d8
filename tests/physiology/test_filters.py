import mne
import numpy as np
import pytest
from scipy import signal

from motor_bids_app.errors import DataError
from motor_bids_app.physiology.filters import (
    clean_band,
    find_mains,
    harmonics,
    resample,
    usable_band,
)

RATE = 500.0
TIMES = np.arange(0, 20, 1 / RATE)


def wave(frequency, amplitude=1.0):
    return amplitude * np.sin(2 * np.pi * frequency * TIMES)


def test_filter_agrees_with_that_of_mne():
    signals = np.random.default_rng(0).standard_normal((2, len(TIMES)))

    own = clean_band(signals, RATE, (1, 40), [])

    theirs = mne.filter.filter_data(
        signals,
        RATE,
        1,
        40,
        method="iir",
        verbose="ERROR",
        iir_params={"order": 4, "ftype": "butter"},
    )
    middle = slice(int(5 * RATE), int(-5 * RATE))
    # MNE doubles up one band-pass, we a high-pass and a low-pass: alike but not equal at edges.
    assert np.corrcoef(own[0, middle], theirs[0, middle])[0, 1] > 0.995


@pytest.mark.parametrize(("frequency", "kept"), [(10, 1), (30, 1), (50, 0), (0.05, 0), (200, 0)])
def test_waves_in_the_band_stay_and_others_go(frequency, kept):
    out = clean_band(wave(frequency)[None], RATE, (0.5, 150), [50.0, 100.0])[0]

    middle = out[int(8 * RATE) : int(12 * RATE)]
    assert np.abs(middle).max() == pytest.approx(kept, abs=0.05)


def test_nothing_is_delayed():
    pulse = np.exp(-0.5 * ((TIMES - 10) / 0.05) ** 2)[None]

    out = clean_band(pulse, RATE, (0.5, 100), [50.0])[0]

    assert out.argmax() == pulse.argmax()


def test_a_recording_shorter_than_the_filter_is_filtered_too():
    short = wave(10)[None, : int(2 * RATE)]

    out = clean_band(short + 500, RATE, (0.5, 100), [])

    assert np.abs(out - short)[:, 200:-200].max() < 0.3


@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_the_mains_is_found(mains):
    noise = np.random.default_rng(1).standard_normal((4, len(TIMES)))

    assert find_mains(noise + wave(mains, 0.7), RATE) == mains
    assert find_mains(noise, RATE) is None


def test_all_multiples_of_the_mains_in_the_band_are_named():
    assert harmonics(60.0, (20, 250)) == [60, 120, 180, 240]
    assert harmonics(None, (20, 250)) == []


def test_the_band_is_capped_by_the_rate():
    assert usable_band((0.5, 150), 200) == (0.5, 90)
    with pytest.raises(DataError, match="nothing is left"):
        usable_band((200, 450), 200)


@pytest.mark.parametrize("rate", [250.0, 512.0])
def test_resampling_keeps_waves_and_lets_nothing_alias(rate):
    kept, lost = resample(np.stack([wave(20), wave(240)]), RATE, rate)

    times = np.arange(len(kept)) / rate
    middle = slice(int(5 * rate), int(15 * rate))
    np.testing.assert_allclose(kept[middle], np.sin(2 * np.pi * 20 * times)[middle], atol=0.02)
    if rate < 480:
        assert np.abs(lost[middle]).max() < 0.05


def test_resampling_agrees_with_a_shorter_signal_in_length():
    assert resample(np.zeros((1, 1000)), 500, 250).shape == (1, 500)
    assert signal.resample_poly(np.zeros(1000), 1, 2).shape == (500,)
