"""How good the best of several evaluations is, when it is the best because several were made."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.evaluation.crossvalidation import metrics_for, primary_metric
from motor_bids_app.evaluation.metrics import Floats
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.statistics import bootstrap_weights, percentile_interval

N_RESAMPLES = 1000
LEAST = 10  # people whom all evaluations tested


@dataclass(frozen=True)
class Corrected:
    """The best of k evaluations.

    Parameters
    ----------
    best : int
        Its position.
    value : float
        Its metric, too good for having been chosen.
    corrected, low, high : float
        The metric to expect of what is chosen so, with its 95 % interval.
    """

    best: int
    value: float
    corrected: float
    low: float
    high: float


def corrected_best(evaluations: Sequence[Predictions], task: str, seed: int) -> Corrected | None:
    """Correct the best of several evaluations for the choice among them.

    Bootstrap bias-corrected cross-validation (Tsamardinos et al. 2018, Machine Learning 107:1895):
    people are drawn with replacement, the evaluation that is best in those drawn is chosen, and
    judged by those who were not. Nothing is fitted again.

    Parameters
    ----------
    evaluations : sequence of Predictions
        Out of fold; their splits and repeats may differ.
    task : str
    seed : int
        Of the resamples.

    Returns
    -------
    Corrected or None
        None for one evaluation, or where fewer than 10 people were tested in all of them.
    """
    shared = _in_all(evaluations)
    if len(evaluations) < 2 or len(shared) < LEAST:
        return None
    metric, compute = primary_metric(task), metrics_for(task)
    aligned = [_arranged(one, shared) for one in evaluations]
    weights = bootstrap_weights(len(shared), seed, N_RESAMPLES)
    drawn = np.array([compute(one, weights)[metric] for one in aligned])
    others = (weights == 0).astype(np.float64)
    left = np.array([compute(one, others)[metric] for one in aligned])
    judged = left[_first_best(drawn), np.arange(N_RESAMPLES)]
    values = np.array([float(compute(one)[metric][0]) for one in aligned])
    if not np.isfinite(judged).any() or not np.isfinite(values).any():
        return None
    best = int(np.nanargmax(values))
    low, high = percentile_interval(judged)
    return Corrected(best, float(values[best]), float(np.nanmean(judged)), low, high)


def _in_all(evaluations: Sequence[Predictions]) -> list[str]:
    """People whom every evaluation tested."""
    tested = [
        {str(label) for label in one.people[np.atleast_1d((one.folds > 0).any(axis=0))]}
        for one in evaluations
    ]
    return sorted(set.intersection(*tested)) if tested else []


def _arranged(predictions: Predictions, people: Sequence[str]) -> Predictions:
    """Predictions of some people, in their order."""
    places = {str(label): place for place, label in enumerate(predictions.people)}
    return predictions.of_people(np.array([places[label] for label in people], dtype=np.intp))


def _first_best(drawn: Floats) -> NDArray[np.intp]:
    """Position of the best evaluation in each resample; one without a value is never the best."""
    return np.argmax(np.where(np.isnan(drawn), -np.inf, drawn), axis=0)
