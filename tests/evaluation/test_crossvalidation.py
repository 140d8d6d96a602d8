import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from motor_bids_app.errors import DataError
from motor_bids_app.evaluation.crossvalidation import (
    average_trainings,
    cross_validate,
    predict_people,
)
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.features.samples import Samples

PEOPLE = [f"sub-{i:02d}" for i in range(12)]


class Memory(BaseEstimator):
    """Says 1 for the people it was trained on, else 0 plus the value in the column."""

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X, y):
        self.seen_ = set(X.participants)
        return self

    def predict(self, X):
        known = np.isin(X.participants, sorted(self.seen_))
        return known * 100 + X.table["x"].to_numpy() + self.random_state


@pytest.fixture
def samples():
    """Two scans of each person, with values 1 and 3."""
    return Samples(pd.DataFrame({"participant_id": PEOPLE * 2, "x": [1.0] * 12 + [3.0] * 12}))


@pytest.fixture
def splits():
    return make_splits(PEOPLE, ["poor"] * 5 + ["good"] * 7, folds=4, repeats=2)


def test_no_person_is_predicted_by_a_model_that_saw_any_of_their_scans(samples, splits):
    table = cross_validate([Memory()], samples, np.zeros(24), splits)

    assert table["prediction"].max() < 100


def test_prediction_of_a_person_is_the_mean_over_scans(samples, splits):
    table = cross_validate([Memory()], samples, np.zeros(24), splits)

    assert (table["prediction"] == 2).all()
    assert len(table) == len(splits)


def test_trainings_are_kept_apart_and_averaged(samples, splits):
    table = cross_validate([Memory(0), Memory(4)], samples, np.zeros(24), splits)

    assert table.groupby("training")["prediction"].mean().tolist() == [2, 6]
    assert (average_trainings(table)["prediction"] == 4).all()


def test_progress_counts_every_fit(samples, splits):
    told = []
    cross_validate([Memory(), Memory()], samples, np.zeros(24), splits, lambda *n: told.append(n))

    assert told == [(i, 16) for i in range(1, 17)]


def test_models_that_were_passed_in_stay_unfitted(samples, splits):
    model = Memory()
    cross_validate([model], samples, np.zeros(24), splits)

    assert not hasattr(model, "seen_")


@pytest.mark.parametrize(
    ("people", "message"),
    [(["sub-99"], "sub-99, who has no scan"), (PEOPLE, "nobody to train on")],
)
def test_impossible_splits_are_explained(samples, people, message):
    splits = pd.DataFrame({"repeat": 1, "fold": 1, "participant_id": people})
    with pytest.raises(DataError, match=message):
        cross_validate([Memory()], samples, np.zeros(24), splits)


def test_a_prediction_that_is_not_finite_is_an_error(samples):
    samples.table.loc[3, "x"] = np.nan
    with pytest.raises(DataError, match="sub-03"):
        predict_people(Memory().fit(samples, None), samples)
