import numpy as np
import pytest

from motor_bids_app.simulation.damage import Damage
from motor_bids_app.simulation.impairment import (
    NOISE,
    clean_score,
    draw_scores,
    score_distribution,
)


def test_distribution_is_that_of_rounded_and_bounded_noise():
    rng = np.random.default_rng(0)
    simulated = np.clip(np.round(20 + NOISE * rng.standard_normal(200_000)), 0, 66)

    distribution = score_distribution(np.array([20.0]))[0]

    counts = np.bincount(simulated.astype(int), minlength=67) / len(simulated)
    np.testing.assert_allclose(distribution, counts, atol=2e-3)


def test_scores_are_drawn_from_their_distribution():
    clean = np.array([5.0, 40.0, np.nan]).repeat(20_000)

    drawn = draw_scores(clean, np.random.default_rng(0)).reshape(3, -1)

    expected = score_distribution(clean[::20_000]) @ np.arange(67)
    np.testing.assert_allclose(drawn.mean(axis=1), expected, atol=0.4)


def test_controls_score_60_to_66():
    scores = draw_scores(np.full(500, np.nan), np.random.default_rng(0))

    assert set(scores) == set(range(60, 67))


@pytest.mark.parametrize(
    "harm",
    [
        {"lesion_volume": 50.0},
        {"tract_load": 0.3},
        {"degeneration": 0.5},
    ],
)
def test_more_damage_is_a_lower_score(harm):
    assert clean_score(Damage(**harm), 60) < clean_score(Damage(), 60)


def test_an_intact_tract_recovers_more():
    gains = []
    for degeneration in (0.2, 0.9):
        damage = Damage(degeneration=degeneration)
        gains.append(clean_score(damage, 60, recovered=True) - clean_score(damage, 60))

    assert gains[0] > gains[1] > 0
