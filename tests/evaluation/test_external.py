import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from motor_bids_app.evaluation.case_mix import case_mix
from motor_bids_app.evaluation.domain import Domain, Spread
from motor_bids_app.evaluation.external import compare_external, external_metrics, single_test_set
from motor_bids_app.evaluation.updating import (
    AS_IT_IS,
    BOTH,
    INTERCEPT,
    Update,
    advised,
    cross_updated,
    fit_update,
    update_splits,
    updates_table,
)


def classes(n=200, seed=0, intercept=0.0, slope=1.0):
    """Probabilities of a model whose log odds are off by a known line."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 1.5, n)
    truth = rng.uniform(size=n) < 1 / (1 + np.exp(-(intercept + slope * odds)))
    people = [f"sub-{k:03d}" for k in range(n)]
    return single_test_set(1 / (1 + np.exp(-odds)), pd.Series(truth.astype(float), index=people))


def scores(n=150, seed=0, shift=0.0, slope=1.0):
    rng = np.random.default_rng(seed)
    told = rng.normal(30, 10, n)
    truth = shift + slope * told + rng.normal(0, 5, n)
    return single_test_set(told, pd.Series(truth, index=[f"sub-{k:03d}" for k in range(n)]))


def value(table, metric):
    return table.set_index("metric").loc[metric]


def test_the_auc_of_one_test_set_is_that_of_scikit_learn():
    predictions = classes()
    found = value(external_metrics(predictions, "classification", 0), "roc_auc")

    assert found["value"] == pytest.approx(
        roc_auc_score(predictions.truth, predictions.values[0]), abs=1e-12
    )
    assert found["low"] < found["value"] < found["high"]


def test_r2_and_mean_error_are_those_of_their_definitions():
    predictions = scores()
    table = external_metrics(predictions, "regression", 0)
    error = predictions.values[0] - predictions.truth

    assert value(table, "mae")["value"] == pytest.approx(np.abs(error).mean())
    expected = 1 - np.square(error).mean() / predictions.truth.var()
    assert value(table, "r2")["value"] == pytest.approx(expected)


def test_calibration_of_scores_is_the_line_that_they_were_made_with():
    table = external_metrics(scores(n=2000, shift=8, slope=0.6), "regression", 0)

    slope, intercept = (value(table, f"calibration_{name}") for name in ("slope", "intercept"))
    assert slope["low"] < 0.6 < slope["high"]
    assert intercept["low"] < 8 + (0.6 - 1) * 30 < intercept["high"]


def test_the_slope_of_scores_is_that_of_linear_regression():
    predictions = scores(slope=0.7)
    found = value(external_metrics(predictions, "regression", 0), "calibration_slope")

    line = stats.linregress(predictions.values[0], predictions.truth)
    assert found["value"] == pytest.approx(line.slope)
    half = stats.t.isf(0.025, len(predictions.truth) - 2) * line.stderr
    assert found["high"] - found["value"] == pytest.approx(half, rel=0.15)


def test_intervals_of_the_slope_hold_the_truth_in_19_of_20_cohorts():
    held = []
    for seed in range(200):
        found = value(
            external_metrics(scores(n=40, seed=seed, slope=0.8), "regression", 0),
            "calibration_slope",
        )
        held.append(found["low"] <= 0.8 <= found["high"])
    assert 0.90 <= np.mean(held) <= 0.99


def test_a_cohort_of_one_class_has_no_metrics():
    predictions = classes()
    good = predictions.of_people(predictions.truth == 0)

    assert external_metrics(good, "classification", 0).empty


def test_a_model_beside_itself_does_not_differ_and_has_no_p():
    predictions = classes()
    row = compare_external({"a": predictions, "b": predictions}, "classification", 0).iloc[0]

    assert row["difference"] == 0
    assert np.isnan(row["p_value"])


def test_a_model_beside_noise_is_better():
    good = classes(n=300)
    noise = single_test_set(
        np.random.default_rng(1).uniform(size=300), pd.Series(good.truth, index=good.people)
    )
    row = compare_external({"noise": noise, "good": good}, "classification", 0).iloc[0]

    assert row["low"] > 0
    assert row["p_value"] < 0.001


def test_updates_are_those_of_scikit_learn():
    predictions = classes(n=500, intercept=0.7, slope=0.4)
    odds = np.log(predictions.values[0] / (1 - predictions.values[0]))
    line = LogisticRegression(C=1e9, tol=1e-10).fit(odds[:, None], predictions.truth)

    found = fit_update(BOTH, predictions.values[0], predictions.truth, "classification")
    assert found.slope == pytest.approx(line.coef_[0, 0], rel=1e-3)
    assert found.intercept == pytest.approx(line.intercept_[0], abs=1e-3)


def test_an_update_of_the_intercept_puts_the_mean_right():
    predictions = scores(shift=12)
    update = fit_update(INTERCEPT, predictions.values[0], predictions.truth, "regression")

    moved = update.apply(predictions.values[0], "regression")
    assert moved.mean() == pytest.approx(predictions.truth.mean())
    assert update.slope == 1


def test_predictions_that_order_people_wrongly_are_not_turned_round():
    predictions = scores(slope=-1)

    assert fit_update(BOTH, predictions.values[0], predictions.truth, "regression").slope == 0


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_no_person_enters_the_update_that_is_judged_on_them(task):
    before = classes(n=60) if task == "classification" else scores(n=60)
    splits = update_splits(before, task, 0)
    changed = before.truth.copy()
    changed[0] = 1 - changed[0] if task == "classification" else changed[0] + 100
    after = single_test_set(before.values[0], pd.Series(changed, index=before.people))

    one, other = (cross_updated(each, BOTH, task, splits).values for each in (before, after))
    assert np.array_equal(one[:, 0], other[:, 0])  # own truth changed, own predictions did not
    assert not np.array_equal(one[:, 1:], other[:, 1:])


def test_a_model_that_needs_an_intercept_is_advised_one():
    predictions = scores(shift=12)
    table = updates_table(
        predictions, {}, "regression", update_splits(predictions, "regression", 0)
    )

    assert advised(predictions, table, "regression") == INTERCEPT
    assert table.set_index("update").loc[INTERCEPT, "low"] > 0


def test_a_model_that_needs_a_slope_is_advised_one():
    predictions = classes(n=600, slope=0.25)
    splits = update_splits(predictions, "classification", 0)

    table = updates_table(predictions, {}, "classification", splits)
    assert advised(predictions, table, "classification") == BOTH


def test_a_calibrated_model_is_left_alone_in_19_of_20_cohorts():
    advice = []
    for seed in range(200):
        predictions = classes(n=100, seed=seed)
        gains = pd.DataFrame({"update": [INTERCEPT, BOTH], "gain": 1.0, "low": -1.0})
        advice.append(advised(predictions, gains, "classification"))
    assert advice.count(AS_IT_IS) >= 184  # 95 %, less 2 standard errors


def test_an_update_that_helps_nobody_else_is_not_advised():
    predictions = scores(shift=12)
    gains = pd.DataFrame({"update": [INTERCEPT, BOTH], "gain": -0.1, "low": -1.0})

    assert advised(predictions, gains, "regression") == AS_IT_IS


def test_an_update_as_it_is_changes_nothing():
    values = np.array([0.1, 0.5, 0.9])
    assert np.allclose(Update().apply(values, "classification"), values)


def test_case_mix_is_in_standard_deviations_of_training():
    domain = Domain({"age": {"age": Spread(50, 60.0, 10.0)}})
    table = case_mix(domain, pd.DataFrame({"age": [70.0, 80.0, np.nan, 120.0]}))

    row = table.iloc[0]
    assert row["difference"] == pytest.approx(3.0)
    assert row["n_people"] == 3
    assert row["outside"] == pytest.approx(1 / 3)


def test_skewed_amounts_are_compared_as_logarithms():
    spread = Spread(50, np.log1p(10.0), 1.0, logarithmic=True)
    table = case_mix(
        Domain({"lesion_volume": {"lesion_volume": spread}}),
        pd.DataFrame({"lesion_volume": [10.0, 10.0]}),
    )
    assert table.iloc[0]["quantity"] == "ln(1 + lesion_volume)"
    assert table.iloc[0]["difference"] == pytest.approx(0)
