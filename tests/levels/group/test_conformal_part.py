"""What the coverage of limits says where people are too few for any."""

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.levels.group.parts.conformal import remarks
from motor_bids_app.reports.experiment.tables import coverage_table


def coverage(groups):
    return pd.DataFrame(
        {
            "group": groups,
            "level": 0.9,
            "coverage": 1.0,
            "low": 0.8,
            "high": 1.0,
            "size": 2.0,
            "single": 0.0,
            "n_people": 10,
            "measured": "nested",
        }
    )


def test_a_class_of_two_people_is_named_in_table_and_caption():
    table = coverage(["all", "poor", "good"])
    truth = pd.Series(np.r_[np.ones(2), np.zeros(18)])
    table["remark"] = remarks(table, truth, "classification")

    assert table["remark"].isna().tolist() == [True, False, True]
    assert "Poor: too few: of 2 people" in coverage_table(table, "classification").caption


@pytest.mark.parametrize(("n", "few"), [(8, True), (9, False)])
def test_scores_of_too_few_people_have_no_interval(n, few):
    table = coverage(["all", "lowest third"])
    found = remarks(table, pd.Series(np.arange(n)), "regression")

    assert (found[0] is not None) == few
