import numpy as np
import pytest
from nilearn.signal import clean, high_variance_confounds

from motor_bids_app.mri.functional.compcor import SLOWEST, drift_cosines, tissue_components

TR, N, VOXELS = 2.0, 200, 300


@pytest.fixture
def waves():
    """Two time courses without drift, which differ in power."""
    waves = np.random.default_rng(0).normal(size=(N, 2))
    slow = np.column_stack([np.ones(N), np.linspace(-1, 1, N), drift_cosines(N, TR)])
    return waves - slow @ np.linalg.lstsq(slow, waves, rcond=None)[0]


@pytest.fixture
def signals(waves):
    """Voxels that share these courses, each with noise, drift, level and scale of its own."""
    rng = np.random.default_rng(1)
    shared = waves @ (rng.normal(size=(2, VOXELS)) * [[2.0], [1.0]])
    drift = np.linspace(0, 1, N)[:, None] ** 2 * rng.normal(0, 30, VOXELS)
    own = shared + rng.normal(size=(N, VOXELS)) + drift
    return (1000 + own * rng.uniform(0.5, 20, VOXELS)).astype(np.float32)


def test_components_are_those_of_nilearn_on_the_same_data(signals):
    found = tissue_components(signals, TR)

    ready = clean(
        signals.astype(np.float64),
        confounds=drift_cosines(N, TR),
        detrend=True,
        standardize="zscore_sample",
    )
    ready = np.column_stack([ready, np.zeros(N)])  # nilearn leaves the voxel that varies least out
    expected = high_variance_confounds(ready, n_confounds=5, percentile=100, detrend=False)
    same = np.abs(np.sum(found.courses[:, :5] * expected, axis=0))
    same /= np.linalg.norm(expected, axis=0)
    np.testing.assert_allclose(same, 1, atol=1e-5)


def test_variance_is_that_of_the_singular_values_of_numpy(signals):
    found = tissue_components(signals, TR)

    slow = np.column_stack([np.ones(N), np.linspace(-1, 1, N), drift_cosines(N, TR)])
    left = signals - slow @ np.linalg.lstsq(slow, signals, rcond=None)[0]
    values = np.linalg.svd(left / left.std(axis=0), compute_uv=False)
    count = len(found.singular_values)
    np.testing.assert_allclose(found.singular_values, values[:count], rtol=1e-4)
    np.testing.assert_allclose(found.explained, (values**2 / np.sum(values**2))[:count], rtol=1e-4)


def test_planted_courses_are_found_whatever_the_drift(signals, waves):
    found = tissue_components(signals, TR).courses[:, :2]

    for wave in waves.T:
        assert np.linalg.norm(found.T @ wave) / np.linalg.norm(wave) > 0.98


@pytest.mark.parametrize("noise", [0.0, 5.0])
def test_there_are_five_or_enough_for_half_of_the_variance(signals, noise):
    rng = np.random.default_rng(2)
    loud = signals + noise * signals.std(axis=0) * rng.normal(size=signals.shape)

    found = tissue_components(loud, TR)

    enough = 1 + int(np.searchsorted(found.explained.cumsum(), 0.5))
    assert len(found.explained) == max(5, enough)


def test_components_have_neither_mean_nor_trend_nor_slow_waves(signals):
    courses = tissue_components(signals, TR).courses

    slow = np.column_stack([np.ones(N), np.linspace(-1, 1, N), drift_cosines(N, TR)])
    assert np.abs(slow.T @ courses).max() < 1e-6
    np.testing.assert_allclose(courses.T @ courses, np.eye(courses.shape[1]), atol=1e-8)


def test_cosines_are_slower_than_the_limit():
    cosines = drift_cosines(N, TR)

    assert cosines.shape[1] == int(2 * N * TR / SLOWEST)


def test_a_short_series_of_few_voxels_has_as_many_components_as_it_can():
    signals = np.random.default_rng(0).normal(size=(10, 3))

    assert tissue_components(signals, TR).courses.shape == (10, 3)
