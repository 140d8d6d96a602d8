import numpy as np
import pytest
from nilearn.signal import clean
from scipy import ndimage

from motor_bids_app.errors import DataError
from motor_bids_app.mri.functional.cleaning import Cleaner, smooth_inside, stop_band

TR, N, BAND = 2.0, 200, (0.01, 0.1)


@pytest.fixture
def signals():
    rng = np.random.default_rng(0)
    return (1000 + 20 * np.cumsum(rng.normal(size=(N, 40)), axis=0)).astype(np.float32)


@pytest.fixture
def confounds():
    return np.cumsum(np.random.default_rng(1).normal(size=(N, 8)), axis=0)


def test_cleaning_equals_that_of_nilearn_with_the_same_regressors(signals, confounds):
    found = Cleaner.of(confounds, TR, BAND).clean(signals)

    everything = np.hstack([confounds, stop_band(N, TR, BAND)])
    expected = clean(
        signals.astype(np.float64),
        confounds=everything,
        detrend=True,
        standardize=None,
        standardize_confounds=True,
        filter=False,
    )
    np.testing.assert_allclose(found, expected, atol=2e-3 * expected.std())


def test_cleaning_is_close_to_the_butterworth_filter_of_nilearn(signals, confounds):
    found = Cleaner.of(confounds, TR, BAND).clean(signals)

    expected = clean(
        signals.astype(np.float64),
        confounds=confounds,
        detrend=True,
        standardize=None,
        filter="butterworth",
        low_pass=BAND[1],
        high_pass=BAND[0],
        t_r=TR,
    )
    inner = slice(10, -10)  # the two treat the ends in their own ways
    same = [np.corrcoef(a, b)[0, 1] for a, b in zip(found[inner].T, expected[inner].T, strict=True)]
    assert np.median(same) > 0.9


@pytest.mark.parametrize(("frequency", "left"), [(0.05, 1.0), (0.003, 0.0), (0.2, 0.0)])
def test_only_the_band_passes(frequency, left):
    wave = np.cos(2 * np.pi * frequency * TR * np.arange(N))[:, None]

    found = Cleaner.of(np.zeros((N, 1)), TR, BAND).clean(wave)

    assert found.std() / wave.std() == pytest.approx(left, abs=0.1)


def test_nothing_is_left_of_confounds_nor_of_the_stop_band(signals, confounds):
    cleaned = Cleaner.of(confounds, TR, BAND).clean(signals)

    # In sequence, the later step brings back what the first took out.
    for removed in (confounds - confounds.mean(axis=0), stop_band(N, TR, BAND)):
        shares = removed.T @ cleaned
        scale = np.linalg.norm(removed, axis=0)[:, None] * np.linalg.norm(cleaned, axis=0)
        assert np.abs(shares / scale).max() < 1e-3


def test_volumes_that_are_left_out_have_no_say(signals, confounds):
    left_out = np.zeros(N, dtype=bool)
    left_out[[20, 21, 90]] = True
    cleaner = Cleaner.of(confounds, TR, BAND, left_out)
    spoilt = signals.copy()
    spoilt[left_out] *= 2

    cleaned = cleaner.clean(signals)

    # float32 keeps seven digits of the spoilt values
    np.testing.assert_allclose(cleaner.clean(spoilt), cleaned, atol=2e-2)
    assert np.abs(cleaned[left_out]).max() < 1e-2


def test_repeated_confounds_cost_no_degrees_of_freedom(confounds):
    twice = np.hstack([confounds, 3 * confounds, np.ones((N, 1))])

    assert Cleaner.of(twice, TR, BAND).degrees == Cleaner.of(confounds, TR, BAND).degrees


def test_a_series_too_short_to_be_cleaned_is_refused(confounds):
    with pytest.raises(DataError, match=r"30 volumes \(60 s\).* degrees of freedom"):
        Cleaner.of(confounds[:30], TR, BAND)


def test_volumes_left_out_for_motion_are_named_where_too_little_is_left(confounds):
    left_out = np.arange(len(confounds)) % 2 == 0
    with pytest.raises(DataError, match=f"{left_out.sum()} volumes that do not count, "):
        Cleaner.of(confounds, 2.0, (0.01, 0.1), left_out)


def test_smoothing_in_the_open_is_that_of_scipy():
    volume = np.random.default_rng(0).normal(size=(20, 20, 20)).astype(np.float32)
    inside = np.ones(volume.shape, dtype=bool)

    found = smooth_inside(volume[inside][None], inside, fwhm=6, voxel=3)[0].reshape(volume.shape)

    expected = ndimage.gaussian_filter(volume, 6 / 2.3548 / 3, truncate=2.4)
    inner = (slice(4, -4),) * 3
    np.testing.assert_allclose(found[inner], expected[inner], atol=0.02 * expected.std())


def test_what_is_outside_does_not_flow_in():
    inside = np.zeros((12, 12, 12), dtype=bool)
    inside[2:10, 2:10, 2:10] = True
    inside[5:7, 5:7, 5:7] = False  # a lesion
    level = np.full((3, inside.sum()), 7.0, dtype=np.float32)

    np.testing.assert_allclose(smooth_inside(level, inside, fwhm=8, voxel=3), level, rtol=1e-5)


def test_no_smoothing_leaves_all_as_it_is(signals):
    inside = np.ones((2, 4, 5), dtype=bool)

    np.testing.assert_array_equal(smooth_inside(signals, inside, fwhm=0, voxel=3), signals)
