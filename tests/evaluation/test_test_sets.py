import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.evaluation.splits import splits_by_site
from motor_bids_app.evaluation.test_sets import check_test_sets


def by_site(**sites) -> pd.Series:
    """People a1, a2, ... of each site."""
    return pd.Series(
        {f"{name}{i}": name for name, n in sites.items() for i in range(1, n + 1)}, dtype=object
    )


def test_a_site_of_one_class_is_named_as_not_counting_in_the_auc():
    sites = by_site(a=4, b=4, c=2)
    truth = pd.Series([0, 1, 0, 1, 1, 0, 1, 0, 1, 1.0], index=sites.index)

    (note,) = check_test_sets(splits_by_site(sites), truth, "classification", ["A", "B", "C", "D"])
    assert "1 of 3 test sets hold people of one class only (C)" in note


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ([1, 0, 1, 1, 1, 1], "Without the people of A, all 4 others are of one class"),
        ([1, 1, 0, 0, 1, 1, 0, 0], "0 of 4 test sets hold both classes"),
        ([1, 0, 0, 0, 0, 0], "Without the people of A"),
    ],
    ids=["nothing to learn from", "no test set has an auc", "all poor in one site"],
)
def test_sites_without_an_auc_are_refused(truth, message):
    sites = by_site(**dict.fromkeys("abcd"[: len(truth) // 2], 2))
    labels = pd.Series(truth, index=sites.index, dtype=float)
    with pytest.raises(DataError, match=message):
        check_test_sets(splits_by_site(sites), labels, "classification", ["A", "B", "C", "D"])


def test_splits_that_test_too_few_scores_are_refused():
    splits = pd.DataFrame({"repeat": 1, "fold": [1, 2], "participant_id": ["a", "b"]})
    with pytest.raises(DataError, match="test 2 people with 2 different scores"):
        check_test_sets(splits, pd.Series({"a": 1.0, "b": 2, "c": 3}), "regression")


def test_people_who_only_train_make_no_test_set_count():
    """Sites A and B have poor patients alone; their good people are controls."""
    sites = by_site(a=4, b=4, c=4)
    truth = pd.Series([1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0.0], index=sites.index)
    counted = np.array([1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1], dtype=bool)
    splits = splits_by_site(sites)

    assert check_test_sets(splits, truth, "classification") == ()
    (note,) = check_test_sets(splits, truth, "classification", ["A", "B", "C"], counted)
    assert "2 of 3 test sets hold patients of one class only (A, B)" in note
    counted[-2:] = False
    with pytest.raises(DataError, match="test 6 poor and 0 good patients"):
        check_test_sets(splits, truth, "classification", ["A", "B", "C"], counted)
