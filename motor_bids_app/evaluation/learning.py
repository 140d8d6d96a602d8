"""How a model improves with the number of people it learns from."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.evaluation.crossvalidation import (
    average_trainings,
    cross_validate,
    primary_metric,
)
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.summary import metric_interval
from motor_bids_app.features.samples import Samples

SHARES = (0.25, 0.5, 0.75)  # of the training people; all of them are the evaluation itself
LEAST = 8  # people to learn from
REPEATS = 2


def learning_curve(
    model: Any,
    samples: Samples,
    y: ArrayLike,
    splits: pd.DataFrame,
    truth: "pd.Series[float]",
    task: str,
    seed: int,
    counted: NDArray[np.bool_] | None = None,
    *,
    whole: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Cross-validate a model with parts of each training set; test sets stay the same.

    The first repeats of `splits` are used. Parts are spread over classes, or over the score.

    Parameters
    ----------
    truth : Series, shape (n_people,)
        Class or score of everyone, by participant.
    counted : bool array, shape (n_people,), optional
        Whose predictions are judged; the others only train. By default all.
    whole : DataFrame, optional
        Out-of-fold predictions of the model with whole training sets in all repeats, which are the
        last point. By default they are made.

    Returns
    -------
    DataFrame
        Columns n_training (people, on average), metric, value, low and high (95 %, as in
        `metrics_table`, for training sets of this size); shares of fewer than 8 people, or of one
        class, or whose metric is not defined, are left out.
    """
    metric = primary_metric(task)
    judged = np.ones(len(truth), dtype=bool) if counted is None else counted
    first = splits[splits["repeat"].isin(np.unique(splits["repeat"])[:REPEATS])]
    found = [_with_share(model, samples, y, first, truth, share, seed) for share in SHARES]
    if whole is None:
        whole = cross_validate([model], samples, y, splits)
    found.append((average_trainings(whole), _training_people(whole, len(truth))))
    rows = []
    for point in found:
        if point is None:
            continue
        table, size = point
        tested = len(table) / len(table[["repeat", "fold"]].drop_duplicates())
        predictions = replace(Predictions.of(table, truth), test_to_train=tested / size)
        value = metric_interval(predictions.of_people(judged), metric, task, seed)
        if np.isfinite(value[0]):
            rows.append((size, metric, *value))
    return pd.DataFrame(rows, columns=["n_training", "metric", "value", "low", "high"])


def _with_share(
    model: Any,
    samples: Samples,
    y: ArrayLike,
    splits: pd.DataFrame,
    truth: "pd.Series[float]",
    share: float,
    seed: int,
) -> tuple[pd.DataFrame, float] | None:
    """Out-of-fold predictions after learning from a share, and of how many people, on average.

    None where they are too few, or of one class.
    """
    parts, sizes = [], []
    for _, test in splits.groupby(["repeat", "fold"]):
        training = truth[~truth.index.isin(test["participant_id"])]
        chosen = _spread(training, share, seed)
        if chosen.size < LEAST or training.loc[list(chosen)].nunique() < 2:
            return None
        kept = np.isin(samples.participants, [*chosen, *test["participant_id"]])
        parts.append(cross_validate([model], samples[kept], np.asarray(y)[kept], test))
        sizes.append(chosen.size)
    table = pd.concat(parts, ignore_index=True).drop(columns="training")
    return table, float(np.mean(sizes))


def _training_people(table: pd.DataFrame, n_people: int) -> float:
    """People outside a test set, on average."""
    sizes = table.groupby(["repeat", "fold"])["participant_id"].nunique()
    return float(n_people - sizes.mean())


def _spread(training: "pd.Series[float]", share: float, seed: int) -> NDArray[np.object_]:
    """Labels of a share of people, evenly spaced by the outcome, equals at random."""
    shuffled = training.sample(frac=1, random_state=seed).sort_values(kind="stable")
    size = round(share * len(training))
    places = np.floor((np.arange(size) + 0.5) * len(training) / max(size, 1)).astype(int)
    return shuffled.index.to_numpy(object)[places]
