"""Coupling of a baseline and its change, against the formula of Hope et al. and known truths."""

import numpy as np
import pytest
from scipy import stats

from motor_bids_app.evaluation.recovery import coupling

BEST = 66.0


def cohort(rng, n, kind):
    """Baseline and later scores: of nobody's recovery, of a constant gain, and proportional."""
    start = rng.uniform(5, 45, n)
    if kind == "unrelated":
        return start, rng.uniform(25, 60, n)
    gain = 10 if kind == "constant" else 0.6 * (BEST - start)
    return start, start + gain + rng.normal(0, 3, n)


@pytest.mark.parametrize("kind", ["unrelated", "constant", "proportional"])
def test_r_of_baseline_and_change_is_that_of_the_formula(kind):
    start, later = cohort(np.random.default_rng(0), 80, kind)
    found = coupling(start, later, BEST, 0)

    k, r = found.sd_ratio, found.r_later
    assert found.r_change == pytest.approx((k * r - 1) / np.sqrt(1 + k**2 - 2 * k * r))
    assert found.r_change == pytest.approx(stats.pearsonr(start, later - start).statistic)
    assert found.null_r == pytest.approx(-1 / np.sqrt(1 + k**2), abs=0.02)


@pytest.mark.parametrize("kind", ["unrelated", "constant"])
def test_recovery_that_is_not_proportional_is_rarely_called_so(kind):
    rng = np.random.default_rng(1)
    pairs = [cohort(rng, 60, kind) for _ in range(200)]
    claims = sum(coupling(x, y, BEST, 0, 400).proportional for x, y in pairs)

    assert claims <= stats.binom.ppf(0.999, 200, 0.05)


def test_recovery_that_is_proportional_is_found():
    rng = np.random.default_rng(2)
    pairs = [cohort(rng, 60, "proportional") for _ in range(50)]

    assert all(coupling(x, y, BEST, 0, 400).proportional for x, y in pairs)


def test_of_few_people_or_of_one_score_nothing_is_said():
    assert coupling(np.arange(9.0), np.arange(9.0) ** 2, BEST, 0) is None
    assert coupling(np.arange(20.0), np.full(20, 66.0), BEST, 0) is None
