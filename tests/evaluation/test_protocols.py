import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from motor_bids_app.evaluation.crossvalidation import average_trainings, cross_validate
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.protocols import Fits, Plan, out_of_fold
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.features.samples import Samples

PEOPLE = [f"sub-{i:02d}" for i in range(12)]
TRUTH = pd.Series([1.0] * 5 + [0.0] * 7, index=PEOPLE)


class Known(BaseEstimator):
    """Says 1 for people it was trained on, else `guess`; counts its fits."""

    fits = 0

    def __init__(self, guess: float = 0.3) -> None:
        self.guess = guess

    def fit(self, X, y):
        Known.fits += 1
        self.seen_ = set(X.participants)
        return self

    def predict(self, X):
        return np.where(np.isin(X.participants, sorted(self.seen_)), 1.0, self.guess)


class Fixed(BaseEstimator):
    """Predicts a column."""

    def __init__(self, column: str = "a") -> None:
        self.column = column

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X.table[self.column].to_numpy(float)


def plan(variants, **changes):
    truth = TRUTH.to_numpy()
    a = truth.copy()
    a[[0, 11]] = 1 - a[[0, 11]]
    group = ["patient"] * 9 + ["control"] * 3
    table = pd.DataFrame({"participant_id": PEOPLE, "group": group, "a": a, "b": 1 - a})
    splits = make_splits(PEOPLE, truth.astype(int), folds=4, repeats=2)
    return Plan(
        samples=Samples(table),
        y=truth.astype(int),
        truth=TRUTH,
        splits=splits,
        variants=variants,
        deal=lambda *_: splits,
        task="classification",
        **changes,
    )


def test_a_right_plan_is_cross_validation_judged_on_patients():
    ours = plan((((Fixed("a"), Fixed("b"), Fixed("a")),),))
    found = out_of_fold(ours, Fits(), "accuracy")

    models = [Fixed("a"), Fixed("b"), Fixed("a")]
    table = average_trainings(cross_validate(models, ours.samples, ours.y, ours.splits))
    expected = Predictions.of(table, TRUTH).of_people(np.arange(12) < 9)
    np.testing.assert_array_equal(found.values, expected.values)
    assert list(found.people) == PEOPLE[:9]


def test_controls_count_only_when_told():
    assert len(out_of_fold(plan((((Fixed(),),),), controls_count=True), Fits(), "f1").truth) == 12


def test_without_refitting_one_model_has_seen_most_people_that_it_predicts():
    one = out_of_fold(plan((((Known(),),),), refit=False, controls_count=True), Fits(), "accuracy")

    first = one.folds[0] == 1
    assert (one.values[0, first] == 0.3).all()
    assert (one.values[:, ~first] == 1).all()


def test_of_candidates_the_best_counts_in_each_test_set():
    ours = plan((((Fixed("a"),), (Fixed("b"),)),), controls_count=True)
    found = out_of_fold(ours, Fits(), "accuracy")

    for values, folds in zip(found.values, found.folds, strict=True):
        for fold in np.unique(folds):
            truth = TRUTH.to_numpy()[folds == fold]
            share = (values[folds == fold] == truth).mean()
            alone = (ours.samples.table["a"].to_numpy()[folds == fold] == truth).mean()
            assert share == pytest.approx(max(alone, 1 - alone))


@pytest.mark.parametrize(("metric", "best"), [("accuracy", "a"), ("brier", "a")])
def test_of_variants_the_one_that_is_best_overall_counts(metric, best):
    found = out_of_fold(
        plan((((Fixed("b"),),), ((Fixed("a"),),)), controls_count=True), Fits(), metric
    )

    expected = plan(()).samples.table[best].to_numpy()
    np.testing.assert_array_equal(found.values, [expected, expected])


def test_predictions_that_are_there_are_not_made_again():
    ours, fits = plan((((Known(),),),)), Fits()
    fits.keep(ours, [Known()], cross_validate([Known()], ours.samples, ours.y, ours.splits))
    before = Known.fits

    out_of_fold(ours, fits, "accuracy")
    assert Known.fits == before
    out_of_fold(plan((((Known(0.4),),),)), fits, "accuracy")
    assert Known.fits == before + 8
