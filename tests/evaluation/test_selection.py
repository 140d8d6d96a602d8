"""The best of several evaluations: as good as it looks only if it is the only one."""

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.evaluation.metrics import classification_metrics
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.selection import corrected_best
from motor_bids_app.evaluation.splits import make_splits

N = 40
PEOPLE = [f"sub-{i:02d}" for i in range(N)]
TRUTH = pd.Series(np.arange(N) % 2, index=PEOPLE, dtype=float)


def evaluations(signals, seed):
    """Out-of-fold predictions that differ by a signal between the classes, each in its splits."""
    rng = np.random.default_rng(seed)
    found = []
    for number, signal in enumerate(signals):
        own = pd.Series(rng.normal(size=N) + signal * TRUTH.to_numpy(), index=PEOPLE)
        table = make_splits(PEOPLE, TRUTH.astype(int), folds=4, repeats=1, seed=number)
        table["prediction"] = own[table["participant_id"]].to_numpy()
        found.append(Predictions.of(table, TRUTH))
    return found


def test_the_best_of_ten_useless_models_is_corrected_to_chance():
    best = [
        corrected_best(evaluations([0] * 10, seed), "classification", seed) for seed in range(16)
    ]

    assert np.mean([one.value for one in best]) > 0.6
    assert np.mean([one.corrected for one in best]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([one.low <= 0.5 <= one.high for one in best]) > 0.9


def test_a_model_that_is_far_better_than_all_others_loses_little():
    best = [
        corrected_best(evaluations([0, 0, 2.5], seed), "classification", seed) for seed in range(10)
    ]

    assert all(one.best == 2 for one in best)
    assert np.mean([one.value - one.corrected for one in best]) == pytest.approx(0, abs=0.01)


def test_the_value_is_that_of_the_best_evaluation():
    some = evaluations([0.3, 0.6, 0.1], 3)
    values = [float(classification_metrics(one)["roc_auc"][0]) for one in some]

    assert corrected_best(some, "classification", 0).value == pytest.approx(max(values))


def test_one_evaluation_was_not_chosen():
    assert corrected_best(evaluations([1], 0), "classification", 0) is None


def test_only_people_whom_all_tested_are_counted():
    first, second = evaluations([1, 1], 0)
    few = second.of_people(np.arange(N) < 9)
    half = second.of_people(np.arange(N)[::-1] < 30)

    assert corrected_best([first, few], "classification", 0) is None
    assert corrected_best([first, half], "classification", 0) is not None
