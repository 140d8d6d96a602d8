import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as judge

from motor_bids_app.evaluation.metrics import (
    classification_metrics,
    ordinal_metrics,
    regression_metrics,
)
from motor_bids_app.evaluation.predictions import Predictions


def make_predictions(values, folds, truth):
    values, folds = np.atleast_2d(values).astype(float), np.atleast_2d(folds)
    people = np.array([f"sub-{i}" for i in range(len(truth))], dtype=object)
    return Predictions(values, folds, np.asarray(truth, dtype=float), people)


@pytest.fixture
def cohort():
    """Probabilities of 60 people by one model, with ties, and their classes."""
    rng = np.random.default_rng(3)
    truth = (rng.uniform(size=60) < 0.4).astype(float)
    return np.round(np.clip(0.3 * truth + rng.uniform(0, 0.7, 60), 0, 1), 1), truth


def test_metrics_of_one_model_agree_with_scikit_learn(cohort):
    p, y = cohort
    ours = classification_metrics(make_predictions(p, np.ones(60, int), y))

    called = p >= 0.5
    expected = {
        "roc_auc": judge.roc_auc_score(y, p),
        "balanced_accuracy": judge.balanced_accuracy_score(y, called),
        "sensitivity": judge.recall_score(y, called),
        "specificity": judge.recall_score(1 - y, ~called),
        "precision": judge.precision_score(y, called),
        "f1": judge.f1_score(y, called),
        "accuracy": judge.accuracy_score(y, called),
        "brier": judge.brier_score_loss(y, p),
    }
    for name, value in expected.items():
        assert ours[name][0] == pytest.approx(value), name


def test_weights_count_people_as_often_as_copies_would(cohort):
    p, y = cohort
    counts = np.random.default_rng(0).integers(0, 3, 60)
    weighted = classification_metrics(
        make_predictions(p, np.ones(60, int), y), counts[None].astype(float)
    )

    rows = np.repeat(np.arange(60), counts)
    copies = classification_metrics(make_predictions(p[rows], np.ones(len(rows), int), y[rows]))
    for name, value in copies.items():
        assert weighted[name][0] == pytest.approx(value[0]), name


def test_a_model_that_knows_only_the_prevalence_is_at_chance():
    truth = np.array([1] * 7 + [0] * 11)
    folds = np.arange(18) % 5 + 1
    prevalence = np.array([truth[folds != f].mean() for f in folds])

    assert judge.roc_auc_score(truth, prevalence) < 0.5  # what pooling the folds would say
    auc = classification_metrics(make_predictions(prevalence, folds, truth))["roc_auc"]
    assert auc[0] == 0.5


def test_repeats_are_averaged_as_single_models_not_as_an_ensemble():
    truth = np.array([1, 0])
    opposite = make_predictions([[0.9, 0.1], [0.2, 0.6]], np.ones((2, 2), int), truth)

    values = classification_metrics(opposite)
    assert values["roc_auc"][0] == 0.5  # one model right, the other wrong; their mean is right
    assert values["accuracy"][0] == 0.5


def test_people_who_were_not_tested_do_not_count():
    truth = np.array([1, 0, 1, 0])
    predictions = make_predictions([[0.8, 0.2, np.nan, np.nan]], [[1, 1, 0, 0]], truth)

    values = classification_metrics(predictions)
    assert {values[name][0] for name in ("roc_auc", "accuracy", "sensitivity")} == {1.0}


def test_score_metrics_agree_with_scikit_learn():
    rng = np.random.default_rng(1)
    y = rng.normal(40, 15, 50)
    p = y + rng.normal(0, 10, 50)
    ours = regression_metrics(make_predictions(p, np.ones(50, int), y))

    assert ours["r2"][0] == pytest.approx(judge.r2_score(y, p))
    assert ours["mae"][0] == pytest.approx(judge.mean_absolute_error(y, p))
    assert ours["rmse"][0] == pytest.approx(judge.root_mean_squared_error(y, p))
    assert ours["r"][0] == pytest.approx(np.corrcoef(y, p)[0, 1])


def test_predicting_the_training_mean_has_no_correlation():
    y = np.arange(20, dtype=float)
    folds = np.arange(20) % 5 + 1
    means = np.array([y[folds != f].mean() for f in folds])

    assert np.corrcoef(means, y)[0, 1] < -0.1  # what pooling the folds would say
    assert regression_metrics(make_predictions(means, folds, y))["r"][0] == 0


def test_predictions_follow_the_order_of_the_truth_not_of_the_table():
    table = pd.DataFrame(
        [(1, 1, "b", 0.9), (1, 2, "a", 0.1), (2, 1, "a", 0.2)],
        columns=["repeat", "fold", "participant_id", "prediction"],
    )
    predictions = Predictions.of(table, pd.Series({"a": 0.0, "b": 1.0}))

    np.testing.assert_array_equal(predictions.values, [[0.1, 0.9], [0.2, np.nan]])
    np.testing.assert_array_equal(predictions.folds, [[2, 1], [1, 0]])


def _ordered(seed=0, n=60, repeats=3):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, n).astype(float)
    values = np.clip(truth + rng.normal(0, 1, (repeats, n)), 0, 3)
    folds = rng.integers(1, 4, (repeats, n))
    return Predictions(values, folds, truth, np.arange(n).astype(object))


def test_ordered_classes_are_judged_as_by_scikit_learn():
    one = _ordered()
    found = ordinal_metrics(one)
    called = np.floor(one.values + 0.5)
    kappas = [judge.cohen_kappa_score(one.truth, row, weights="quadratic") for row in called]
    assert found["quadratic_kappa"][0] == pytest.approx(np.mean(kappas))
    assert found["mae"][0] == pytest.approx(np.abs(called - one.truth).mean())
    assert found["accuracy"][0] == pytest.approx((called == one.truth).mean())


def test_guessing_one_class_has_no_kappa():
    one = _ordered()
    constant = Predictions(np.full_like(one.values, 2.2), one.folds, one.truth, one.people)
    assert ordinal_metrics(constant)["quadratic_kappa"][0] == pytest.approx(0)


def test_a_person_counted_twice_is_two_people_in_ordered_metrics():
    one = _ordered()
    weights = np.ones((1, 60))
    weights[0, 5] = 2
    twice = np.r_[np.arange(60), 5]
    doubled = Predictions(
        one.values[:, twice], one.folds[:, twice], one.truth[twice], one.people[twice]
    )
    for name, value in ordinal_metrics(doubled).items():
        assert ordinal_metrics(one, weights)[name][0] == pytest.approx(value[0])


def test_people_tested_alone_have_no_correlation():
    y = np.arange(12, dtype=float)
    alone = make_predictions(y, np.arange(12) + 1, y)

    assert np.isnan(regression_metrics(alone)["r"][0])
    assert regression_metrics(alone)["r2"][0] == 1
    pairs = make_predictions(y, np.arange(12) // 2 + 1, y)
    assert regression_metrics(pairs)["r"][0] == pytest.approx(1)


def test_who_is_counted_does_not_change_how_much_the_splits_share():
    one = _ordered()  # three test sets that hold everyone in turn

    assert one.test_to_train == pytest.approx(0.5)
    assert one.of_people(np.arange(60) < 20).test_to_train == one.test_to_train
