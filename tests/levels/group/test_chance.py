"""Permutation tests at the level of an experiment: on which test sets."""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.evaluation.permutation import PermutationTest
from motor_bids_app.evaluation.splits import make_splits, splits_by_site
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.experiments.sections import Validation
from motor_bids_app.features.samples import Samples
from motor_bids_app.levels.group.chance import refitted_test, with_p_values
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


def nulls(**spreads):
    """Permutation tests whose null has the spread given, by model."""
    z = np.linspace(-1, 1, 99) / np.linspace(-1, 1, 99).std()
    return {name: PermutationTest(0.7, 0.5 + sd * z) for name, sd in spreads.items()}


def bands(tests, *models, floor=0.1):
    rows = [(model, "patients", "roc_auc", 0.7, floor) for model in models]
    names = ["model", "population", "metric", "value", "noise_floor"]
    table = with_p_values(pd.DataFrame(rows, columns=names), tests, "classification")
    return table.set_index("model")


def test_a_network_inherits_the_permutations_of_the_kernel_and_not_the_widest():
    table = bands(nulls(tract_load=0.15, kernel=0.1), "tract_load", "kernel", "karakis2023")

    assert table["noise_floor"].round(2).tolist() == [0.29, 0.20, 0.20]
    assert table["p_value"].notna().tolist() == [True, True, False]


def test_the_base_rate_has_a_band_of_its_own():
    assert bands(nulls(kernel=0.2), "prevalence")["noise_floor"].tolist() == [0.1]


def test_no_band_leaves_the_range_of_the_metric():
    assert bands(nulls(kernel=0.4), "kernel")["noise_floor"].tolist() == [0.5]


def test_a_few_refits_tell_a_value_but_no_band():
    few = {"karakis2023": PermutationTest(0.7, np.array([0.5, 0.52]))}
    table = bands(nulls(kernel=0.1) | few, "karakis2023")

    assert table["noise_floor"].round(2).tolist() == [0.20]
    assert table["p_value"].notna().all()
