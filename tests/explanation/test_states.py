"""States of connectivity."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.explanation.medians import assign
from motor_bids_app.explanation.states import (
    choose_number,
    find_exemplars,
    find_states,
    participation,
    state_maps,
)


def test_planted_states_are_found_and_so_is_their_number(planted, make):
    values, people, numbers, truth = planted
    states = find_states(make(values, people, numbers))
    assert len(states.centres) == 3
    assert adjusted_rand_score(truth, states.labels) > 0.99
    assert states.shared.all()
    row = states.search.set_index("k").loc[3]
    assert row["chosen"]
    assert row["silhouette"] == states.search["silhouette"].max()


def test_states_that_belong_to_few_people_do_not_count(planted, make):
    values, people, numbers, truth = planted
    odd = values.copy()
    odd[people == 0] += np.random.default_rng(5).normal(0, 1.5, values.shape[1]).astype(np.float32)
    states = find_states(make(odd, people, numbers))
    others = people > 0
    assert adjusted_rand_score(truth[others], states.labels[others]) > 0.99
    assert states.shared.sum() == 3
    assert states.participation.min() == pytest.approx(1 / 12)


def test_order_of_people_does_not_matter(planted, make):
    values, people, numbers, _ = planted
    states = find_states(make(values, people, numbers), numbers_of_states=[3])
    turned = np.concatenate([np.flatnonzero(people == who) for who in range(11, -1, -1)])
    again = find_states(
        make(values[turned], 11 - people[turned], numbers[turned]), numbers_of_states=[3]
    )
    np.testing.assert_array_equal(again.labels, states.labels[turned])
    np.testing.assert_allclose(again.centres, states.centres, atol=1e-6)


def test_states_come_from_the_most_to_the_least_frequent(planted, make):
    values, people, numbers, _ = planted
    states = find_states(make(values, people, numbers), numbers_of_states=[4])
    assert (np.diff(np.bincount(states.labels)) <= 0).all()


def test_states_found_in_some_people_are_recognised_in_others(planted, make):
    values, people, numbers, truth = planted
    train = people < 8
    states = find_states(make(values[train], people[train], numbers[train]))
    test = make(values[~train], people[~train] - 8, numbers[~train])
    assert adjusted_rand_score(truth[~train], assign(test, states.centres)) > 0.99


def test_half_precision_and_more_voxels_than_the_sample_give_the_same_states(planted, make):
    values, people, numbers, truth = planted
    many = np.tile(values, (1, 8))
    many = many + np.random.default_rng(2).normal(0, 0.2, many.shape)
    states = find_states(make(many.astype(np.float16), people, numbers), numbers_of_states=[3])
    assert adjusted_rand_score(truth, states.labels) > 0.99
    assert states.moved < 0.01


def test_exemplars_are_maxima_within_one_series(make):
    people = np.array([0] * 6 + [1] * 5)
    numbers = np.array([0, 1, 2, 5, 6, 7, 0, 1, 2, 3, 4])  # two windows are missing in the first
    variance = np.array([1.0, 3, 2, 9, 8, 9, 9, 4, 5, 1, 2])
    windows = make(np.zeros((11, 1)), people, numbers)
    np.testing.assert_array_equal(find_exemplars(variance, windows), [1, 8])


def test_participation_counts_people_and_not_windows():
    labels, people = np.array([0, 0, 1, 0, 0, 2]), np.array([0, 0, 0, 1, 2, 2])
    np.testing.assert_allclose(participation(labels, people, 3), [1, 1 / 3, 1 / 3])


def test_a_state_of_one_person_does_not_make_a_number_of_states():
    """As published: k = 2 may set one person apart, which a silhouette alone would prefer."""
    search = pd.DataFrame(
        {"k": [2, 3, 4], "states_of_most": [1, 2, 3], "silhouette": [0.9, 0.4, 0.3]}
    )
    assert choose_number(search) == 3
    assert choose_number(search.assign(states_of_most=[1, 1, 1])) == 2


def test_participation_alone_decides_where_that_is_asked_for():
    """The paper's figures for k = 3, visited by 1, 68 and 69 of 69 people."""
    search = pd.DataFrame(
        {
            "k": [2, 3, 4],
            "states_of_most": [1, 2, 2],
            "silhouette": [0.9, 0.3, 0.5],
            "mean_participation": [35 / 69, 46 / 69, 40 / 69],
        }
    )
    assert choose_number(search, "participation") == 3
    assert choose_number(search, "silhouette") == 4


def test_silhouette_is_that_of_scikit_learn_on_exemplars(planted, make):
    values, people, numbers, truth = planted
    windows = make(values, people, numbers)
    rows = find_exemplars(values.astype(float).var(axis=1), windows)
    expected = silhouette_score(values[rows], truth[rows], metric="manhattan")
    search = find_states(windows, numbers_of_states=[3]).search
    assert search["silhouette"][0] == pytest.approx(expected, abs=1e-4)


def test_maps_of_a_person_are_means_over_windows_of_the_state(planted, make):
    values, people, numbers, truth = planted
    labels = np.where((people == 4) & (truth == 2), 0, truth)  # person 4 never visits state 2
    maps, counts = state_maps(make(values, people, numbers), labels, 3)
    np.testing.assert_allclose(
        maps[5, 1], values[(people == 5) & (labels == 1)].mean(axis=0), atol=1e-5
    )
    assert counts[4, 2] == 0
    assert (maps[4, 2] == 0).all()
    assert counts.sum() == len(people)


def test_too_few_exemplars_are_explained(make):
    values = np.random.default_rng(0).normal(size=(12, 5)).astype(np.float32)
    with pytest.raises(DataError, match="too few for 8 states"):
        find_states(make(values, np.zeros(12, int), np.arange(12)))


def test_one_state_is_no_question(planted, make):
    values, people, numbers, _ = planted
    with pytest.raises(UsageError, match="2 or more each"):
        find_states(make(values, people, numbers), numbers_of_states=[1])
