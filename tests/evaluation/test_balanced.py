import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from motor_bids_app.evaluation.balanced import people_behind, shares_by_test_set
from motor_bids_app.evaluation.metrics import classification_metrics
from motor_bids_app.evaluation.predictions import Predictions


def balanced(called, truth, folds, weights=None):
    called, folds = np.atleast_2d(called).astype(float), np.atleast_2d(folds)
    people = np.arange(len(truth)).astype(object)
    one = Predictions(called, folds, truth.astype(float), people)
    return classification_metrics(one, weights)["balanced_accuracy"]


def sites(shares, n=4000, seed=0):
    """Classes at sites, and what models say that learned from the shares of all other sites."""
    rng = np.random.default_rng(seed)
    site = np.repeat(np.arange(len(shares)), n)
    truth = rng.random(len(site)) < np.array(shares)[site]
    seen = rng.normal(size=len(site)) + 1.5 * truth
    others = np.array([np.mean([s for j, s in enumerate(shares) if j != k]) for k in range(3)])
    # Log odds of two normal classes 1.5 apart, at the share of poor people that was learned.
    odds = 1.5 * (seen - 0.75) + np.log(others / (1 - others))[site]
    return truth, odds > 0, site + 1


def test_sites_of_unlike_shares_left_out_have_the_mean_of_what_their_models_reach():
    truth, called, folds = sites([0.8, 0.5, 0.2])
    each = [balanced_accuracy_score(truth[folds == k], called[folds == k]) for k in (1, 2, 3)]

    assert balanced(called, truth, folds) == pytest.approx(np.mean(each), abs=0.01)
    assert balanced_accuracy_score(truth, called) < np.mean(each) - 0.03  # all people together


def test_in_folds_of_like_shares_it_is_that_of_all_people_together():
    rng = np.random.default_rng(1)
    truth, folds = np.tile([1, 0, 0], 20), np.repeat([1, 2, 3, 4, 5], 12)
    called = rng.random(60) < 0.3 + 0.4 * truth

    assert balanced(called, truth, folds) == pytest.approx(balanced_accuracy_score(truth, called))


def test_where_each_person_is_tested_alone_it_is_that_of_all_people_together():
    rng = np.random.default_rng(2)
    truth = np.tile([1, 0, 0], 10)
    called = rng.random(30) < 0.5

    assert balanced(called, truth, np.arange(30) + 1) == pytest.approx(
        balanced_accuracy_score(truth, called)
    )


def test_a_site_of_one_class_does_not_count():
    truth = np.array([1, 1, 0, 0, 1, 1, 1])
    called = np.array([1, 0, 0, 0, 0, 0, 0])
    folds = np.array([1, 1, 1, 1, 2, 2, 2])

    assert balanced(called, truth, folds) == pytest.approx(0.75)


def test_people_who_count_twice_are_as_two_in_every_test_set():
    rng = np.random.default_rng(3)
    truth, folds = np.tile([1, 0, 0, 1, 0], 12), np.repeat([1, 2, 3], 20)
    called, counts = rng.random(60) < 0.5, rng.integers(1, 3, 60)
    rows = np.repeat(np.arange(60), counts)

    assert balanced(called, truth, folds, counts[None].astype(float)) == pytest.approx(
        balanced(called[rows], truth[rows], folds[rows])
    )


def test_a_resample_without_a_class_has_none():
    truth, folds = np.array([1, 0, 1, 0]), np.array([1, 1, 2, 2])
    right = np.ones((1, 4), dtype=bool)
    found = shares_by_test_set(right, truth == 1, folds[None], np.array([[1.0, 0, 1, 0]]))

    assert np.isnan(found).all()


@pytest.mark.parametrize("repeats", [1, 3])
def test_people_count_in_full_where_shares_are_alike_and_less_where_they_are_not(repeats):
    poor = np.repeat([True, False], 20)
    alike, unlike = np.tile([1, 2], 20), np.repeat([1, 2, 1, 2], [15, 5, 5, 15])

    assert people_behind(poor, np.tile(alike, (repeats, 1))) == pytest.approx((20, 20))
    assert people_behind(poor, np.tile(unlike, (repeats, 1))) == pytest.approx((15, 15))
