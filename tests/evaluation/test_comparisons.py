import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from motor_bids_app.evaluation.comparisons import compare_models, difference_interval, people_test
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.evaluation.statistics import exact_limit

N = 60
PEOPLE = [f"sub-{i:02d}" for i in range(N)]
TRUTH = pd.Series(np.r_[np.ones(25), np.zeros(35)], index=PEOPLE)


def predicted(signal, seed=0, truth=TRUTH, repeats=4):
    """Predictions that differ by `signal` standard deviations between the classes."""
    rng = np.random.default_rng(seed)
    table = make_splits(PEOPLE, truth.to_numpy().astype(int), folds=5, repeats=repeats)
    own = pd.Series(rng.normal(size=N) + signal * (truth.to_numpy() - 0.5), index=PEOPLE)
    noisy = own[table["participant_id"]].to_numpy() + rng.normal(0, 0.1, len(table))
    table["prediction"] = 1 / (1 + np.exp(-noisy))
    return Predictions.of(table, truth)


def test_a_model_equal_to_the_simpler_one_is_not_called_better():
    same = predicted(2)
    row = compare_models({"a": same, "b": same}, ["a", "b"], "classification", 0).iloc[0]

    assert (row["difference"], row["low"], row["high"]) == (0, 0, 0)
    assert np.isnan(row["p_value"])
    assert np.isnan(row["p_holm"])


def test_each_model_meets_the_best_simpler_one():
    models = {"weak": predicted(0.5), "good": predicted(2, 1), "last": predicted(3, 2)}
    table = compare_models(models, ["weak", "good", "last"], "classification", 0)

    assert table["reference"].tolist() == ["weak", "good"]
    assert table.iloc[0]["low"] > 0  # 2 sd against 0.5 sd
    assert table["n_splits"].tolist() == [20, 20]


def small(values, truth):
    """Predictions of the same people in three repeats of two folds."""
    folds = np.tile(np.arange(len(truth)) % 4 // 2 + 1, (3, 1))
    people = np.arange(len(truth)).astype(object)
    return Predictions(np.tile(values, (3, 1)), folds, np.asarray(truth, float), people)


EIGHT = np.tile([1.0, 0.0], 4)


def test_a_perfect_model_of_eight_people_is_not_certain_to_beat_chance():
    models = {"chance": small(np.full(8, 0.5), EIGHT), "perfect": small(EIGHT, EIGHT)}
    row = compare_models(models, ["chance", "perfect"], "classification", 0).iloc[0]

    assert row["difference"] == 0.5
    assert row["low"] == pytest.approx(exact_limit(4) - 0.5)  # 4 people in each class
    assert np.isnan(row["p_value"])  # the same difference in every split


@pytest.mark.parametrize("poor", [12, 4])
def test_of_two_models_of_noise_neither_is_called_better_in_more_than_1_of_40_cohorts(poor):
    y, people = (np.arange(24) < poor).astype(int), np.arange(24).astype(object)
    better = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        classes = np.split(np.arange(24) % 4 + 1, [poor])
        folds = np.array([np.concatenate([rng.permutation(c) for c in classes]) for _ in range(3)])
        both = []
        for x in rng.normal(size=(2, 24)):
            values = np.zeros(folds.shape)
            for row, k in np.ndindex(3, 4):
                test = folds[row] == k + 1
                slope = x[~test & (y == 1)].mean() - x[~test & (y == 0)].mean()
                values[row, test] = slope * x[test]
            both.append(Predictions(values, folds, y.astype(float), people))
        test = people_test(*both, "classification")
        better.append(test.difference > 0 and test.p < 0.05)

    assert np.mean(better) <= 0.025 + 2 * math.sqrt(0.025 / 200)


def test_the_test_over_people_of_errors_is_the_paired_t_test():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=30)
    ours, theirs = (truth + rng.normal(0, sd, 30) for sd in (0.5, 1.0))
    folds, people = np.ones((1, 30), int), np.arange(30).astype(object)
    test = people_test(
        Predictions(ours[None], folds, truth, people),
        Predictions(theirs[None], folds, truth, people),
        "regression",
    )

    plain = stats.ttest_rel((theirs - truth) ** 2, (ours - truth) ** 2)
    assert test.p == pytest.approx(plain.pvalue)


def test_two_perfect_models_may_differ_by_what_each_may_be_off():
    perfect = small(EIGHT, EIGHT)
    low, high = difference_interval(perfect, perfect, "classification", np.zeros(6), 0)

    assert (low, high) == pytest.approx((exact_limit(4) - 1, 1 - exact_limit(4)))


def test_the_interval_against_chance_holds_the_truth():
    """AUC of a fixed score in cohorts of 40: it is Phi(d / sqrt 2) in the population."""
    truth = np.tile([1.0, 0.0], 20)
    expected = stats.norm.cdf(1 / math.sqrt(2)) - 0.5
    rng = np.random.default_rng(0)
    held = []
    for _ in range(100):
        ours = small(stats.norm.cdf(rng.normal(truth, 1)), truth)
        chance = small(np.full(40, 0.5), truth)
        low, high = difference_interval(ours, chance, "classification", np.zeros(6), 0)
        held.append(low <= expected <= high)

    assert 0.9 <= np.mean(held) <= 1
