import numpy as np
import pandas as pd
import pytest
from scipy import stats

from motor_bids_app.evaluation.crossvalidation import cross_validate
from motor_bids_app.evaluation.learning import learning_curve
from motor_bids_app.evaluation.metrics import classification_metrics
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.evaluation.summary import metrics_table
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.classical import TableClassifier

N, COLUMNS = 120, tuple("abcdefghijkl")
MODEL = TableClassifier(columns=COLUMNS)


def cohort(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(N, len(COLUMNS)))
    poor = (values[:, 0] + rng.normal(0, 0.5, N) > 0).astype(int)
    people = [f"sub-{i:03d}" for i in range(N)]
    table = pd.DataFrame(values, columns=list(COLUMNS)).assign(participant_id=people)
    splits = make_splits(people, poor, repeats=2, seed=seed)
    return Samples(table), poor, splits, pd.Series(poor.astype(float), index=people)


def test_the_last_point_is_the_cross_validation_itself():
    samples, y, splits, truth = cohort(0)
    curve = learning_curve(MODEL, samples, y, splits, truth, "classification", 0)

    table = cross_validate([MODEL], samples, y, splits).drop(columns="training")
    whole = classification_metrics(Predictions.of(table, truth))["roc_auc"][0]
    assert curve["value"].iloc[-1] == pytest.approx(whole)
    assert curve["n_training"].tolist() == [24, 48, 72, 96]


def test_the_last_interval_is_that_of_the_metrics():
    samples, y, splits, truth = cohort(0)
    curve = learning_curve(MODEL, samples, y, splits, truth, "classification", 0)

    table = cross_validate([MODEL], samples, y, splits).drop(columns="training")
    everyone = {"all": np.ones(N, dtype=bool)}
    metrics = metrics_table({"m": Predictions.of(table, truth)}, "classification", 0, everyone)
    row = metrics[metrics["metric"] == "roc_auc"].iloc[0]
    assert curve.iloc[-1][["low", "high"]].tolist() == pytest.approx([row["low"], row["high"]])


def test_people_who_are_not_counted_still_train():
    samples, y, splits, truth = cohort(0)
    counted = np.arange(N) % 3 > 0
    curve = learning_curve(MODEL, samples, y, splits, truth, "classification", 0, counted)

    table = cross_validate([MODEL], samples, y, splits).drop(columns="training")
    some = Predictions.of(table, truth).of_people(counted)
    assert curve["value"].iloc[-1] == pytest.approx(classification_metrics(some)["roc_auc"][0])
    assert curve["n_training"].iloc[-1] == 96


def test_repeats_may_have_any_numbers():
    samples, y, splits, truth = cohort(0)
    late = splits.assign(repeat=splits["repeat"] + 4)
    curves = [
        learning_curve(MODEL, samples, y, table, truth, "classification", 0)
        for table in (splits, late)
    ]

    pd.testing.assert_frame_equal(*curves)


def test_a_model_of_many_columns_gains_from_people():
    curves = [learning_curve(MODEL, *cohort(seed), "classification", 0) for seed in range(4)]
    means = np.mean([curve["value"] for curve in curves], axis=0)

    assert stats.spearmanr(means, np.arange(4)).statistic == 1


def test_too_few_people_to_learn_from_are_left_out():
    samples, y, _, truth = cohort(1)
    few = np.arange(30)
    splits = make_splits(list(truth.index[few]), y[few], repeats=1)
    curve = learning_curve(
        MODEL, samples[few], y[few], splits, truth.iloc[few], "classification", 0
    )

    assert curve["n_training"].tolist() == [12, 18, 24]
