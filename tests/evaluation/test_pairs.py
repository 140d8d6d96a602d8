"""Correlations of scores, and of what is missed of them."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from motor_bids_app.evaluation.pairs import pair_correlations


def test_pairs_are_those_of_scipy_and_people_without_one_do_not_count():
    rng = np.random.default_rng(0)
    truth = pd.DataFrame(rng.normal(size=(30, 3)), columns=["a", "b", "c"])
    errors = pd.DataFrame(rng.normal(size=(30, 3)), columns=["a", "b", "c"])
    errors.loc[:4, "b"] = np.nan
    table = pair_correlations(truth, errors).set_index(["score", "other"])

    assert list(table.index) == [("a", "b"), ("a", "c"), ("b", "c")]
    found = stats.pearsonr(truth["a"][5:], truth["b"][5:])
    row = table.loc["a", "b"]
    assert row["n_people"] == 25
    assert row["r_scores"] == pytest.approx(found.statistic)
    assert row["r_scores_high"] == pytest.approx(found.confidence_interval().high)
    assert table.loc["a", "c"]["r_errors"] == pytest.approx(errors["a"].corr(errors["c"]))


def test_of_a_score_that_does_not_vary_nothing_is_told():
    same = pd.DataFrame({"a": np.arange(9.0), "b": 1.0})
    assert np.isnan(pair_correlations(same, same)["r_scores"].iloc[0])
