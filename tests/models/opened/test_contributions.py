"""The terms of a linear model add up to what it says, and are told of no other model."""

import numpy as np
import pytest
from scipy.special import logit

from motor_bids_app.models.catalog import build_model
from motor_bids_app.models.networks.deep import NetworkClassifier
from motor_bids_app.models.opened.contributions import opened_sum
from motor_bids_app.models.tables.recalibration import RecalibratedClassifier
from motor_bids_app.models.tables.transformed import TransformedRegressor, restored

from ..conftest import seen_by

LINEAR = (
    "prevalence", "demographics", "combined", "disconnection", "regional", "kernel",
    "own_lesion", "kernel_demographics", "own_lesion_map",
)  # fmt: skip


def fitted(name, task, samples, outcome, **settings):
    seen = seen_by(name, samples)
    return build_model(name, task=task, **settings).fit(seen, outcome(task)), seen


def said(model, seen, task):
    if task == "classification":
        return logit(model.predict_proba(seen)[:, 1])
    return model.predict(seen)


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("name", LINEAR)
def test_terms_add_up_to_what_the_model_says(samples, outcome, name, task):
    model, seen = fitted(name, task, samples, outcome)
    rows = [0, 1, 7]  # a control among them, who has no volume and no time
    sums = [opened_sum(model, seen[[row]]).total for row in rows]

    np.testing.assert_allclose(sums, said(model, seen[rows], task), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("name", ["regional", "own_regional", "kernel", "own_kernel"])
def test_terms_are_of_what_harmonisation_left(make_samples, outcome, name, task):
    samples = make_samples()
    at_b = np.arange(len(samples)) % 2 == 1
    samples.volumes.store.data[at_b] += np.float16(0.3)
    moved = samples.table[["fa_thalamus_left", "fa_thalamus_right"]].add(0.3 * at_b, axis=0)
    samples.table[moved.columns] = moved
    samples.table["site"] = np.where(at_b, "b", "a")
    samples.table["own_score"] = samples.table["age"] ** 2
    settings = {"harmonise": "combat"} | ({} if name == "regional" else {"penalty": 0.1})
    model, seen = fitted(name, task, samples, outcome, params=settings)
    rows = [0, 1, 7]
    sums = [opened_sum(model, seen[[row]]).total for row in rows]

    np.testing.assert_allclose(sums, said(model, seen[rows], task), rtol=1e-3, atol=1e-3)


def test_a_column_like_that_of_the_average_adds_nothing(samples, outcome):
    model, seen = fitted("demographics", "regression", samples, outcome)
    average = seen[[0]]
    average.table["age"] = model.pipeline_.steps[1][1].mean_[0]
    terms = {term.name: term for term in opened_sum(model, average).terms}

    assert terms["age"].amount == pytest.approx(0, abs=1e-9)
    assert abs(terms["sex"].amount) > 1e-6


def test_a_missing_map_adds_nothing(samples, outcome):
    model, seen = fitted("kernel", "classification", samples, outcome)
    seen.volumes.store.present[3, 0] = False
    terms = {term.name: term.amount for term in opened_sum(model, seen[[3]]).terms}
    seen.volumes.store.present[3, 0] = True

    assert terms["fa"] == 0
    assert terms["gm"] != 0


def test_a_recalibration_stretches_every_term(samples, outcome):
    plain, seen = fitted("regional", "classification", samples, outcome)
    model = RecalibratedClassifier(plain)
    model.model_, model.intercept_, model.slope_ = plain, 0.3, 2.0
    first, second = (opened_sum(one, seen[[0]]) for one in (plain, model))

    assert second.total == pytest.approx(0.3 + 2 * first.total)
    assert [t.amount for t in second.terms] == pytest.approx([2 * t.amount for t in first.terms])


def test_a_transformed_score_is_summed_on_its_own_scale(samples, outcome):
    model = TransformedRegressor(build_model("combined", task="regression"), "log1p")
    model.fit(samples, np.abs(outcome("regression")))
    found = opened_sum(model, samples[[0]])

    assert found.transform == "log1p"
    assert restored([found.total], "log1p")[0] == pytest.approx(model.predict(samples[[0]])[0])


@pytest.mark.parametrize("name", ["boosting", "rbf"])
def test_what_is_no_sum_is_not_told_as_one(samples, outcome, name):
    model, seen = fitted(name, "classification", samples, outcome)
    assert opened_sum(model, seen[[0]]) is None


def test_neither_networks_nor_ordered_classes_are_sums(samples):
    assert opened_sum(NetworkClassifier(), samples[[0]]) is None
    assert opened_sum(build_model("combined", task="ordinal", n_classes=3), samples[[0]]) is None
