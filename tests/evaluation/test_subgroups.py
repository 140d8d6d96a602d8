"""Subgroups are measured as if they were alone, or it is said why not."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import brier_score_loss, roc_auc_score

from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.subgroups import calibration_table, subgroup_table


def one_test_set(values, truth):
    """Predictions of one model, tested once on everyone."""
    n = len(values)
    return Predictions(
        np.asarray(values, dtype=float)[None],
        np.ones((1, n), dtype=np.int64),
        np.asarray(truth, dtype=float),
        np.array([f"sub-{k}" for k in range(n)], dtype=object),
    )


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    odds = rng.normal(0, 2, 80)
    return one_test_set(expit(odds), rng.random(80) < expit(odds))


def test_the_auc_of_a_subgroup_is_that_of_its_people_alone(predictions):
    young = np.arange(80) < 45
    (row,) = subgroup_table(predictions, {("age", "young"): young}, "classification", 0).to_dict(
        "records"
    )

    expected = roc_auc_score(predictions.truth[young], predictions.values[0, young])
    assert row["value"] == pytest.approx(expected)
    assert row["low"] < expected < row["high"]
    assert (row["n_people"], row["n_poor"]) == (45, predictions.truth[young].sum())


def test_a_smaller_group_has_a_wider_interval(predictions):
    groups = {("n", str(n)): np.arange(80) < n for n in (20, 80)}
    table = subgroup_table(predictions, groups, "classification", 0)
    small, large = table["high"] - table["low"]
    assert small > large


@pytest.mark.parametrize(
    ("members", "remark"),
    [
        (np.arange(80) < 9, "too few: fewer than 10 people"),
        (np.zeros(80, dtype=bool), "too few: fewer than 10 people"),
        ("good", "too few: fewer than 4 poor"),
        ("poor", "too few: fewer than 4 good"),
    ],
    ids=["9 people", "nobody", "one class", "the other class"],
)
def test_a_group_that_is_too_small_says_so(predictions, members, remark):
    if isinstance(members, str):
        members = predictions.truth == (members == "poor")
    table = subgroup_table(predictions, {("by", "group"): members}, "classification", 0)

    assert table["remark"].tolist() == [remark]
    assert table["value"].isna().all()


def test_people_of_different_test_sets_are_not_compared(predictions):
    poor = predictions.truth == 1
    apart = Predictions(
        predictions.values, np.where(poor, 1, 2)[None], predictions.truth, predictions.people
    )
    table = subgroup_table(apart, {("by", "all"): np.ones(80, dtype=bool)}, "classification", 0)
    assert table["remark"].tolist() == ["no test set holds both classes"]


def test_equal_scores_have_no_r2():
    members = {("by", "all"): np.ones(12, dtype=bool)}
    constant = subgroup_table(one_test_set(np.arange(12), [5] * 12), members, "regression", 0)
    assert constant["remark"].tolist() == ["all have the same score"]


def test_the_r2_of_a_subgroup_compares_with_its_own_mean():
    truth = np.r_[np.arange(15.0), 100 + np.arange(15.0)]
    predicted = np.r_[np.full(15, 7.0), np.full(15, 107.0)]  # right on average, in each half
    groups = {("half", "low"): np.arange(30) < 15, ("half", "both"): np.ones(30, dtype=bool)}
    table = subgroup_table(one_test_set(predicted, truth), groups, "regression", 0)
    np.testing.assert_allclose(table["value"], [0, 1 - 18.6667 / 2518.6667], atol=1e-4)


def test_calibration_before_and_after_is_that_of_each_state(predictions):
    extreme = one_test_set(
        expit(3 * np.log(predictions.values[0] / (1 - predictions.values[0]))), predictions.truth
    )
    table = calibration_table({"before": extreme, "after": predictions}, 0)
    wide = table.pivot_table(index="probabilities", columns="metric", values="value")

    assert wide.loc["before", "calibration_slope"] == pytest.approx(
        wide.loc["after", "calibration_slope"] / 3, rel=1e-3
    )
    for state, one in (("before", extreme), ("after", predictions)):
        expected = brier_score_loss(one.truth, one.values[0])
        assert wide.loc[state, "brier"] == pytest.approx(expected)


def test_no_number_is_missing_without_a_remark(predictions):
    groups = {("n", str(n)): np.arange(80) < n for n in (0, 5, 12, 80)}
    table = subgroup_table(predictions, groups, "classification", 0)
    assert isinstance(table, pd.DataFrame)
    assert (table[["value", "low", "high"]].isna().any(axis=1) == table["remark"].notna()).all()
