"""Recalibration mends probabilities, learns from training people alone, and keeps the order."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin

from motor_bids_app.errors import DataError
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.catalog import COMPARED_ONLY, LADDER, build_model
from motor_bids_app.models.store import load_bundle, save_bundle
from motor_bids_app.models.tables.recalibration import RecalibratedClassifier

from ..conftest import seen_by


class Distorted(ClassifierMixin, BaseEstimator):
    """Knows the true log odds, but says them four times as extreme and 2 too high."""

    def __init__(self, sign=1.0, stretch=4.0):
        self.sign = sign
        self.stretch = stretch

    def fit(self, X, y):
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, X):
        poor = expit(self.sign * self.stretch * X.table["odds"].to_numpy() + 2)
        return np.column_stack([1 - poor, poor])


def cohort(n=1000, seed=0):
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 1.5, n)
    table = pd.DataFrame({"participant_id": [f"sub-{k}" for k in range(n)], "odds": odds})
    return Samples(table), (rng.random(n) < expit(odds)).astype(int)


def test_probabilities_that_are_too_extreme_are_brought_to_the_truth():
    samples, y = cohort()
    model = RecalibratedClassifier(Distorted()).fit(samples, y)
    people, _ = cohort(seed=1)

    assert model.slope_ == pytest.approx(1 / 4, abs=0.04)
    assert model.intercept_ == pytest.approx(-2 / 4, abs=0.15)
    told, truth = model.predict_proba(people)[:, 1], expit(people.table["odds"])
    assert np.abs(told - truth).mean() < 0.04  # as it is: 0.26


def test_controls_do_not_move_the_probabilities_of_patients():
    samples, y = cohort()
    controls = samples.table.assign(group="control", participant_id="sub-c")
    controls["participant_id"] += np.arange(len(controls)).astype(str)
    both = Samples(pd.concat([samples.table.assign(group="patient"), controls]))
    model = RecalibratedClassifier(Distorted()).fit(both, np.r_[y, np.zeros(len(y), dtype=int)])
    alone = RecalibratedClassifier(Distorted()).fit(samples, y)

    told = model.predict_proba(samples)[:, 1]
    np.testing.assert_allclose(told, alone.predict_proba(samples)[:, 1], atol=0.01)


def test_a_calibrated_model_is_hardly_changed(samples, outcome):
    y = outcome("classification")
    plain = build_model("prevalence", task="classification").fit(samples, y)
    model = RecalibratedClassifier(build_model("prevalence", task="classification"))
    told = model.fit(samples, y).predict_proba(samples)
    np.testing.assert_allclose(told, plain.predict_proba(samples), atol=1e-9)


@pytest.mark.parametrize("stretch", [1.0, 0.1])
def test_few_people_are_enough_to_mend_what_is_too_cautious(stretch):
    slopes = [
        RecalibratedClassifier(Distorted(stretch=stretch)).fit(*cohort(60, seed)).slope_ * stretch
        for seed in range(40)
    ]

    assert np.median(slopes) == pytest.approx(1, abs=0.15)


def test_the_order_of_people_is_kept():
    samples, y = cohort(200)
    told = RecalibratedClassifier(Distorted()).fit(samples, y).predict_proba(samples)[:, 1]
    np.testing.assert_array_equal(np.argsort(told), np.argsort(samples.table["odds"]))


def test_a_model_that_orders_people_the_wrong_way_round_is_not_turned_round():
    samples, y = cohort(200)
    told = RecalibratedClassifier(Distorted(sign=-1.0)).fit(samples, y).predict_proba(samples)[:, 1]
    np.testing.assert_allclose(told, y.mean())


LOG = []  # whom each fit and each prediction of a recorder saw, also of its clones


class Recorder(Distorted):
    def fit(self, X, y):
        LOG.append(("fit", frozenset(X.participants)))
        return super().fit(X, y)

    def predict_proba(self, X):
        LOG.append(("predict", frozenset(X.participants)))
        return super().predict_proba(X)


def test_the_line_is_learned_from_people_whom_the_inner_model_has_not_seen():
    samples, y = cohort(40)
    twice = Samples(pd.concat([samples.table, samples.table], ignore_index=True))
    LOG.clear()
    RecalibratedClassifier(Recorder()).fit(twice, np.tile(y, 2))

    judged = set()
    for (kind, fitted), (_, seen) in zip(LOG[:-1:2], LOG[1:-1:2], strict=True):
        assert kind == "fit"
        assert not fitted & seen
        judged |= seen
    assert judged == set(samples.participants)
    assert LOG[-1] == ("fit", frozenset(samples.participants))


def test_too_few_people_for_inner_folds_are_explained():
    samples, _ = cohort(6)
    with pytest.raises(DataError, match="two training people or more in each class"):
        RecalibratedClassifier(Distorted()).fit(samples, [1, 0, 0, 0, 0, 0])


@pytest.mark.parametrize("name", [name for name in LADDER if name not in COMPARED_ONLY])
def test_every_rung_can_be_recalibrated_and_shared(name, samples, make_samples, outcome, tmp_path):
    plain = build_model(name, task="classification")
    samples = seen_by(name, samples)
    model = RecalibratedClassifier(plain).fit(samples, outcome("classification"))
    save_bundle(tmp_path, model, {})
    loaded, _ = load_bundle(tmp_path)

    new_people = seen_by(name, make_samples(seed=9))
    told = model.predict_proba(new_people)
    np.testing.assert_allclose(loaded.predict_proba(new_people), told, atol=1e-5)
    np.testing.assert_allclose(told.sum(axis=1), 1)
