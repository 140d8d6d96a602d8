import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from motor_bids_app.evaluation.calibration import logistic_slope
from motor_bids_app.evaluation.intervals import (
    auc_interval,
    balanced_interval,
    correlation_interval,
    coupling,
    error_interval,
    jackknife_half_width,
    pair_variance,
    share_interval,
    slope_interval,
)
from motor_bids_app.evaluation.metrics import ordered_pairs, regression_metrics
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.evaluation.statistics import auc_variance
from motor_bids_app.evaluation.summary import calibration_rows


def folds_of(labels, repeats=5, seed=0, folds=5):
    people = [str(n) for n in range(len(labels))]
    table = make_splits(people, labels, folds=folds, repeats=repeats, seed=seed)
    wide = table.pivot_table(index="repeat", columns="participant_id", values="fold")
    return wide[people].to_numpy(np.int64)


def cross_validated(x, y, folds, fit):
    """Predictions of linear models, whose weights `fit` learns; and the weights of everyone."""
    values = np.zeros(folds.shape)
    for row, fold in enumerate(folds):
        for k in np.unique(fold):
            weights, level = fit(x[fold != k], y[fold != k])
            values[row, fold == k] = x[fold == k] @ weights + level
    return values, fit(x, y)


def nearest_mean(x, y):
    return x[y == 1].mean(axis=0) - x[y == 0].mean(axis=0), 0.0


def least_squares(x, y):
    weights = np.linalg.lstsq(x - x.mean(axis=0), y - y.mean(), rcond=None)[0]
    return weights, y.mean() - x.mean(axis=0) @ weights


@pytest.mark.parametrize("repeats", [1, 10])
def test_coupling_is_how_much_more_the_pairs_of_people_vary_than_with_other_people_trained(repeats):
    folds = folds_of(np.arange(30) % 2, repeats)
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(30, 60))
    kernel = kernel @ kernel.T / 60
    y, others = rng.choice([-1.0, 1.0], size=(2, 4000, 30))
    apart = (folds[:, :, None] != folds[:, None]).mean(axis=0)
    same = np.einsum("bi,ij,bj->b", y, apart * kernel, y)
    # with other people's labels, each repeat has a model of its own, with only its part of pairs
    alone = np.einsum("bi,ij,bj->b", y, np.sqrt(apart) * kernel, others)

    assert same.var() / alone.var() == pytest.approx(coupling(folds), rel=0.1)


def test_without_a_model_tested_on_those_who_train_nothing_is_coupled():
    assert coupling(np.repeat([1, 0], 20)[None]) == 1
    assert coupling(np.repeat([1, 2, 3], 10)[None]) == 2


@pytest.mark.parametrize("auc", [0.5, 0.7, 0.95])
def test_the_variance_over_all_pairs_of_equal_classes_is_that_of_hanley_and_mcneil(auc):
    assert pair_variance(auc, np.ones((20, 20))) == pytest.approx(auc_variance(auc, 20, 20))


def test_pairs_that_were_not_compared_make_an_auc_less_sure():
    within = np.kron(np.eye(4), np.ones((5, 5)))

    assert pair_variance(0.7, within) > pair_variance(0.7, np.ones((20, 20)))


@pytest.mark.parametrize("coupled", [1.0, 2.0])
@pytest.mark.parametrize("auc", [0.0, 0.02, 0.3, 0.5, 0.99, 1.0])
def test_an_interval_holds_its_estimate_and_turns_round_with_the_classes(auc, coupled):
    pairs = np.ones((6, 14))
    low, high = auc_interval(auc, pairs, coupled)

    assert 0 <= low <= auc <= high <= 1
    assert (1 - high, 1 - low) == pytest.approx(auc_interval(1 - auc, pairs.T, coupled), abs=1e-6)


@pytest.mark.parametrize(("n", "poor"), [(24, 12), (30, 5)])
def test_intervals_of_an_auc_hold_chance_in_19_of_20_cohorts_of_noise(n, poor):
    y = (np.arange(n) < poor).astype(int)
    held = []
    for seed in range(250):
        x = np.random.default_rng(seed).normal(size=(n, 3))
        folds = folds_of(y, repeats=3, seed=seed)
        values, _ = cross_validated(x, y, folds, nearest_mean)
        right, pairs = ordered_pairs(Predictions(values, folds, y, np.arange(n).astype(object)))
        low, high = auc_interval(right.sum() / pairs.sum(), pairs, coupling(folds))
        held.append(low <= 0.5 <= high)

    assert 0.92 <= np.mean(held) <= 0.995


@pytest.mark.parametrize("repeats", [1, 4])
def test_intervals_of_errors_hold_those_of_the_model_of_everyone(repeats):
    rng = np.random.default_rng(1)
    held = {name: [] for name in ("rmse", "mae", "r2", "r")}
    for _ in range(250):
        x = rng.normal(size=(25, 2))
        y = 0.7 * x[:, 0] + rng.normal(size=25)
        folds = folds_of(y, repeats)
        values, (weights, level) = cross_validated(x, y, folds, least_squares)
        one = Predictions(values, folds, y, np.arange(25).astype(object))
        found = {name: float(value[0]) for name, value in regression_metrics(one).items()}
        sd = np.sqrt(np.sum((weights - [0.7, 0]) ** 2) + 1)
        true = {
            "rmse": np.hypot(level, sd),
            "mae": stats.foldnorm(abs(level) / sd, scale=sd).mean(),
            "r2": 1 - (level**2 + sd**2) / 1.49,
            "r": 0.7 * weights[0] / np.linalg.norm(weights) / np.sqrt(1.49),
        }
        limits = {
            name: error_interval(name, found[name], values, folds, y)
            for name in ("rmse", "mae", "r2")
        }
        limits["r"] = correlation_interval(found["r"], 25, coupling(folds))
        for name, (low, high) in limits.items():
            held[name].append(low <= true[name] <= high)

    shares = {name: np.mean(values) for name, values in held.items()}
    # Of one cross-validation people and models cannot be told apart: intervals are wide.
    assert all(0.91 <= share <= (0.999 if repeats == 1 else 0.99) for share in shares.values())


def test_the_unit_of_a_score_changes_its_interval_by_that_factor():
    rng = np.random.default_rng(2)
    y, folds = rng.normal(size=20), folds_of(np.arange(20.0))
    values = 0.5 * y + rng.normal(size=(5, 20))
    small = error_interval("mae", 1.0, values, folds, y)

    assert error_interval("mae", 10.0, 10 * values, folds, 10 * y) == pytest.approx(
        tuple(10 * limit for limit in small)
    )


def test_the_jackknife_of_a_slope_is_that_of_theory():
    rng = np.random.default_rng(3)
    x = rng.normal(size=200)
    y = 2 * x + rng.normal(size=200)
    without = np.array([np.polyfit(np.delete(x, k), np.delete(y, k), 1)[0] for k in range(200)])
    theory = stats.linregress(x, y).stderr * stats.t.isf(0.025, 198)

    assert jackknife_half_width(without, 1.0) == pytest.approx(theory, rel=0.1)
    assert np.isnan(jackknife_half_width(np.full(5, np.nan), 1.0))


def test_models_that_differ_as_few_people_do_leave_a_slope_its_jackknife():
    without = np.linspace(0.8, 1.2, 30)
    spreads = np.array([[0.9, 10], [1.0, 10], [1.1, 10]])
    below, above = (jackknife_half_width(without, coupled) for coupled in (np.sqrt(2.0), 2.0))

    assert slope_interval(1.0, without, 2.0, spreads) == pytest.approx((1 - below, 1 + above))


def test_the_slope_of_a_model_of_noise_is_rarely_above_its_interval():
    rng, above = np.random.default_rng(2), 0
    y = np.arange(60) % 2
    for seed in range(100):
        x, new = rng.normal(size=(60, 3)), rng.normal(size=(2000, 3))
        values, (weights, level) = cross_validated(x, y, folds_of(y, 3, seed), least_squares)
        odds = 4 * (values - 0.5)  # of a linear discriminant, which needs no iterations
        made = Predictions(expit(odds), folds_of(y, 3, seed), y.astype(float), np.arange(60))
        high = next(row for row in calibration_rows(made) if row[0] == "calibration_slope")[3]
        of_new = 4 * (new @ weights + level - 0.5)
        truth = logistic_slope(of_new - of_new.mean(), np.arange(2000) % 2.0, np.ones((1, 2000)))
        above += truth[0] > high

    assert above <= 6


@pytest.mark.parametrize("spreads", [[1.0, 1.0, 0.01], [2.0, 0.001, 0.5]])
def test_a_slope_has_no_upper_end_where_a_model_says_nearly_the_same_of_everybody(spreads):
    without = np.linspace(0.8, 1.2, 30)
    low, high = slope_interval(1.0, without, 2.0, np.column_stack([spreads, [20] * 3]))

    assert low == pytest.approx(1 - jackknife_half_width(without, np.sqrt(2.0)))
    assert high == np.inf


def test_a_slope_of_models_of_two_penalties_is_held_where_the_final_one_has_the_stronger():
    rng = np.random.default_rng(5)
    spreads = np.where(rng.random(15) < 0.5, 1.0, 0.25)[:, None] * [1, 0] + [0, 40]
    without = np.linspace(0.9, 1.1, 60)  # the slope of the weaker penalty is 1, of the other 4

    assert slope_interval(1.0, without, 1.6, spreads)[1] > 4
    assert 1 + jackknife_half_width(without, 1.6) < 4


def test_intervals_of_shares_are_those_of_wilson_where_nobody_trains():
    low, high = stats.binomtest(7, 20).proportion_ci(method="wilson")

    assert share_interval(0.35, 20, coupled=1.0) == pytest.approx((low, high))
    assert share_interval(0.35, 20, coupled=1.7)[0] < low


@pytest.mark.parametrize(("n_poor", "n_good"), [(10, 10), (4, 20)])
def test_intervals_of_balanced_accuracy_hold_it(n_poor, n_good):
    rng = np.random.default_rng(0)
    poor, good = rng.binomial(n_poor, 0.6, 2000) / n_poor, rng.binomial(n_good, 0.8, 2000) / n_good
    limits = [balanced_interval(s, (n_poor, n_good), 1.0) for s in zip(poor, good, strict=True)]

    assert 0.93 <= np.mean([low <= 0.7 <= high for low, high in limits]) <= 0.98


def test_nobody_called_poor_leaves_open_what_other_people_would_be_called():
    low, high = balanced_interval((0.0, 1.0), (3, 17), 1.7)

    assert low < 0.45
    assert high > 0.7


def test_a_correlation_that_depends_on_who_trains_has_a_wider_interval():
    steady, unsteady = (correlation_interval(0.4, 40, 1.7, v) for v in (0.0, 0.05))

    assert unsteady[0] < steady[0] < steady[1] < unsteady[1]


def test_a_mean_of_skewed_errors_has_more_room_above_than_below():
    rng = np.random.default_rng(4)
    truth, folds = rng.exponential(size=20), folds_of(np.arange(20.0))
    low, high = error_interval("mae", 1.0, np.zeros((5, 20)), folds, truth)

    assert high - 1 > 1 - low
