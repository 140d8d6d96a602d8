"""Tests between people with poor and with good outcomes."""

import numpy as np
import pytest
from scipy import stats

from motor_bids_app.evaluation.groups import group_tests

POOR = np.arange(40) < 18
AGE = np.random.default_rng(0).normal(60, 10, 40)


def of(table, start):
    return table[table["measure"].str.startswith(start)].iloc[0]


def test_numbers_and_words_are_tested_as_scipy_tests_them():
    sex = np.where(np.random.default_rng(1).random(40) < 0.5, "female", "male").astype(object)
    table = group_tests({"Age": AGE}, {"Sex": sex}, POOR)

    welch = stats.ttest_ind(AGE[POOR], AGE[~POOR], equal_var=False)
    assert of(table, "Age")["p_value"] == pytest.approx(welch.pvalue)
    counts = [[(sex[g] == word).sum() for word in ("female", "male")] for g in (POOR, ~POOR)]
    assert of(table, "Sex (female / male)")["p_value"] == pytest.approx(
        stats.fisher_exact(counts).pvalue
    )
    assert of(table, "Sex")["poor"] == f"{counts[0][0]} / {counts[0][1]}"


def test_a_difference_is_found_and_missing_values_do_not_count():
    shifted = np.where(POOR, AGE + 30, AGE)
    shifted[:3] = np.nan
    row = of(group_tests({"Age": shifted}, {}, POOR), "Age")
    assert row["p_value"] < 1e-6
    assert (row["n_poor"], row["n_good"]) == (15, 22)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"Age": np.full(40, 50.0)}, {}),
        ({"Age": np.where(POOR, np.nan, AGE)}, {}),
        ({}, {"Side": np.full(40, "left", dtype=object)}),
        ({}, {"Side": np.where(POOR, "left", None)}),
    ],
    ids=["constant", "one class", "one word", "no word of a class"],
)
def test_what_cannot_be_compared_has_no_p(numbers, words):
    assert np.isnan(group_tests(numbers, words, POOR)["p_value"].iloc[0])


def test_values_that_differ_by_rounding_alone_have_no_p():
    nearly = np.full(40, 50.0) + 1e-13 * np.arange(40)
    assert np.isnan(group_tests({"Age": nearly}, {}, POOR)["p_value"].iloc[0])
