"""The coupling of a baseline and the change since, against formulas and known truths."""

import numpy as np
import pytest
from scipy import stats

from motor_bids_app.evaluation.recovery import coupling


def test_correlations_are_those_of_scipy_and_of_the_formula_of_hope_et_al():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 66, 50)
    y = 0.4 * x + rng.normal(20, 8, 50)
    found = coupling(x, y, 66, 0)

    assert found.r_change == pytest.approx(stats.pearsonr(x, y - x).statistic)
    assert found.r_later == pytest.approx(stats.pearsonr(x, y).statistic)
    k, r = found.sd_ratio, found.r_later
    assert found.r_change == pytest.approx((k * r - 1) / np.sqrt(1 + k**2 - 2 * k * r))
    assert found.share == pytest.approx(stats.linregress(66 - x, y - x).slope)


def test_unrelated_scores_of_equal_spread_correlate_with_change_by_minus_root_half():
    rng = np.random.default_rng(1)
    found = coupling(rng.normal(30, 10, 2000), rng.normal(30, 10, 2000), 66, 0)

    assert found.null_r == pytest.approx(-np.sqrt(0.5), abs=0.02)
    assert found.r_change == pytest.approx(found.null_r, abs=0.05)


def test_scores_that_crowd_at_the_ceiling_seem_to_recover_proportionally_and_it_is_not_claimed():
    rng = np.random.default_rng(2)
    claims = []
    for seed in range(100):
        x = rng.uniform(0, 60, 40)
        found = coupling(x, rng.normal(58, 4, 40), 66, seed, 400)
        assert found.r_change < -0.9
        claims.append(found.proportional)
    assert np.mean(claims) <= 0.1


@pytest.mark.parametrize("lower_is_better", [False, True])
def test_proportional_recovery_is_found_in_either_direction(lower_is_better):
    rng = np.random.default_rng(3)
    held, claims = [], []
    for seed in range(100):
        x = rng.uniform(0, 50, 60)
        y = x + 0.7 * (66 - x) + rng.normal(0, 3, 60)
        x, y, best = (66 - x, 66 - y, 0) if lower_is_better else (x, y, 66)
        found = coupling(x, y, best, seed, 400)
        held.append(found.share_low < 0.7 < found.share_high)
        claims.append(found.proportional)
    assert np.mean(claims) > 0.95
    assert np.mean(held) >= 0.89


@pytest.mark.parametrize("gain", [0, 10])
def test_a_gain_that_is_the_same_for_all_is_not_proportional(gain):
    rng = np.random.default_rng(4)
    claims = []
    for seed in range(100):
        x = rng.uniform(0, 50, 60)
        claims.append(coupling(x, x + gain + rng.normal(0, 3, 60), 66, seed, 400).proportional)
    assert np.mean(claims) <= 0.1


@pytest.mark.parametrize("lower_is_better", [False, True])
def test_a_gain_that_is_the_same_for_all_up_to_the_ceiling_is_not_proportional(lower_is_better):
    rng = np.random.default_rng(5)
    claims, slopes = [], []
    for seed in range(100):
        x = rng.uniform(5, 46, 60)
        y = np.minimum(x + 25 + rng.normal(0, 6, 60), 66)
        x, y, best = (66 - x, 66 - y, 0) if lower_is_better else (x, y, 66)
        found = coupling(x, y, best, seed, 200)
        claims.append(found.proportional)
        slopes.append(found.share)
    assert np.mean(claims) <= 0.1
    assert np.mean(slopes) == pytest.approx(0, abs=0.03)


def test_where_nearly_everybody_has_the_best_score_no_slope_is_told():
    x = np.arange(30.0)
    y = np.where(x < 9, x + 5, 66)
    found = coupling(x, y, 66, 0)
    assert np.isnan(found.share)
    assert not found.proportional


def test_a_slope_that_rests_on_one_person_is_not_told():
    x = np.r_[np.full(19, 20.0), 40.0]
    found = coupling(x, x + np.arange(20) % 5 + 1, 66, 0)
    assert np.isnan(found.share)


def test_of_few_people_or_of_scores_that_do_not_vary_nothing_is_said():
    assert coupling(np.arange(9.0), np.arange(9.0)[::-1], 66, 0) is None
    assert coupling(np.full(20, 5.0), np.arange(20.0), 66, 0) is None
