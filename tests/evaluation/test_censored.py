"""A line through values of which some are lower limits, against least squares and a known truth."""

import numpy as np
import pytest
from scipy import stats

from motor_bids_app.evaluation.censored import censored_slope


def test_without_lower_limits_slope_and_interval_are_those_of_least_squares_with_hc3():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 60, 40)
    y = 0.6 * x + rng.normal(0, 1 + x / 10)
    slope, half = censored_slope(x, y, np.zeros(40, dtype=bool))

    line = stats.linregress(x, y)
    design = np.column_stack([np.ones(40), x])
    inverse = np.linalg.inv(design.T @ design)
    leverage = (design @ inverse * design).sum(axis=1)
    residuals = (y - line.intercept - line.slope * x) / (1 - leverage)
    variance = inverse @ (design * residuals[:, None] ** 2).T @ design @ inverse
    assert slope == pytest.approx(line.slope, rel=1e-5)
    assert half == pytest.approx(stats.t.ppf(0.975, 38) * np.sqrt(variance[1, 1]), rel=1e-4)


@pytest.mark.parametrize("true", [0.0, 0.7])
def test_values_cut_at_a_limit_give_the_slope_of_uncut_ones_and_intervals_that_hold(true):
    held, slopes = [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x = rng.uniform(20, 60, 80)
        y = true * x + 25 * (1 - true) + rng.normal(0, 6, 80)
        cut = y > x  # nobody gains more than there is to gain
        slope, half = censored_slope(x, np.minimum(y, x), cut)
        held.append(abs(slope - true) <= half)
        slopes.append(slope)
    assert np.mean(slopes) == pytest.approx(true, abs=0.02)
    assert np.mean(held) >= 0.9


def test_values_on_a_line_give_it_exactly():
    x = np.arange(20.0)
    assert censored_slope(x, 3 + 0.5 * x, x > 15) == pytest.approx((0.5, 0), abs=1e-9)
