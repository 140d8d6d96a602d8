import json

import numpy as np
import pytest

from motor_bids_app.evaluation.conformal import conformal_coverage
from motor_bids_app.evaluation.cvplus import CvPlus, guaranteed, least_people, nested_coverage
from motor_bids_app.evaluation.predictions import Predictions

N_NEW = 200


def fit(x, y):
    """Least squares with hardly a penalty, which is unsteady where people are as few as columns."""
    weights = np.linalg.solve(x.T @ x + 1e-3 * np.eye(x.shape[1]), x.T @ (y - y.mean()))
    return lambda new: new @ weights + y.mean()


def deal(n, folds, rng):
    return rng.permutation(np.arange(n) % folds)


def cross_validated(x, y, fold, new):
    """Predictions out of fold, and what the model of each fold says of new people."""
    values, told = np.zeros(len(y)), []
    for k in range(fold.max() + 1):
        model = fit(x[fold != k], y[fold != k])
        values[fold == k] = model(x[fold == k])
        told.append(model(new))
    return values, np.array(told)


def arranged(values, fold, truth):
    people = np.arange(len(truth)).astype(object)
    return Predictions(values[None], fold[None] + 1, np.asarray(truth, dtype=float), people)


def coverage(task, n, folds, n_columns, cohorts=60):
    """Share of new people who are held, in each cohort."""
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(cohorts):
        x = rng.normal(size=(n + N_NEW, n_columns))
        y = x[:, 0] + rng.normal(size=n + N_NEW)
        if task == "classification":
            y = (y > 0).astype(float)
        fold = deal(n, folds, rng)
        values, told = cross_validated(x[:n], y[:n], fold, x[n:])
        if task == "classification":
            values, told = np.clip(values, 0, 1), np.clip(told, 0, 1)
        limits = CvPlus.of(arranged(values, fold, y[:n]), task)
        final = fit(x[:n], y[:n])(x[n:])
        found = []
        for k in range(N_NEW):
            if task == "regression":
                low, high = limits.interval(told[:, k], final[k])
                found.append(low <= y[n + k] <= high)
            else:
                name = "poor" if y[n + k] == 1 else "good"
                found.append(name in limits.classes(told[:, k], final[k]))
        shares.append(np.mean(found))
    return np.array(shares)


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize(("folds", "n_columns"), [(5, 3), (5, 20), (24, 20)])
def test_new_people_are_held_as_often_as_aimed_at_however_unsteady_the_model(
    task, folds, n_columns
):
    shares = coverage(task, 24, folds, n_columns, cohorts=40)

    assert shares.mean() >= max(0.88, guaranteed(24, folds))


def test_limits_are_those_of_the_definition():
    rng = np.random.default_rng(2)
    n, folds, level = 30, 5, 0.9
    errors, fold, told = rng.gamma(2, size=n), deal(n, folds, rng), rng.normal(size=folds)
    low, high = CvPlus(errors, fold, np.empty(0)).interval(told, 0.0, level)

    ends = np.sort(told[fold] + errors)
    assert high == ends[int(np.ceil(level * (n + 1))) - 1]
    starts = np.sort(told[fold] - errors)
    assert low == starts[int(np.floor((1 - level) * (n + 1))) - 1]


def test_a_class_alone_is_never_the_other_than_the_one_that_is_called():
    rng = np.random.default_rng(3)
    truth = (np.arange(40) < 15).astype(float)
    limits = CvPlus(rng.random(40), deal(40, 5, rng), truth)
    for _ in range(300):
        told, value = rng.random(5), rng.random()
        left = limits.classes(told, value)
        assert left
        assert ("poor" if value >= 0.5 else "good") in left


def test_a_class_of_few_is_in_every_set_and_is_named():
    truth = np.r_[np.ones(8), np.zeros(30)]
    limits = CvPlus(np.full(38, 0.01), np.arange(38) % 5, truth)

    assert limits.classes(np.zeros(5), 0.0) == ("poor", "good")
    assert limits.never_left_out() == {"poor": 8}
    assert least_people(0.9) == 9


def test_fewer_than_nine_people_give_no_interval():
    told, errors = np.zeros(2), np.ones(9)

    assert CvPlus(errors, np.arange(9) % 2, np.empty(0)).interval(told, 0.0) == (-1, 1)
    assert CvPlus(errors[:8], np.arange(8) % 2, np.empty(0)).interval(told, 0.0) is None


def test_greater_errors_make_wider_limits_within_the_range_of_the_score():
    limits = CvPlus(np.linspace(1, 5, 20), np.arange(20) % 4, np.empty(0), (0, 66))
    usual, wide = (limits.interval(np.full(4, 60.0), 60.0, stretch=s) for s in (1, 2))

    assert usual[0] > wide[0]
    assert wide[1] == 66


@pytest.mark.parametrize("truth", [np.empty(0), np.arange(20) % 2 * 1.0], ids=["score", "class"])
def test_a_bundle_keeps_all_that_limits_follow_from(truth):
    rng = np.random.default_rng(4)
    limits = CvPlus(rng.random(20), deal(20, 4, rng), truth, (0.0, 66.0))
    back = CvPlus.from_json(json.loads(json.dumps(limits.as_json())), (0.0, 66.0))
    told = rng.random(4)

    if truth.size:
        assert back.classes(told, 0.4) == limits.classes(told, 0.4)
    assert back.interval(told, 0.4) == limits.interval(told, 0.4)


def test_nested_coverage_is_that_of_new_people_where_leaving_one_out_only_says_what_was_asked():
    """24 people, 20 columns: a model of which people of training decide much."""
    rng = np.random.default_rng(5)
    real, nested, by_leaving_out = [], [], []
    for _ in range(40):
        x = rng.normal(size=(24 + N_NEW, 20))
        y = x[:, 0] + rng.normal(size=24 + N_NEW)
        fold, tested, limits, told = deal(24, 4, rng), [], [], []
        for k in range(4):
            inside, others = np.flatnonzero(fold == k), np.flatnonzero(fold != k)
            inner = deal(len(others), 4, rng)
            values, by_fold = cross_validated(x[others], y[others], inner, x[inside])
            limits.append(CvPlus.of(arranged(values, inner, y[others]), "regression"))
            outer = arranged(
                fit(x[others], y[others])(x[inside]), np.zeros(len(inside), int), y[inside]
            )
            tested.append(
                Predictions(outer.values, outer.folds, outer.truth, inside.astype(object))
            )
            told.append(by_fold)
        table = nested_coverage(tested, limits, told, "regression")
        nested.append(table["coverage"].iloc[0])
        assert table["n_people"].iloc[0] == 24
        values, by_fold = cross_validated(x[:24], y[:24], fold, x[24:])
        own = CvPlus.of(arranged(values, fold, y[:24]), "regression")
        final = fit(x[:24], y[:24])(x[24:])
        ends = [own.interval(by_fold[:, k], final[k]) for k in range(N_NEW)]
        real.append(
            np.mean([low <= t <= high for (low, high), t in zip(ends, y[24:], strict=True)])
        )
        alone = conformal_coverage(arranged(values, fold, y[:24]), "regression")
        by_leaving_out.append(alone["coverage"].iloc[0])

    assert np.abs(np.array(by_leaving_out) - 0.9).max() < 1 / 24  # whatever the model and people
    assert np.mean(nested) == pytest.approx(np.mean(real), abs=0.04)
    assert np.std(nested) > 0.03
