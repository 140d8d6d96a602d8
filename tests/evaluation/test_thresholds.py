"""Thresholds of models that were taught other shares of poor outcomes."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.metrics import balanced_accuracy_score

from motor_bids_app.evaluation.metrics import classification_metrics
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.evaluation.thresholds import best_threshold, with_thresholds

N = 60
PEOPLE = [f"sub-{i:02d}" for i in range(N)]
TRUTH = pd.Series(np.arange(N) % 4 == 0, index=PEOPLE).astype(float)


def own(predictions):
    return float(classification_metrics(with_thresholds(predictions))["balanced_accuracy_own"][0])


def drawn(signal, seed, shift=0.0):
    """Out-of-fold probabilities of a calibrated model, and the same on another share of poor."""
    rng = np.random.default_rng(seed)
    table = make_splits(PEOPLE, TRUTH.astype(int), folds=5, repeats=3, seed=seed)
    latent = pd.Series(rng.normal(size=N) + signal * TRUTH.to_numpy(), index=PEOPLE)
    odds = latent[table["participant_id"]].to_numpy() - signal / 2 + logit(0.25) + shift
    return Predictions.of(table.assign(prediction=expit(odds)), TRUTH)


def test_a_model_that_learned_from_balanced_classes_is_judged_like_one_that_did_not():
    plain, balanced = drawn(1.5, 0), drawn(1.5, 0, shift=-logit(0.25))
    at_half = [
        float(classification_metrics(one)["balanced_accuracy"][0]) for one in (plain, balanced)
    ]

    assert abs(at_half[0] - at_half[1]) > 0.1
    assert own(plain) == pytest.approx(own(balanced))


def ridge(values, truth, seed):
    """Cross-validate a ridge on columns that say nothing."""
    table = make_splits(PEOPLE, truth.astype(int), folds=5, repeats=2, seed=seed)
    y, parts = truth.to_numpy(), []
    for _, part in table.groupby(["repeat", "fold"]):
        test = np.isin(PEOPLE, part["participant_id"])
        mean = y[~test].mean()
        gram = values[~test] @ values[~test].T + 5 * np.eye((~test).sum())
        scores = values[test] @ values[~test].T @ np.linalg.solve(gram, y[~test] - mean) + mean
        parts.append(
            part.assign(
                prediction=pd.Series(scores, np.array(PEOPLE)[test])[
                    part["participant_id"]
                ].to_numpy()
            )
        )
    return Predictions.of(pd.concat(parts), truth)


def test_a_model_without_signal_does_not_profit():
    rng = np.random.default_rng(0)
    found = [own(ridge(rng.normal(size=(N, 10)), TRUTH, seed)) for seed in range(100)]

    error = np.std(found) / 10
    assert np.mean(found) == pytest.approx(0.5, abs=max(0.012, 2.5 * error))


def test_the_best_threshold_is_best_by_the_measure_of_scikit_learn():
    rng = np.random.default_rng(1)
    for _ in range(20):
        truth = (rng.random(30) < 0.4).astype(float)
        values = np.round(rng.random(30) + 0.4 * truth, 1)
        threshold = best_threshold(values, truth)
        scores = [balanced_accuracy_score(truth, values >= t) for t in np.arange(-0.05, 1.6, 0.05)]
        assert balanced_accuracy_score(truth, values >= threshold) == pytest.approx(max(scores))


def test_nobody_inside_a_test_set_changes_its_threshold():
    one = drawn(1.0, 3)
    inside = one.folds[0] == one.folds[0, 0]
    changed = one.values.copy()
    changed[:, inside] = 1 - changed[:, inside]
    other = Predictions(changed, one.folds, one.truth, one.people)

    first, second = with_thresholds(one).thresholds, with_thresholds(other).thresholds
    assert (first[0, inside] == second[0, inside]).all()
