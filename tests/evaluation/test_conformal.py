import numpy as np
import pytest
from scipy.special import expit

from motor_bids_app.evaluation.conformal import (
    Limits,
    abstention_curve,
    conformal_coverage,
    conformal_limits,
)
from motor_bids_app.evaluation.predictions import Predictions


def arranged(values, truth):
    values = np.atleast_2d(values)
    return Predictions(
        values,
        np.ones(values.shape, dtype=np.int64),
        np.asarray(truth, dtype=float),
        np.arange(len(truth)).astype(object),
    )


def draw(task, n, rng):
    """Predictions of a fixed model, and the truth; few are poor."""
    latent = rng.normal(size=n)
    if task == "regression":
        return latent, latent + rng.standard_t(4, size=n)
    return expit(2 * latent - 1.5), (rng.random(n) < expit(2 * latent - 1.5)).astype(float)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_new_people_are_covered_as_promised_in_every_class(task):
    rng = np.random.default_rng(0)
    covered = {0.0: [], 1.0: [], "all": []}
    for _ in range(200):
        limits = conformal_limits(arranged(*draw(task, 60, rng)), task)
        values, truth = draw(task, 500, rng)
        if task == "regression":
            covered["all"].append((np.abs(values - truth) <= limits.half_width).mean())
            continue
        held = np.where(truth == 1, values >= limits.poor, 1 - values >= limits.good)
        for label in (0.0, 1.0):
            covered[label].append(held[truth == label].mean())
        covered["all"].append(held.mean())
    for label, shares in covered.items():
        if shares:
            assert 0.89 <= np.mean(shares) <= 0.92, label


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_coverage_reported_is_that_of_new_people(task):
    rng = np.random.default_rng(1)
    found = [conformal_coverage(arranged(*draw(task, 60, rng)), task) for _ in range(20)]
    overall = np.mean([table["coverage"].iloc[0] for table in found])

    assert overall == pytest.approx(0.9, abs=0.02)
    assert (found[0]["low"] <= found[0]["coverage"]).all()


def test_half_width_is_the_rank_of_the_theory():
    limits = conformal_limits(arranged(np.zeros(19), np.arange(1, 20)), "regression")

    assert limits.half_width == 18  # the (20 x 0.9)-th smallest of 19 errors


def test_repeats_do_not_count_as_people():
    errors = np.arange(1, 20)
    once = conformal_limits(arranged(np.zeros(19), errors), "regression")
    often = conformal_limits(arranged(np.zeros((5, 19)), errors), "regression")

    assert often.half_width == pytest.approx(once.half_width)


def test_nothing_is_promised_of_a_class_of_few():
    limits = conformal_limits(
        arranged(np.r_[np.full(5, 0.9), np.full(30, 0.1)], np.arange(35) < 5), "classification"
    )

    assert limits.classes(0.0) == ("poor", "good")
    assert limits.classes(0.95) == ("poor",)


def test_answering_the_surest_only_is_more_accurate():
    rng = np.random.default_rng(0)
    curve = abstention_curve(arranged(*draw("classification", 5000, rng)))

    assert curve["accuracy"].is_monotonic_decreasing
    assert curve["share_answered"].iloc[-1] == 1


def test_people_alike_are_all_in_or_out():
    limits = conformal_limits(arranged(np.full(60, 0.3), np.arange(60) < 30), "classification")

    assert limits.classes(0.3) == ("poor", "good")


def test_intervals_stay_in_the_range_of_the_score_and_hold_the_truth_as_often():
    rng = np.random.default_rng(2)
    truth = np.clip(rng.normal(50, 25, 60), 0, 66)
    values = np.clip(truth + rng.normal(0, 15, 60), 0, 66)
    free = conformal_coverage(arranged(values, truth), "regression")
    kept = conformal_coverage(arranged(values, truth), "regression", span=(0, 66))
    limits = conformal_limits(arranged(values, truth), "regression", span=(0, 66))

    assert (kept["coverage"] == free["coverage"]).all()
    assert (kept["size"] < free["size"]).all()
    assert all(0 <= limits.interval(v)[0] <= limits.interval(v)[1] <= 66 for v in values)


@pytest.mark.parametrize("limits", [Limits(poor=0.3, good=0.8), Limits(poor=0.7, good=0.2)])
def test_one_class_left_is_the_class_that_is_called(limits):
    for probability in np.linspace(0, 1, 101):
        left = limits.classes(probability)
        if len(left) == 1:
            assert left == (("poor",) if probability >= 0.5 else ("good",))


def test_no_set_is_empty():
    limits = Limits(poor=0.7, good=0.7)

    assert limits.classes(0.5) == ("poor", "good")
    assert limits.classes(0.8) == ("poor",)
