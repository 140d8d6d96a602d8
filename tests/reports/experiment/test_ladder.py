import numpy as np
import pandas as pd
import pytest

from motor_bids_app.evaluation.flawed import FLAWS
from motor_bids_app.evaluation.ladder import COLUMNS, PUBLISHED, RIGHT, TOGETHER
from motor_bids_app.reports.experiment.ladder import PROTOCOLS, ladder_chart, ladder_table

NAN = np.nan


@pytest.fixture
def ladder():
    rows = [
        ("right", "right", "roc_auc", 0.6, 0.5, 0.7, 0.0, 40, None),
        ("scan-folds", "optimistic", "roc_auc", 0.8, 0.7, 0.9, 0.2, 80, None),
        ("window-folds", "not applicable", None, NAN, NAN, NAN, NAN, NAN, "There are no windows."),
        ("published", "published", "roc_auc", 0.917, NAN, NAN, 0.317, NAN, None),
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"n_counted": "Int64"})


def test_every_protocol_has_words():
    assert set(PROTOCOLS) == {RIGHT, TOGETHER, PUBLISHED, *FLAWS}


def test_every_line_of_the_table_but_the_first_is_labelled(ladder):
    table = ladder_table(ladder, "Kernel")

    assert [row[-1] for row in table.rows] == [
        "right",
        "optimistic",
        "cannot be made here: there are no windows",
        "published",
    ]
    assert table.rows[1][1:3] == ("0.80 (0.70 to 0.90), +0.20", "80")


def test_the_figure_names_right_optimistic_and_published(ladder):
    figure = ladder_chart(ladder, "Kernel")

    for words in (b">right<", b">optimistic<", b">published 0.917<"):
        assert words in figure.data
    assert b"Windows of a scan" not in figure.data
    assert "AUC 0.80" in figure.alt


def test_without_the_right_protocol_nothing_is_drawn(ladder):
    assert ladder_chart(ladder[ladder["state"] != "right"], "Kernel") is None
