"""Models of predictors of the user's own: what they are, and that many columns drown none."""

import time

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.catalog import build_model
from motor_bids_app.models.tables.columns import DEMOGRAPHICS
from motor_bids_app.models.tables.own import BlockClassifier, BlockRegressor


def samples(own, rng, **more):
    """People with demographics that mean nothing, and columns."""
    n = len(next(iter(own.values())))
    table = pd.DataFrame({"participant_id": [f"sub-{k:03d}" for k in range(n)]})
    for name in DEMOGRAPHICS:
        table[name] = rng.normal(size=n)
    return Samples(pd.concat([table, pd.DataFrame(own | more)], axis=1))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_block_of_one_column_each_is_the_ridge_of_scikit_learn(rng):
    own = {f"own_{k}": rng.normal(k, 1 + k, 60) for k in range(5)}
    people, y = samples(own, rng), rng.normal(size=60)
    names = [*DEMOGRAPHICS, *own]

    ours = BlockRegressor(DEMOGRAPHICS, "own_.+", penalty=0.5).fit(people, y)

    theirs = make_pipeline(StandardScaler(), Ridge(alpha=0.5 * len(names)))
    theirs.fit(people.table[names], y)
    np.testing.assert_allclose(ours.predict(people), theirs.predict(people.table[names]))


def test_a_block_of_one_column_each_is_the_logistic_regression_of_scikit_learn(rng):
    own = {f"own_{k}": rng.normal(k, 1 + k, 60) for k in range(5)}
    people = samples(own, rng)
    y = (own["own_1"] + rng.normal(size=60) > 1).astype(int)
    names = [*DEMOGRAPHICS, *own]

    ours = BlockClassifier(DEMOGRAPHICS, "own_.+", penalty=2.0).fit(people, y)

    reference = LogisticRegression(C=1 / (2.0 * len(names)), tol=1e-10, max_iter=1000)
    theirs = make_pipeline(StandardScaler(), reference).fit(people.table[names], y)
    expected = theirs.predict_proba(people.table[names])
    np.testing.assert_allclose(ours.predict_proba(people), expected, atol=1e-5)


def test_thousands_of_columns_take_seconds_and_drown_no_score(rng):
    score = rng.normal(size=200)
    y = score + 0.5 * rng.normal(size=200)
    noise = {f"own_x*: x{k}": rng.normal(size=200) for k in range(3000)}
    people = samples({"own_score": score}, rng, **noise)
    train, test = np.arange(100), np.arange(100, 200)

    start = time.process_time()
    fitted = build_model("own", task="regression").fit(people[train], y[train])
    found = r2_score(y[test], fitted.predict(people[test]))

    assert time.process_time() - start < 5
    assert found > 0.7  # 0.8 is in the score, 0 in the columns


def test_what_is_spread_over_thousands_of_columns_is_found(rng):
    truth = rng.normal(size=300)
    many = {f"own_x*: x{k}": truth + 5 * rng.normal(size=300) for k in range(1000)}
    people = samples(many, rng)
    fitted = build_model("own", task="regression").fit(people[:200], truth[:200])
    assert r2_score(truth[200:], fitted.predict(people[np.arange(200, 300)])) > 0.8


def test_a_missing_value_counts_as_the_average_training_person(rng):
    own = rng.normal(5, 2, 50)
    people, y = samples({"own_x": own}, rng), own + rng.normal(size=50)
    fitted = BlockRegressor(DEMOGRAPHICS, "own_.+", penalty=0.1).fit(people, y)

    gap, mean = people[[0]].table.copy(), people[[0]].table.copy()
    gap["own_x"], mean["own_x"] = np.nan, own.mean()

    assert fitted.predict(Samples(gap)) == pytest.approx(fitted.predict(Samples(mean)))


def test_a_category_that_no_training_person_has_changes_nothing(rng):
    left = rng.integers(0, 2, 40).astype(float)
    people = samples({"own_side: left": left, "own_side: both": np.zeros(40)}, rng)
    fitted = BlockRegressor(DEMOGRAPHICS, "own_.+").fit(people, left + rng.normal(size=40))

    changed = people.table.copy()
    changed["own_side: both"] = 1.0

    np.testing.assert_array_equal(fitted.predict(Samples(changed)), fitted.predict(people))


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_saved_state_predicts_the_same(rng, task):
    people = samples({"own_x": rng.normal(size=40), "own_y": rng.normal(size=40)}, rng)
    y = (rng.normal(size=40) > 0).astype(int)
    fitted = build_model("own", task=task).fit(people, y)
    again = type(fitted)(**fitted.get_params())
    again.set_state(fitted.get_state())
    np.testing.assert_array_equal(again.decision_function(people), fitted.decision_function(people))
