import numpy as np
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from motor_bids_app.simulation.ceiling import bayes_ceiling, best_auc, best_r2
from motor_bids_app.simulation.impairment import POOR_BELOW, draw_scores, score_distribution


@pytest.fixture
def clean():
    return np.random.default_rng(1).normal(35, 18, 300)


def test_auc_is_the_mean_over_drawn_outcomes(clean):
    distribution = score_distribution(clean)
    probability = distribution[:, :POOR_BELOW].sum(axis=1)
    rng = np.random.default_rng(2)

    drawn = [roc_auc_score(rng.random(300) < probability, probability) for _ in range(300)]

    error = np.std(drawn) / np.sqrt(300)
    assert best_auc(probability) == pytest.approx(np.mean(drawn), abs=4 * error)


def test_tied_ranks_count_half():
    probability = np.array([0.9, 0.1, 0.4, 0.7])

    assert best_auc(probability, np.zeros(4)) == pytest.approx(0.5)


def test_no_other_ranking_is_better(clean):
    probability = score_distribution(clean)[:, :POOR_BELOW].sum(axis=1)
    noisy = probability + np.random.default_rng(0).normal(0, 0.2, len(clean))

    assert best_auc(probability, noisy) < best_auc(probability)


def test_r2_is_that_of_the_conditional_mean(clean):
    clean = clean.repeat(300)
    distribution = score_distribution(clean)
    scores = draw_scores(clean, np.random.default_rng(3))

    reached = r2_score(scores, distribution @ np.arange(67))

    assert best_r2(distribution) == pytest.approx(reached, abs=0.01)


def test_standard_errors_are_the_spread_over_populations():
    rng = np.random.default_rng(4)
    populations = [score_distribution(rng.normal(35, 18, 100)) for _ in range(300)]

    ceilings = [bayes_ceiling(population, rng) for population in populations[:6]]

    aucs = [best_auc(population[:, :POOR_BELOW].sum(axis=1)) for population in populations]
    r2s = [best_r2(population) for population in populations]
    assert np.mean([c.auc_se for c in ceilings]) == pytest.approx(np.std(aucs), rel=0.25)
    assert np.mean([c.r2_se for c in ceilings]) == pytest.approx(np.std(r2s), rel=0.25)
