"""Maps of windows made from series when asked for."""

import numpy as np
import pytest

from motor_bids_app.features.connectivity import sliding_windows, window_statistics
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.series import SeriesWindows, WindowVolumes
from motor_bids_app.spaces.grids import Grid

GRID = Grid((4, 5, 3), np.eye(4))
T, LENGTH = 20, 8


@pytest.fixture
def source():
    """Two scans, the second without bold."""
    rng = np.random.default_rng(0)
    inside = np.zeros(GRID.shape, dtype=bool)
    inside[1:, 1:] = True
    signals = rng.normal(size=(T, int(inside.sum()))).astype(np.float16)
    nothing = np.zeros((0, signals.shape[1]), np.float16)
    return SeriesWindows(
        [signals, nothing],
        [rng.normal(size=T), np.zeros(0)],
        [sliding_windows(T, LENGTH), np.zeros((0, 0))],
        [2.0, 0.0],
        inside,
        GRID,
    )


def test_a_window_is_the_correlation_with_the_seed_in_its_volumes(source):
    part = slice(5, 5 + LENGTH)
    signals = source.signals[0][part].astype(float)
    r = [np.corrcoef(voxel, source.seeds[0][part])[0, 1] for voxel in signals.T]

    found = source.read(0, np.array([5]))[0]

    np.testing.assert_allclose(found[source.inside], np.arctanh(r), atol=1e-4)
    assert (found[~source.inside] == 0).all()


def test_windows_asked_for_alone_are_those_of_all_together(source):
    together = source.read(0, np.arange(13))

    np.testing.assert_allclose(source.read(0, np.array([12, 3])), together[[12, 3]], atol=1e-5)


def test_a_scan_without_bold_has_no_window(source):
    assert source.counts.tolist() == [T - LENGTH + 1, 0]


def test_mean_and_spread_are_those_of_all_windows(source):
    volumes = WindowVolumes(Instances.of(source)[[0]].apart())
    mean, deviation = window_statistics(
        source.signals[0].astype(np.float32), source.seeds[0], source.weights[0]
    )

    found = volumes.mean()

    np.testing.assert_allclose(found[0][source.inside], mean, atol=1e-4)
    expected = np.sqrt(np.mean(deviation.astype(float) ** 2))
    assert volumes.spread(found, source.inside)[0] == pytest.approx(expected, rel=1e-3)
