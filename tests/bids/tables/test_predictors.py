"""Columns that a user names as predictors mean what they say, or are refused."""

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.bids.tables.column import Column
from motor_bids_app.bids.tables.predictors import (
    CATEGORIES,
    NUMBER,
    YES_NO,
    learn_predictor,
    read_predictor,
)
from motor_bids_app.errors import ScoreError


def column(cells, description=None):
    people = [f"sub-{n:02d}" for n in range(1, len(cells) + 1)]
    return Column.described("t.tsv", "x", pd.Series(cells, index=people), description or {})


def values(cells, description=None):
    """What a model is given of a column that it also learned from."""
    read = column(cells, description)
    found = learn_predictor(read)
    return found, read_predictor(read, found)[0]


def test_numbers_are_numbers_and_gaps_are_gaps():
    found, read = values(["1", "2.5", None, "not tested", "-3e1"])

    assert found.type == NUMBER
    np.testing.assert_array_equal(read["x"], [1, 2.5, np.nan, np.nan, -30])


@pytest.mark.parametrize("pair", ["yn", ("Yes", "no"), "+-", ("positive", "Negative"), ("1", "no")])
def test_yes_and_no_in_any_words_are_one_and_zero(pair):
    found, read = values([*pair, pair[0], None])

    assert found.type == YES_NO
    np.testing.assert_array_equal(read["x"], [1, 0, 1, np.nan])


def test_words_are_categories_in_any_spelling():
    found, read = values(["Left", "left ", "LEFT", "right", "right", "Right", "none"] * 2)

    assert found.type == CATEGORIES
    assert found.categories == ("left", "right")  # of the third there are too few
    np.testing.assert_array_equal(read["left"], [1, 1, 1, 0, 0, 0, 0] * 2)


def test_codes_with_declared_levels_are_categories_of_their_meaning():
    levels = {"Levels": {"1": "MCA", "2": "ACA", "9": "unknown"}}
    found, read = values(["1", "2", "9"] * 3, levels)

    assert found.categories == ("aca", "mca")
    np.testing.assert_array_equal(read["mca"], [1, 0, np.nan] * 3)


def test_levels_that_name_but_some_values_leave_a_scale_of_numbers():
    found, read = values(["0", "3", "10", "999"], {"Levels": {"0": "none", "999": "not tested"}})

    assert found.type == NUMBER
    np.testing.assert_array_equal(read["x"], [0, 3, 10, np.nan])


def test_codes_with_leading_zeros_are_no_numbers():
    found, _ = values(["01", "02", "10"] * 3)
    assert found.categories == ("01", "02", "10")


def test_declared_codes_are_missing():
    _, read = values(["-9", "4", "5"], {"MissingValues": [-9]})
    np.testing.assert_array_equal(read["x"], [np.nan, 4, 5])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1", "2", "3", "-999"], "x is -999 in 1 cell, and 1 to 3 in the others"),
        (["10", "20", "999", "999"], "x is 999 in 2 cells"),
        (["1", "2,5", "3"], "'2,5' as x, which is not a number .write a decimal point"),
        (["0,5", "1,5"] * 3, "'0,5' as x, which is not a number"),
        (["5%", "10 %"] * 3, "'5%' as x, which is not a number"),
        (["1", ">90", "3"], "and numbers in other cells"),
        ([f"remark {n}" for n in range(30)], "holds 30 different texts"),
        (["a", "b", "c"], "no category of x is that of 3 people"),
        (["n/a", "unknown"], "x has no value"),
        (["2020-01-02", "2020-01-02", "2021-03-04"], "x holds dates"),
    ],
)
def test_what_is_neither_is_refused(cells, message):
    with pytest.raises(ScoreError, match=message):
        learn_predictor(column(cells))


def test_a_number_far_from_others_is_no_code_by_itself():
    assert learn_predictor(column(["98", "99", "100", "97"])).type == NUMBER


def test_no_text_that_may_name_somebody_is_quoted():
    with pytest.raises(ScoreError) as caught:
        learn_predictor(column(["3", "4", "Schmidt"]))
    assert "Schmidt" not in str(caught.value)


def test_a_category_that_the_model_does_not_know_is_none_of_its_own():
    found = learn_predictor(column(["left", "right"] * 4))
    read, strange = read_predictor(column(["left", "both", None]), found)

    np.testing.assert_array_equal(read, [[1, 0], [0, 0], [np.nan, np.nan]])
    assert strange == ("sub-02",)


def test_other_units_than_those_learned_are_refused():
    found = learn_predictor(column(["1", "2"], {"Units": "mV"}))
    read_predictor(column(["1"]), found)
    with pytest.raises(ScoreError, match="is in uV, and the model learned from it in mV"):
        read_predictor(column(["1"], {"Units": "uV"}), found)


def test_categories_are_counted_by_person_and_not_by_session():
    rows = [f"sub-01 ses-{n}" for n in range(5)] + [f"sub-{n:02d}" for n in range(2, 8)]
    cells = pd.Series(["rare"] * 5 + ["a", "b"] * 3, index=rows)
    assert learn_predictor(Column("t.tsv", "x", cells)).categories == ("a", "b")
