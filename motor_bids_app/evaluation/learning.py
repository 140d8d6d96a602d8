"""How a model improves with the number of people it learns from."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.evaluation.crossvalidation import cross_validate, primary_metric
from motor_bids_app.evaluation.metrics import Predictions
from motor_bids_app.evaluation.summary import metric_interval
from motor_bids_app.features.samples import Samples

SHARES = (0.25, 0.5, 0.75, 1.0)  # of the training people
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
) -> pd.DataFrame:
    """Cross-validate a model with parts of each training set; test sets stay the same.

    The first repeats of `splits` are used. Parts are spread over classes, or over the score.

    Parameters
    ----------
    truth : Series, shape (n_people,)
        Class or score of everyone, by participant.
    counted : bool array, shape (n_people,), optional
        Whose predictions are judged; the others only train. By default all.

    Returns
    -------
    DataFrame
        Columns n_training (people, on average), metric, value, low and high (95 %, as in
        `metrics_table`, for training sets of this size); shares of fewer than 8 people, or of one
        class, or whose metric is not defined, are left out.
    """
    splits = splits[splits["repeat"].isin(np.unique(splits["repeat"])[:REPEATS])]
    metric = primary_metric(task)
    judged = np.ones(len(truth), dtype=bool) if counted is None else counted
    rows = []
    for share in SHARES:
        parts, sizes = [], []
        for _, test in splits.groupby(["repeat", "fold"]):
            training = truth[~truth.index.isin(test["participant_id"])]
            chosen = _spread(training, share, seed)
            if chosen.size < LEAST or training.loc[list(chosen)].nunique() < 2:
                break
            kept = np.isin(samples.participants, [*chosen, *test["participant_id"]])
            parts.append(cross_validate([model], samples[kept], np.asarray(y)[kept], test))
            sizes.append(chosen.size)
        else:
            table = pd.concat(parts, ignore_index=True).drop(columns="training")
            tested = len(table) / len(sizes)  # people, in an average test set
            predictions = replace(
                Predictions.of(table, truth), test_to_train=tested / float(np.mean(sizes))
            ).of_people(judged)
            found = metric_interval(predictions, metric, task, seed)
            if np.isfinite(found[0]):
                rows.append((float(np.mean(sizes)), metric, *found))
    return pd.DataFrame(rows, columns=["n_training", "metric", "value", "low", "high"])


def _spread(training: "pd.Series[float]", share: float, seed: int) -> NDArray[np.object_]:
    """Labels of a share of people, evenly spaced by the outcome, equals at random."""
    shuffled = training.sample(frac=1, random_state=seed).sort_values(kind="stable")
    size = round(share * len(training))
    places = np.floor((np.arange(size) + 0.5) * len(training) / max(size, 1)).astype(int)
    return shuffled.index.to_numpy(object)[places]
