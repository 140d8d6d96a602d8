"""Random-effects summary of sites, against published numbers and simulation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.sites import MEAN, NEW, random_effects, sites_table
from motor_bids_app.evaluation.summary import metrics_table

# Log relative risks of 13 trials of BCG vaccine and their variances (Colditz et al. 1994), which
# metafor (Viechtbauer 2010) pools to -0.7141 with a variance between trials of 0.3088.
BCG = [
    -0.8893, -1.5854, -1.3481, -1.4416, -0.2175, -0.7861, -1.6209, 0.0120, -0.4694, -1.3713,
    -0.3394, 0.4459, -0.0173,
]  # fmt: skip
VARIANCES = [
    0.3256, 0.1946, 0.4154, 0.0200, 0.0512, 0.0069, 0.2230, 0.0040, 0.0564, 0.0730, 0.0124, 0.5325,
    0.0714,
]  # fmt: skip


def test_the_mean_is_that_of_a_published_analysis():
    pooled = random_effects(np.array(BCG), np.array(VARIANCES))

    assert pooled.value == pytest.approx(-0.7141, abs=2e-3)
    assert pooled.between == pytest.approx(0.3088, abs=2e-3)


@pytest.mark.parametrize("between", [0.0, 0.3])
def test_intervals_of_few_sites_hold_the_truth(between):
    rng = np.random.default_rng(0)
    held, naive = [], []
    for _ in range(400):
        variances = rng.uniform(0.05, 0.4, 4)
        values = 1 + rng.normal(0, np.sqrt(between + variances))
        pooled = random_effects(values, variances)
        held.append(pooled.low <= 1 <= pooled.high)
        error = 1 / np.sqrt((1 / variances).sum())
        fixed = (values / variances).sum() * error**2
        naive.append(abs(fixed - 1) <= stats.norm.isf(0.025) * error)
    assert 0.93 <= np.mean(held) <= 1
    assert between == 0 or np.mean(naive) < 0.75


def cohort(seed=0, n=20):
    """Four sites; at the third, everyone is poor."""
    rng = np.random.default_rng(seed)
    sites = np.repeat(["a", "b", "c", "d"], n)
    truth = np.where(sites == "c", 1, np.tile([0, 1], 2 * n)).astype(float)
    values = 1.2 * truth + rng.normal(size=4 * n)
    people = np.array([f"sub-{i:02d}" for i in range(4 * n)], dtype=object)
    _, folds = np.unique(sites, return_inverse=True)
    return Predictions(values[None], folds[None] + 1, truth, people), sites


def test_each_site_has_its_own_auc_and_one_of_one_class_has_none():
    predictions, sites = cohort()
    table = sites_table(predictions, sites, "classification").set_index("site")

    assert table.index.tolist() == ["a", "b", "d", MEAN, NEW]
    for name in "abd":
        own = sites == name
        expected = roc_auc_score(predictions.truth[own], predictions.values[0, own])
        assert table.loc[name, "value"] == pytest.approx(expected)
    assert table.loc[MEAN, "n_people"] == 60
    assert table.loc[NEW, "low"] <= table.loc[MEAN, "low"] <= table.loc[MEAN, "value"]


def test_an_auc_counts_only_people_whom_it_compares():
    predictions, _ = cohort()
    table = metrics_table({"m": predictions}, "classification", 0, {"patients": np.ones(80, bool)})

    n = table.set_index("metric")["n_people"]
    assert (n["roc_auc"], n["accuracy"]) == (60, 80)


def test_scores_are_pooled_by_their_correlation():
    predictions, sites = cohort()
    score = predictions.values[0] + np.random.default_rng(1).normal(size=80)
    found = Predictions(predictions.values, predictions.folds, score, predictions.people)
    table = sites_table(found, sites, "regression").set_index("site")

    own = sites == "b"
    assert table.loc["b", "value"] == pytest.approx(
        pd.Series(score[own]).corr(pd.Series(predictions.values[0, own]))
    )
    assert 0.4 < table.loc[MEAN, "value"] < 0.9
