"""Inner folds keep people whole and classes even."""

import numpy as np
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.models.training.folds import binary_labels, held_out, inner_folds


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


@pytest.mark.parametrize("share", [0.1, 0.15, 0.25, 0.3, 0.4, 0.45, 0.5])
@pytest.mark.parametrize("kind", ["classes", "rare", "ordered", "scores", "scans"])
def test_the_share_held_out_is_that_asked_for_to_the_nearest_person(kind, share):
    random = np.random.default_rng(3)
    people = np.array([f"sub-{k:02d}" for k in range(41)])
    y = {
        "classes": np.arange(41) % 2,
        "rare": (np.arange(41) < 4).astype(int),
        "ordered": np.arange(41) % 3,
        "scores": random.normal(size=41),
    }.get(kind, np.arange(41) % 2)
    if kind == "scans":  # from one to three scans of a person, some of another class
        people = np.repeat(people, np.arange(41) % 3 + 1)
        y = random.integers(0, 2, len(people))

    learned, stops = held_out(y, people, share, 0)

    assert not set(people[learned]) & set(people[stops])
    assert sorted([*learned, *stops]) == list(range(len(y)))
    assert abs(len(set(people[stops])) - share * 41) <= 0.5
    if kind != "scores":
        assert set(y[learned]) == set(y[stops]) == set(y)


@pytest.mark.parametrize(
    ("y", "share"),
    [
        pytest.param([0, 0, 0, 0, 1, 1], 0.2, id="one person cannot be of both classes"),
        pytest.param([0] * 9 + [1], 0.4, id="one poor person cannot be on both sides"),
        pytest.param([3.0, 5.0, 8.0], 0.1, id="less than half a person"),
    ],
)
def test_a_share_that_cannot_be_held_out_is_refused(y, share):
    people = np.arange(len(y)).astype(str)
    with pytest.raises(DataError, match=f"{len(y)} training people .* {share:.0%}"):
        held_out(y, people, share, 0)


def test_people_held_out_are_alike_in_score():
    scores = np.arange(60.0)
    learned, stops = held_out(scores, scores.astype(str), 0.3, 0)
    assert abs(scores[stops].mean() - scores[learned].mean()) < 4  # of a standard deviation of 17
