"""The best that any model can do on the simulated scores (the Bayes ceiling)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.simulation.impairment import POOR_BELOW

_RESAMPLES = 200
Array = NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """Best reachable AUC of a poor outcome and R2 of the score, with Monte-Carlo errors."""

    auc: float
    auc_se: float
    r2: float
    r2_se: float
    poor: float  # part of the people
    n_people: int


def best_auc(
    probability: Array, ranking: Array | None = None, weights: Array | None = None
) -> float:
    """Expected AUC of a ranking of people who are poor with known probabilities.

    The expectation is over all outcomes, so no outcome has to be drawn. The best ranking,
    and the default, is the probability itself.

    >>> round(best_auc(np.array([0.0, 1.0])), 3)
    1.0
    >>> round(best_auc(np.array([0.5, 0.5])), 3)
    0.5
    """
    ranking = probability if ranking is None else ranking
    weights = np.ones(len(probability)) if weights is None else weights
    _, place = np.unique(ranking, return_inverse=True)
    poor = np.bincount(place, weights * probability)
    good = np.bincount(place, weights * (1 - probability))
    # Of each pair, one person is poor and another good: a person is no pair with itself.
    itself = (weights * probability * (1 - probability)).sum()
    ordered = (poor * (np.cumsum(good) - good)).sum() + 0.5 * ((poor * good).sum() - itself)
    return float(ordered / (poor.sum() * good.sum() - itself))


def best_r2(distribution: Array, weights: Array | None = None) -> float:
    """Part of the scores' variance that their conditional mean explains."""
    scores = np.arange(distribution.shape[1])
    mean = distribution @ scores
    variance = distribution @ scores**2 - mean**2
    explained = float(np.cov(mean, aweights=weights))
    return explained / (explained + float(np.average(variance, weights=weights)))


def bayes_ceiling(distribution: Array, rng: np.random.Generator) -> Ceiling:
    """Ceiling over a population with known score distributions, shape (n, scores).

    Standard errors come from resampling the population's people.
    """
    n_people = len(distribution)
    probability = distribution[:, :POOR_BELOW].sum(axis=1)
    draws = rng.multinomial(n_people, np.full(n_people, 1 / n_people), _RESAMPLES)
    aucs = [best_auc(probability, weights=weights) for weights in draws.astype(np.float64)]
    r2s = [best_r2(distribution, weights) for weights in draws]
    return Ceiling(
        auc=best_auc(probability),
        auc_se=float(np.std(aucs)),
        r2=best_r2(distribution),
        r2_se=float(np.std(r2s)),
        poor=float(probability.mean()),
        n_people=n_people,
    )
