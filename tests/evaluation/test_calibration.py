import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from motor_bids_app.evaluation.calibration import calibration_metrics, decision_curves
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits


def predicted(probability, truth):
    """One repeat in which the same model predicts everyone."""
    n = len(truth)
    return Predictions(
        np.asarray(probability)[None],
        np.ones((1, n), dtype=np.int64),
        np.asarray(truth, dtype=float),
        np.arange(n).astype(object),
    )


def cohort(n, slope=1.0, shift=0.0, seed=0):
    """True log odds, the prediction they are `slope` times as large as, and outcomes."""
    rng = np.random.default_rng(seed)
    said = rng.normal(0, 1.5, n)
    return expit(said), (rng.random(n) < expit(slope * said + shift)).astype(float)


def test_slope_is_that_of_an_unpenalised_logistic_regression():
    probability, truth = cohort(80, seed=3)
    weights = np.random.default_rng(0).multinomial(80, np.full(80, 1 / 80), 3).astype(float)
    ours = calibration_metrics(predicted(probability, truth), weights)

    for row, slope in zip(weights, ours["calibration_slope"], strict=True):
        model = LogisticRegression(C=np.inf, tol=1e-10)
        model.fit(logit(probability)[:, None], truth, sample_weight=row)
        assert slope == pytest.approx(model.coef_[0, 0], rel=1e-3)


@pytest.mark.parametrize("span", [12.0, 0.01])
def test_slope_is_right_for_certain_and_for_nearly_equal_probabilities(span):
    """Trees say 0 or 1, untrained networks the same of everyone."""
    rng = np.random.default_rng(4)
    said = np.where(np.arange(60) % 2 == 0, span, -span) + (rng.normal(0, span / 10, 60))
    truth = (rng.random(60) < expit(np.sign(said) * 1.0)).astype(float)

    found = calibration_metrics(predicted(expit(said), truth))["calibration_slope"][0]
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=10_000)
    model.fit(said[:, None] / span, truth)
    assert found == pytest.approx(model.coef_[0, 0] / span, rel=0.02)


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (0.5, 0.0), (1.0, 0.7)])
def test_a_planted_miscalibration_is_measured(slope, shift):
    found = calibration_metrics(predicted(*cohort(40_000, slope, shift)))

    assert found["calibration_slope"][0] == pytest.approx(slope, abs=0.05)
    if slope == 1:
        assert found["calibration_intercept"][0] == pytest.approx(shift, abs=0.05)
    assert (found["ece"][0] < 0.01) == (slope == 1 and shift == 0)


def test_predictions_that_do_not_vary_have_no_slope():
    found = calibration_metrics(predicted(np.full(20, 0.3), np.arange(20) % 2))

    assert np.isnan(found["calibration_slope"][0])
    assert found["ece"][0] == pytest.approx(0.2)
    assert found["calibration_intercept"][0] == pytest.approx(-logit(0.3))


def test_slope_stays_finite_where_classes_do_not_overlap():
    probability = np.r_[np.linspace(0.1, 0.4, 10), np.linspace(0.6, 0.9, 10)]

    found = calibration_metrics(predicted(probability, np.arange(20) >= 10))
    assert np.isfinite(found["calibration_slope"][0])
    assert found["calibration_slope"][0] > 1


def test_acting_on_a_calibrated_model_does_no_worse_than_on_all_or_nobody():
    probability, truth = cohort(5_000)
    table = decision_curves({"a": predicted(probability, truth)}, 0)
    benefit = table.pivot_table(index="threshold", columns="model", values="net_benefit")

    assert (benefit["a"] > np.maximum(benefit["everyone"], 0) - 5e-3).all()
    at = 0.2  # by hand
    called = probability >= at
    byhand = (truth * called).mean() - ((1 - truth) * called).mean() * at / (1 - at)
    assert benefit.loc[at, "a"] == pytest.approx(byhand)


def test_a_model_that_calls_everyone_poor_does_as_acting_on_all_in_balanced_test_sets_too():
    truth = pd.Series(np.arange(100) < 30, index=[f"s{i}" for i in range(100)], dtype=float)
    splits = make_splits(
        list(truth.index),
        truth.astype(int),
        scheme="repeated_holdout",
        repeats=5,
        balanced_test=True,
    )
    always = Predictions.of(splits.assign(prediction=1.0), truth)
    table = decision_curves({"always": always}, 0).set_index(["model", "threshold"])

    pd.testing.assert_frame_equal(table.loc["always"], table.loc["everyone"])
    assert table.loc[("everyone", 0.5), "net_benefit"] == 0  # as many poor as good are tested


def test_the_band_of_a_decision_curve_is_no_narrower_than_test_sets_ask_for():
    probability, truth = cohort(60, seed=1)
    people = [f"s{i}" for i in range(60)]
    splits = make_splits(people, truth.astype(int), folds=5, repeats=4)
    noisy = probability[splits["participant_id"].str[1:].astype(int)]
    noisy = expit(logit(noisy) + np.random.default_rng(0).normal(0, 2, len(splits)))
    table = splits.assign(prediction=noisy)
    curve = decision_curves({"a": Predictions.of(table, pd.Series(truth, index=people))}, 0)
    row = curve[(curve["model"] == "a") & (curve["threshold"] == 0.4)].iloc[0]

    poor = pd.Series(truth, index=people)[table["participant_id"]].to_numpy()
    gain = np.where(noisy >= 0.4, np.where(poor == 1, 1, -0.4 / 0.6), 0)
    by_set = pd.Series(gain).groupby([table["repeat"], table["fold"]]).mean()
    half = stats.t.isf(0.025, 19) * np.sqrt((1 / 20 + 12 / 48) * by_set.var(ddof=1))
    assert row["net_benefit"] == pytest.approx(gain.mean())
    assert row["high"] - row["net_benefit"] >= half - 1e-12
    assert row["net_benefit"] - row["low"] >= half - 1e-12


def test_people_with_the_same_probability_are_in_the_same_fifth():
    """A constant that is the share of poor outcomes has no calibration error, however sorted."""
    truth = np.arange(50) < 20
    folds = np.ones((1, 50), dtype=np.int64)
    same = Predictions(np.full((1, 50), 0.4), folds, truth.astype(float), np.arange(50))

    assert calibration_metrics(same)["ece"][0] == pytest.approx(0)


def test_the_slope_is_that_within_test_sets_whatever_the_level_of_their_models():
    rng = np.random.default_rng(0)
    site = np.repeat([1, 2, 3], 400)
    odds = rng.normal(size=1200)
    truth = (rng.random(1200) < expit(odds)).astype(float)
    found = []
    for levels in ([0, 0, 0], [-2, 0, 2], [2, 0, -2]):
        values = expit(odds + np.array(levels)[site - 1])
        one = Predictions(values[None], site[None], truth, np.arange(1200).astype(object))
        found.append(float(calibration_metrics(one)["calibration_slope"][0]))

    assert found == pytest.approx([1, 1, 1], abs=0.2)
    assert np.ptp(found) < 1e-6
