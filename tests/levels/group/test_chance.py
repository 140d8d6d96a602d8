"""Permutation tests at the level of an experiment: on which test sets."""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.evaluation.splits import make_splits, splits_by_site
from motor_bids_app.experiments.schema import Experiment, Validation
from motor_bids_app.features.samples import Samples
from motor_bids_app.levels.group.chance import refitted_test
from motor_bids_app.models.tables.classical import TableClassifier

PEOPLE = [f"sub-{i:02d}" for i in range(24)]


class Told(TableClassifier):
    """Notes who it learned from."""

    learned: ClassVar[list] = []

    def fit(self, X, y):
        Told.learned.append(set(X.participants.tolist()))
        return super().fit(X, y)


def left_out(dealt, /, **validation):
    """People of each test set of a refitted permutation test."""
    truth = pd.Series(np.arange(24) // 3 % 2, index=PEOPLE, dtype=float)
    table = pd.DataFrame({"participant_id": PEOPLE, "a": np.arange(24.0)})
    cohort = SimpleNamespace(
        samples=Samples(table),
        labels=SimpleNamespace(truth=truth),
        outcome=SimpleNamespace(task="classification"),
        patients=np.arange(24) < 20,
        sites=pd.Series(None, index=PEOPLE, dtype=object),
    )
    experiment = Experiment(name="a", validation=Validation(refits=1, **validation))
    Told.learned.clear()
    refitted_test(cohort, experiment, Told(columns=("a",)), dealt, 0)
    return [sorted(set(PEOPLE) - people) for people in Told.learned]


def test_a_network_is_permuted_on_the_sites_where_sites_are_left_out():
    sites = pd.Series(np.resize(["a", "b", "b"], 24), index=PEOPLE)
    found = left_out(splits_by_site(sites), scheme="leave_one_site_out")

    assert found == [PEOPLE[::3], sorted({*PEOPLE} - {*PEOPLE[::3]})] * 2


@pytest.mark.parametrize(
    "settings",
    [{"splits": "mine.tsv", "folds": 5}, {"scheme": "repeated_holdout", "folds": 5}],
    ids=["file", "holdout"],
)
def test_elsewhere_on_blind_test_sets_of_the_size_of_those_of_the_evaluation(settings):
    holdout = make_splits(
        PEOPLE, np.arange(24) // 3 % 2, scheme="repeated_holdout", repeats=3, test_fraction=0.34
    )
    found = left_out(holdout, **settings)

    assert [len(test) for test in found] == [8] * 6
    assert found[:3] == found[3:]
    assert sorted(label for test in found[:3] for label in test) == PEOPLE
