from copy import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.evaluation.comparisons import compare_models
from motor_bids_app.evaluation.crossvalidation import average_trainings, cross_validate
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.instances.fusion import FusionClassifier, FusionRegressor
from motor_bids_app.models.training.mixing import Curve

SMALL = {
    "hidden": (8, 8, 4),
    "step": 0.25,
    "size": 32,
    "epochs": 2,
    "stop_after": 0,
    "learning_rate": 0.01,
    "inner_folds": 2,
    "validation_share": 0.4,
}


class Quick:
    """A network's stand-in of the same interface, that learns in a moment: power, or brightness."""

    def __init__(self, name):
        self.name = name
        self.modality = self

    def describe(self, samples):
        instances = samples.instances[self.name]
        values = instances.read().astype(float)
        if self.name == "signals":
            features = np.log(values.var(axis=2))
        else:
            features = values[:, 2:7, 4:10].mean(axis=(1, 2))[:, None]
        return instances.mean(features, np.nan)

    def fit(self, samples, y):
        features = self.describe(samples)
        has = np.isfinite(features).all(axis=1)
        self.model = LogisticRegression().fit(features[has], y[has])
        return self

    def predict(self, samples):
        features = self.describe(samples)
        has = np.isfinite(features).all(axis=1)
        given = np.full(len(samples), np.nan)
        if has.any():
            given[has] = self.model.predict_proba(features[has])[:, 1]
        return given


class QuickFusion(FusionClassifier):
    """Late fusion of learners that take no time."""

    def network(self, modality, seed):
        return Quick(modality)


def poor(scores):
    return (scores < np.median(scores)).astype(int)


def compared(samples, y, repeats=5):
    """Fusion beside each modality alone, on the same splits."""
    people = samples.participants.tolist()
    truth = pd.Series(y.astype(float), index=people)
    splits = make_splits(people, y, folds=5, repeats=repeats)
    predictions = {}
    for name, modalities in {
        "signals": ("signals",),
        "slices": ("slices",),
        "both": ("signals", "slices"),
    }.items():
        table = cross_validate([QuickFusion(modalities=modalities)], samples, y, splits)
        predictions[name] = Predictions.of(average_trainings(table), truth)
    return predictions


def test_fusion_beats_either_half_of_the_signal_alone(make_instances):
    samples, scores = make_instances(n=120, signal=2.0)
    predictions = compared(samples, poor(scores))

    for alone in ("signals", "slices"):
        order = [alone, "both"]
        row = compare_models(
            {name: predictions[name] for name in order}, order, "classification", 0
        ).iloc[0]
        assert row["difference"] > 0.05
        assert row["p_value"] < 0.05


def test_halves_that_agree_make_the_fusion_surer_and_rightly_so(make_instances):
    samples, scores = make_instances(n=400, signal=2.0)
    y = poor(scores)
    learned, judged = np.arange(200), np.arange(200, 400)
    model = QuickFusion().fit(samples[learned], y[learned])
    as_mean = copy(model)
    as_mean.whole_ = None

    surer = log_loss(y[judged], model.predict_proba(samples[judged]))

    assert surer < 0.9 * log_loss(y[judged], as_mean.predict_proba(samples[judged]))


@pytest.mark.parametrize(("removed", "left"), [("signal", "slices"), ("picture", "signals")])
def test_the_weight_goes_to_what_is_left_when_one_half_is_removed(make_instances, removed, left):
    weights = []
    for seed in range(4):
        samples, scores = make_instances(n=120, seed=seed, **{removed: 0.0})
        weights.append(QuickFusion().fit(samples, poor(scores)).weights_[left])

    assert np.mean(weights) >= 0.8


def lacking(samples, rows, name):
    """The same samples; some scans have no instances of a kind."""
    keep = np.setdiff1d(np.arange(len(samples)), rows)
    instances = samples.instances[name]
    order = np.argsort([*keep, *rows])
    fewer = instances[keep]
    shorter = fewer.__class__(
        fewer.source, fewer.scans, fewer.numbers, fewer.rows, len(samples)
    )  # rows without instances come last
    return Samples(samples.table, None, {**samples.instances, name: shorter[order]})


def test_people_with_one_modality_are_predicted_by_it(make_instances):
    samples, scores = make_instances(n=60)
    model = QuickFusion().fit(samples, poor(scores))

    only_slices = lacking(samples, [0, 1], "signals")

    slices_alone = model.by_modality(samples)[:, 1]
    predicted = model.predict_proba(only_slices)[:, 1]
    np.testing.assert_allclose(predicted[:2], slices_alone[:2], atol=1e-6)
    np.testing.assert_allclose(predicted[2:], model.predict_proba(samples)[2:, 1])


def test_people_with_neither_are_given_the_share_of_poor_outcomes(make_instances):
    samples, scores = make_instances(n=60)
    y = (scores < np.quantile(scores, 0.3)).astype(int)
    model = QuickFusion().fit(samples, y)

    nobody = lacking(lacking(samples, [5], "signals"), [5], "slices")

    assert model.predict_proba(nobody)[5, 1] == pytest.approx(y.mean())


def test_weights_come_from_people_the_inner_networks_did_not_learn_from(make_instances):
    samples, scores = make_instances(n=30)
    seen = []

    class Watched(Quick):
        def fit(self, inner, y):
            self.learned = set(inner.participants)
            return super().fit(inner, y)

        def predict(self, inner):
            seen.append((self.learned, set(inner.participants)))
            return super().predict(inner)

    class WatchedFusion(FusionClassifier):
        def network(self, modality, seed):
            return Watched(modality)

    WatchedFusion().fit(samples, poor(scores))

    assert len(seen) == 6  # 3 inner folds of 2 networks
    assert all(not learned & judged for learned, judged in seen)
    assert set().union(*(judged for _, judged in seen)) == set(samples.participants)


@pytest.mark.parametrize("kind", [FusionClassifier, FusionRegressor])
def test_networks_of_both_modalities_are_trained_saved_and_read_again(make_instances, kind):
    samples, scores = make_instances(n=12)
    y = poor(scores) if kind is FusionClassifier else scores
    model = kind(**SMALL).fit(samples, y)
    other = clone(model)
    other.set_state(model.get_state())

    assert sum(model.weights_.values()) == pytest.approx(1)
    np.testing.assert_array_equal(other.by_modality(samples), model.by_modality(samples))
    assert other.weights_ == model.weights_


def test_a_modality_that_nobody_has_is_explained(make_instances):
    samples, scores = make_instances(n=12)
    signals = Samples(samples.table, None, {"signals": samples.instances["signals"]})

    with pytest.raises(DataError, match="the scans have no slices"):
        FusionClassifier(**SMALL).fit(signals, poor(scores))


def test_too_few_people_with_both_are_explained(make_instances):
    samples, scores = make_instances(n=12)

    with pytest.raises(DataError, match="1 training people have both signals and slices"):
        QuickFusion().fit(lacking(samples, list(range(11)), "slices"), poor(scores))


def test_an_unknown_modality_is_explained(make_instances):
    samples, scores = make_instances(n=12)

    with pytest.raises(UsageError, match="use signals and slices"):
        FusionClassifier(modalities=("sound",)).fit(samples, poor(scores))


@pytest.mark.parametrize("bounds", [(0.0, 34.0), (10.0, 12.0)])
def test_scores_never_leave_their_range(make_instances, bounds):
    samples, scores = make_instances(n=16)
    low, high = bounds
    ranked = np.argsort(np.argsort(scores)) / (len(scores) - 1)
    y = low + (high - low) * np.round(ranked)  # half of the people at either end
    model = FusionRegressor(**SMALL, bounds=bounds).fit(samples, y)

    # Lines to what a modality is worth may be steep: they are those of other networks.
    model.curves_ = {name: Curve(-50.0, 6.0, "regression") for name in model.curves_}
    predicted = model.predict(samples)

    assert predicted.min() >= low
    assert predicted.max() <= high


def test_a_score_outside_of_its_range_is_refused(make_instances):
    samples, scores = make_instances(n=12)

    with pytest.raises(DataError, match="12 scores are outside 0 to 34"):
        FusionRegressor(modalities=("slices",), **SMALL, bounds=(0.0, 34.0)).fit(
            samples, 50 + abs(scores)
        )
