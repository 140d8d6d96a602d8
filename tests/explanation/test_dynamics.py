"""Occupancy, dwell time and transitions."""

import numpy as np
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.explanation.dynamics import follow_states

LABELS = np.array([0, 0, 1, 1, 1, 0, 2, 2, 2, 2])
PEOPLE = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
NUMBERS = np.array([0, 1, 2, 3, 4, 5, 0, 1, 2, 3])


def test_course_counted_by_hand():
    course = follow_states(LABELS, PEOPLE, NUMBERS, 3, seconds=2.0)
    np.testing.assert_allclose(course.occupancy, [[0.5, 0.5, 0], [0, 0, 1]])
    np.testing.assert_allclose(course.dwell, [[1.5, 3, 0], [0, 0, 4]])
    np.testing.assert_array_equal(course.transitions[0], [[1, 1, 0], [1, 2, 0], [0, 0, 0]])
    np.testing.assert_array_equal(course.changes, [2, 0])
    assert course.table()["dwell_seconds_2"].tolist() == [6, 0]


def test_stays_count_in_the_seconds_of_their_scanner():
    seconds = np.where(PEOPLE == 0, 2.0, 0.8)
    course = follow_states(LABELS, PEOPLE, NUMBERS, 3, seconds)
    np.testing.assert_allclose(course.dwell_seconds, [[3, 6, 0], [0, 0, 3.2]])


def test_a_gap_ends_a_stay_and_is_no_transition():
    numbers = np.where(np.arange(10) == 9, 7, NUMBERS)
    course = follow_states(LABELS, PEOPLE, numbers, 3, seconds=2.0)
    assert course.dwell[1, 2] == 2
    assert course.transitions[1].sum() == 2


def test_stay_of_a_markov_chain_has_its_expected_length():
    rng = np.random.default_rng(0)
    leave = 0.1
    jumps = rng.random(40_000) < leave
    labels = np.cumsum(jumps) % 2
    course = follow_states(labels, np.zeros(40_000, int), np.arange(40_000), 2, seconds=1.0)
    np.testing.assert_allclose(course.dwell[0], 1 / leave, rtol=0.06)
    assert course.changes[0] == jumps[1:].sum()


def test_other_numbers_of_states_move_the_columns_only():
    turned = np.array([2, 0, 1])
    course = follow_states(LABELS, PEOPLE, NUMBERS, 3, seconds=2.0)
    other = follow_states(turned[LABELS], PEOPLE, NUMBERS, 3, seconds=2.0)
    np.testing.assert_array_equal(other.occupancy[:, turned], course.occupancy)
    np.testing.assert_array_equal(other.dwell[:, turned], course.dwell)
    np.testing.assert_array_equal(other.transitions[:, turned][:, :, turned], course.transitions)


@pytest.mark.parametrize(
    ("people", "numbers", "message"),
    [
        pytest.param(PEOPLE * 2, NUMBERS, "Person 2 has no window", id="nobody"),
        pytest.param(PEOPLE, NUMBERS[::-1], "not in the order", id="backwards"),
        pytest.param(np.arange(10) % 2, np.arange(10), "not in the order", id="mixed"),
    ],
)
def test_windows_out_of_order_are_explained(people, numbers, message):
    with pytest.raises(DataError, match=message):
        follow_states(LABELS, people, numbers, 3, seconds=2.0)
