"""How a model improves with the number of people it learns from."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.evaluation.crossvalidation import cross_validate, metrics_for, primary_metric
from motor_bids_app.evaluation.metrics import Predictions
from motor_bids_app.evaluation.statistics import bootstrap_weights, percentile_interval
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
) -> pd.DataFrame:
    """Cross-validate a model with parts of each training set; test sets stay the same.

    The first repeats of `splits` are used. Parts are spread over classes, or over the score.

    Returns
    -------
    DataFrame
        Columns n_training (people, on average), metric, value, low and high (95 %, bootstrap over
        people); shares of fewer than 8 people, or of one class, are left out.
    """
    splits = splits[splits["repeat"].isin(np.unique(splits["repeat"])[:REPEATS])]
    metric, compute = primary_metric(task), metrics_for(task)
    weights = bootstrap_weights(len(truth), seed)
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
            predictions = Predictions.of(table, truth)
            value = float(compute(predictions)[metric][0])
            interval = percentile_interval(compute(predictions, weights)[metric])
            rows.append((float(np.mean(sizes)), metric, value, *interval))
    return pd.DataFrame(rows, columns=["n_training", "metric", "value", "low", "high"])


def _spread(training: "pd.Series[float]", share: float, seed: int) -> NDArray[np.object_]:
    """Labels of a share of people, evenly spaced by the outcome, equals at random."""
    shuffled = training.sample(frac=1, random_state=seed).sort_values(kind="stable")
    size = round(share * len(training))
    places = np.floor((np.arange(size) + 0.5) * len(training) / max(size, 1)).astype(int)
    return shuffled.index.to_numpy(object)[places]
