"""Baselines on the table."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from motor_bids_app.errors import DataError
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.classical import (
    ConstantClassifier,
    ConstantRegressor,
    TableClassifier,
    TableRegressor,
)

REGIONAL = {"pattern": "(fa|gm)_.+", "select": True}


@pytest.mark.parametrize("model", [ConstantClassifier(), ConstantRegressor()])
def test_the_constant_is_that_of_patients_each_counted_once(model):
    table = pd.DataFrame(
        {
            "participant_id": ["sub-1", "sub-1", "sub-1", "sub-2", "sub-3", "sub-4"],
            "group": ["patient"] * 4 + ["control"] * 2,
        }
    )
    samples = Samples(table)
    model.fit(samples, np.array([1, 1, 1, 0, 0, 0]))

    told = model.predict_proba(samples)[:, 1] if hasattr(model, "rate_") else model.predict(samples)
    np.testing.assert_allclose(told, 1 / 2)


def test_scaling_a_column_changes_no_prediction(samples, outcome):
    scaled = Samples(samples.table.assign(age=1000 * samples.table["age"] + 5))
    y = outcome("classification")
    model = TableClassifier(("age", "tract_load")).fit(samples, y)
    other = TableClassifier(("age", "tract_load")).fit(scaled, y)
    np.testing.assert_allclose(other.predict_proba(scaled), model.predict_proba(samples), atol=1e-4)


def test_test_scans_change_no_prediction_of_others(samples, outcome):
    model = TableClassifier(("age", "time_since_stroke")).fit(samples, outcome("classification"))
    together = model.predict_proba(samples)
    alone = np.concatenate([model.predict_proba(samples[[k]]) for k in range(len(samples))])
    np.testing.assert_allclose(together, alone)


def test_elastic_net_finds_the_column_that_matters():
    random = np.random.default_rng(0)
    values = random.normal(size=(100, 40))
    table = pd.DataFrame(values, columns=[f"fa_r{k}_left" for k in range(40)])
    table["participant_id"] = [f"sub-{k}" for k in range(100)]
    y = 10 * values[:, 7] + random.normal(size=100)

    model = TableRegressor(**REGIONAL).fit(Samples(table), y)

    assert np.argmax(np.abs(model.pipeline_[-1].coef_[:40])) == 7


def test_elastic_net_does_not_memorise_noise():
    random = np.random.default_rng(1)
    table = pd.DataFrame(random.normal(size=(80, 60))).add_prefix("fa_")
    table["participant_id"] = [f"sub-{k}" for k in range(80)]
    y = np.arange(80) % 2

    model = TableClassifier(**REGIONAL).fit(Samples(table[:40]), y[:40])

    poor = model.predict_proba(Samples(table[40:]))[:, 1]
    assert log_loss(y[40:], poor) < 0.9  # a coin gives 0.69, a memory above 2


def test_probabilities_order_the_poor_above_the_good(samples, outcome):
    y = outcome("classification")
    model = TableClassifier(("tract_load",)).fit(samples, y)
    assert roc_auc_score(y, model.predict_proba(samples)[:, 1]) > 0.9


def test_an_empty_column_says_nothing(samples, outcome):
    y = outcome("classification")
    empty = Samples(samples.table.assign(age=np.nan))
    model = TableClassifier(("age", "tract_load")).fit(empty, y)

    np.testing.assert_allclose(model.predict_proba(samples), model.predict_proba(empty), atol=1e-12)


def test_missing_values_are_filled_from_the_training_fold_only(samples, outcome):
    model = TableRegressor(("age",)).fit(samples, outcome("regression"))
    unknown = Samples(samples.table.assign(age=np.nan))
    median = Samples(samples.table.assign(age=samples.table["age"].median()))
    np.testing.assert_allclose(model.predict(unknown), model.predict(median))


def test_without_regional_features_it_is_explained(samples, outcome):
    bare = Samples(samples.table[["participant_id", "age"]])
    with pytest.raises(DataError, match="regional features"):
        TableClassifier(**REGIONAL).fit(bare, outcome("classification"))


def test_two_scans_of_a_person_do_not_judge_each_other():
    """With every person twice and noise for features, memory of people must not pay."""
    random = np.random.default_rng(0)
    values = np.repeat(random.normal(size=(30, 50)), 2, axis=0)
    table = pd.DataFrame(values).add_prefix("fa_")
    table["participant_id"] = np.repeat([f"sub-{k}" for k in range(30)], 2)
    y = np.repeat(random.permutation(30) % 2, 2)

    by_person = TableClassifier(**REGIONAL).fit(Samples(table), y)
    table["participant_id"] = [f"sub-{k}" for k in range(60)]
    by_scan = TableClassifier(**REGIONAL).fit(Samples(table), y)

    assert by_person.pipeline_[-1].C < by_scan.pipeline_[-1].C  # a stronger penalty


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_an_elastic_net_stays_one_when_its_penalty_is_given(task):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 8))
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    score = 10 * values[:, 0] + rng.normal(size=60)
    table = pd.DataFrame(values, columns=list("abcdefgh"))
    samples = Samples(table.assign(participant_id=[f"sub-{i:02d}" for i in range(60)]))
    settings = {"columns": tuple("abcdefgh"), "select": True, "penalty": 2.0}
    if task == "classification":
        poor = (score > 0).astype(int)
        ours = TableClassifier(**settings).fit(samples, poor).predict_proba(samples)[:, 1]
        judge = LogisticRegression(C=0.5, l1_ratio=0.5, solver="saga", max_iter=10_000)
        assert ours == pytest.approx(judge.fit(values, poor).predict_proba(values)[:, 1], abs=0.01)
    else:
        ours = TableRegressor(**settings).fit(samples, score).predict(samples)
        judge = ElasticNet(alpha=2 * score.std(), l1_ratio=0.5)
        assert ours == pytest.approx(judge.fit(values, score).predict(values))
