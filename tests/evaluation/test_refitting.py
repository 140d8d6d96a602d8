import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from motor_bids_app.evaluation.refitting import refitting_test
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.classical import TableClassifier


def test_more_folds_than_people_leave_two_to_be_compared_in_each_test_set():
    rng = np.random.default_rng(0)
    people = [f"sub-{i:02d}" for i in range(20)]
    poor = np.arange(20) % 2
    samples = Samples(pd.DataFrame({"participant_id": people, "a": poor + rng.normal(0, 0.1, 20)}))
    test = refitting_test(
        TableClassifier(columns=("a",)),
        samples,
        pd.Series(poor, index=people, dtype=float),
        task="classification",
        controls=np.zeros(20, dtype=bool),
        n_permutations=9,
        folds=60,
        seed=0,
    )

    assert test.value == 1
    assert np.isfinite(test.null).all()


class Diary(BaseEstimator):
    """Notes who it learned from with which label, and gives everyone the column a."""

    def __init__(self, pages=None):
        self.pages = pages

    def __sklearn_clone__(self):
        return self

    def fit(self, X, y):
        self.pages.append(dict(zip(X.participants.tolist(), y.tolist(), strict=True)))
        return self

    def predict_proba(self, X):
        poor = X.table["a"].to_numpy()
        return np.column_stack([1 - poor, poor])


def diary(test_sets=None, n_permutations=3):
    """Twelve patients, half of them poor, and four controls; what was learned from whom."""
    people = [f"sub-{i:02d}" for i in range(16)]
    poor = np.r_[np.arange(12) % 2, np.zeros(4)]
    samples = Samples(pd.DataFrame({"participant_id": people, "a": np.linspace(0, 1, 16)}))
    pages = []
    test = refitting_test(
        Diary(pages),
        samples,
        pd.Series(poor, index=people),
        task="classification",
        controls=np.arange(16) >= 12,
        n_permutations=n_permutations,
        folds=4,
        seed=0,
        test_sets=test_sets,
    )
    return test, pages


def test_controls_train_with_their_own_labels_and_are_not_judged():
    _, pages = diary()

    learned = [page.get(f"sub-{i}") for page in pages for i in range(12, 16)]
    assert set(learned) == {None, 0}  # None: in the test set
    dealt = [tuple(page.get(f"sub-{i:02d}") for i in range(12)) for page in pages]
    assert len(set(dealt)) > 4  # patients' labels change
    halves = [np.arange(0, 12), np.arange(12, 16)]
    ranks = np.arange(12)
    poor = ranks % 2 == 1
    by_hand = (ranks[poor][:, None] > ranks[~poor]).mean()
    assert diary(halves)[0].value == by_hand


def test_test_sets_that_are_given_are_those_left_out():
    sets = [np.array([0, 1, 2, 15]), np.arange(3, 15)]
    _, pages = diary(sets, n_permutations=1)

    left_out = [{i for i in range(16) if f"sub-{i:02d}" not in page} for page in pages]
    assert left_out == [set(part.tolist()) for part in sets] * 2
