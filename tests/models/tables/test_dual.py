"""Logistic regression on inner products, where it is hard to fit."""

import numpy as np
import pytest
from scipy.special import expit

from motor_bids_app.models.tables.dual import PENALTIES, DualLogistic

N = 60


def cases():
    random = np.random.default_rng(0)
    voxels = random.normal(size=(N, 500)) * random.exponential(size=500)
    chance = random.integers(0, 2, N)
    yield "chance", voxels, chance
    yield "apart", voxels + 3 * chance[:, None], chance
    yield "one of a class", voxels, np.arange(N) == 0
    yield "few columns", voxels[:, :2], chance
    yield "twice the same people", np.tile(voxels[: N // 2], (2, 1)), chance


@pytest.mark.parametrize(("what", "voxels", "poor"), list(cases()))
def test_the_gradient_is_zero_at_every_penalty(what, voxels, poor):
    """Of the scores f = K a + b it is K (p - y + penalty a), and sum(p - y)."""
    centred = voxels - voxels.mean(axis=0)
    products = centred @ centred.T / (centred**2).sum(axis=1).mean()

    for penalty, (dual, intercept) in zip(
        PENALTIES, DualLogistic()._solve(products, poor.astype(int), PENALTIES), strict=True
    ):
        missed = expit(products @ dual + intercept) - poor
        gradient = products @ (missed + penalty * dual)
        assert np.abs(gradient).max() < 1e-6 * np.abs(products).max()
        assert abs(missed.sum()) < 1e-6
