"""Metrics and p of single test sets."""

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.evaluation.by_fold import by_fold
from motor_bids_app.evaluation.crossvalidation import split_metrics
from motor_bids_app.evaluation.predictions import Predictions

rng = np.random.default_rng(3)
TRUTH = (np.arange(24) % 3 == 0).astype(float)
FOLDS = np.repeat([1, 2], 12)[None]


def rows_of(values):
    people = np.arange(24).astype(object)
    predictions = Predictions(values[None], FOLDS, TRUTH, people)
    return predictions, by_fold(predictions, split_metrics(predictions, "classification"))


def test_p_is_the_share_of_shuffled_labels_that_do_as_well():
    values = np.clip(0.3 * TRUTH + rng.uniform(0, 0.8, 24), 0, 1)
    _, table = rows_of(values)

    called, truth = values[:12] >= 0.5, TRUTH[:12] == 1
    right = (called == truth).mean()
    shuffled = np.array([(called == rng.permutation(truth)).mean() for _ in range(20_000)])
    assert table["accuracy"].iloc[0] == pytest.approx(right)
    assert table["p_value"].iloc[0] == pytest.approx((shuffled >= right - 1e-9).mean(), abs=0.015)


def test_a_faultless_fold_has_the_least_p_there_is_and_calling_everyone_alike_has_p_one():
    _, perfect = rows_of(TRUTH)
    _, alike = rows_of(np.ones(24))
    np.testing.assert_allclose(perfect["p_value"], perfect["least_p"])
    np.testing.assert_allclose(perfect["least_p"], 1 / 495)  # 12 choose 4
    np.testing.assert_allclose(alike["p_value"], 1)


def test_numbers_are_those_of_the_test_set_alone():
    _, table = rows_of(np.r_[TRUTH[:12], 1 - TRUTH[12:]])
    assert table["balanced_accuracy"].tolist() == [1, 0]
    assert table[["n_people", "n_poor"]].to_numpy().tolist() == [[12, 4], [12, 4]]
    assert isinstance(table, pd.DataFrame)
