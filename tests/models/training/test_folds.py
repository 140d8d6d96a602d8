"""Inner folds keep people whole and classes even."""

import numpy as np
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.models.training.folds import binary_labels, inner_folds


@pytest.mark.parametrize("seed", range(5))
def test_no_person_is_on_both_sides_and_each_is_judged_once(seed):
    random = np.random.default_rng(seed)
    people = random.choice([f"sub-{k}" for k in range(20)], 50)

    folds = inner_folds(random.normal(size=50), people, seed)

    for fitted, judged in folds:
        assert not set(people[fitted]) & set(people[judged])
    assert sorted(np.concatenate([judged for _, judged in folds])) == list(range(50))


@pytest.mark.parametrize("n_poor", [2, 3, 5, 9])
def test_each_fold_has_both_classes(n_poor):
    labels = np.repeat([1, 0], [n_poor, 30])
    people = np.array([f"sub-{k}" for k in range(len(labels))])

    folds = inner_folds(labels, people, 0)

    assert len(folds) == min(n_poor, 5)
    for part in (part for fold in folds for part in fold):
        assert set(labels[part]) == {0, 1}


def test_one_poor_person_leaves_nothing_to_choose_by():
    assert inner_folds([1, 1, 0, 0, 0], np.array(list("aabcd")), 0) == []


def test_scores_are_spread_evenly():
    scores = np.arange(40.0)
    folds = inner_folds(scores, scores.astype(str), 0)
    means = [scores[judged].mean() for _, judged in folds]
    assert np.ptp(means) <= 5  # of a standard deviation of 12


@pytest.mark.parametrize(("labels", "message"), [([0, 2], "0 or 1"), ([0, 0], "0 poor and 2 good")])
def test_unusable_classes_are_explained(labels, message):
    with pytest.raises(DataError, match=message):
        binary_labels(labels)
