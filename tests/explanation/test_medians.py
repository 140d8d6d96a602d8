"""K-medians."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from motor_bids_app.errors import DataError
from motor_bids_app.explanation.medians import (
    assign,
    distances,
    keep_all_states,
    medians,
    members_of,
    seed_centres,
    settle,
    settle_once,
)


@pytest.fixture
def values():
    return np.random.default_rng(1).normal(size=(90, 700)).astype(np.float32)


def test_distances_are_those_of_scipy(values):
    expected = cdist(values, values[:4], "cityblock")
    np.testing.assert_allclose(distances(values, values[:4]), expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("size", [1, 2, 7, 8])
def test_medians_are_those_of_numpy(values, size):
    rows = [np.arange(size), np.arange(20, 20 + size)]
    expected = [np.median(values[part], axis=0) for part in rows]
    np.testing.assert_allclose(medians(values, rows), expected, rtol=1e-6)


def test_each_round_lowers_the_cost(values):
    start = seed_centres(values, 4, np.random.default_rng(0))
    costs = [settle(values, start, np.arange(90), rounds)[2] for rounds in range(8)]
    assert (np.diff(costs) <= 1e-7).all()
    assert costs[-1] < costs[0]


def test_settled_centres_are_medians_of_the_windows_nearest_to_them(values):
    start = seed_centres(values, 3, np.random.default_rng(0))
    centres, labels, _ = settle(values, start, np.arange(90), 100)
    assert (cdist(values, centres, "cityblock").argmin(axis=1) == labels).all()
    for state in range(3):
        np.testing.assert_allclose(centres[state], np.median(values[labels == state], axis=0))


def test_medians_of_many_windows_come_from_a_part_spread_over_all():
    labels = np.arange(10_000) % 2
    first, second = members_of(labels, 2, np.arange(10_000))
    assert len(first) == len(second) == 2048
    assert first[0] == 0
    assert second[-1] == 9999
    assert np.diff(first).max() <= 6


def test_a_state_that_nobody_is_near_takes_the_farthest_window():
    away = np.array([[1.0, 5, 9], [2, 5, 9], [4, 5, 9], [7, 3, 9]])
    np.testing.assert_array_equal(keep_all_states(away), [0, 0, 2, 1])


def test_equal_windows_are_no_states():
    with pytest.raises(DataError, match="no 2 states: only 1 different"):
        seed_centres(np.ones((5, 3), np.float32), 2, np.random.default_rng(0))


def test_blocks_give_the_centres_and_distances_of_all_voxels_at_once(values, make):
    windows = make(values, np.zeros(90, int), np.arange(90))
    labels = np.arange(90) % 3
    centres, away = settle_once(windows, labels, 3, np.arange(90), n_threads=2)
    expected = np.array([np.median(values[labels == state], axis=0) for state in range(3)])
    np.testing.assert_allclose(centres, expected, rtol=1e-6)
    np.testing.assert_allclose(away, cdist(values, expected, "cityblock"), rtol=1e-5)
    assert (assign(windows, centres) == away.argmin(axis=1)).all()


def test_values_that_are_not_finite_are_named(values, make):
    values[7, 300] = np.nan
    windows = make(values, np.repeat([0, 1], 45), np.tile(np.arange(45), 2))
    with pytest.raises(DataError, match=r"Window 7 of person 1 .* not finite"):
        list(windows.blocks())


def test_states_of_another_mask_are_refused(values, make):
    windows = make(values, np.zeros(90, int), np.arange(90))
    with pytest.raises(DataError, match="700 voxels, the states 500"):
        assign(windows, values[:2, :500])
