"""Metrics as karakis2023 printed them, for comparison with the paper."""

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.crossvalidation import metrics_for
from motor_bids_app.evaluation.predictions import Predictions


def as_paper(table: pd.DataFrame, truth: "pd.Series[float]") -> pd.DataFrame:
    """Metrics per class as karakis2023 printed them: overall mean and mean of maxima.

    Parameters
    ----------
    table : DataFrame
        Out-of-fold predictions of every training (`cross_validate`).
    truth : Series
        Class of each person.

    Returns
    -------
    DataFrame
        Columns class ("poor", "good", "overall"), metric, mean, min, max (over test sets, of the
        mean over trainings), mean_of_maxima, maxima_min and maxima_max (over test sets, of the
        training with the best accuracy there, and the best AUC among equals, which no user could
        have picked: an upper bound, not a performance), and n_test_sets. All figures of a test
        set are of the same best training, so that accuracy is between recall and specificity.
        Each fold of each repeat is a test set; the paper had one per repeat. Those
        without one of the classes have no such metrics, and are left out.
    """
    long, one = by_test_set(table, truth), ["class", "metric"]
    keys = [*one, "repeat", "fold"]
    groups = long.groupby(keys, sort=False)["value"].mean().groupby(one, sort=False)
    best = best_trainings(long).groupby(keys, sort=False)["value"].mean()
    maxima = best.groupby(one, sort=False)
    return pd.DataFrame(
        {
            "mean": groups.mean(),
            "min": groups.min(),
            "max": groups.max(),
            "mean_of_maxima": maxima.mean(),
            "maxima_min": maxima.min(),
            "maxima_max": maxima.max(),
            "n_test_sets": groups.size(),
        }
    ).reset_index()


def by_test_set(table: pd.DataFrame, truth: "pd.Series[float]") -> pd.DataFrame:
    """Metrics of every training in every test set that has both classes; parameters as above.

    Returns
    -------
    DataFrame
        Columns repeat, fold, training, class ("poor", "good", "overall"), metric and value.
    """
    rows = []
    for (repeat, fold, training), part in table.groupby(["repeat", "fold", "training"]):
        one = Predictions.of(part.drop(columns="training"), truth)
        tested = next(one.by_repeat())
        if len(np.unique(tested.truth)) < 2:
            continue
        for name, value in _paper_metrics(tested).items():
            rows.append((repeat, fold, training, *name, value))
    return pd.DataFrame(rows, columns=["repeat", "fold", "training", "class", "metric", "value"])


def best_trainings(long: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the training that did best in each test set: by accuracy, then by AUC.

    `long` is as of `by_test_set`. Nobody can pick these trainings without the answers.
    """
    keys = ["repeat", "fold", "training"]
    poor = long[long["class"] == "poor"]
    wide = poor.pivot_table("value", keys, "metric", sort=False, dropna=False)
    ranked = wide.reset_index().sort_values(["accuracy", "roc_auc"], ascending=False, kind="stable")
    return long.merge(ranked.drop_duplicates(keys[:2])[keys])


def _paper_metrics(predictions: Predictions) -> dict[tuple[str, str], float]:
    """AUC, specificity, accuracy, precision, recall and F1, taking either class as positive."""
    swapped = Predictions(
        # Just below 0.5 stays on the good side: 'poor' is called at 0.5 or more.
        np.where(predictions.values == 0.5, 0.5 - 1e-9, 1 - predictions.values),
        predictions.folds,
        1 - predictions.truth,
        predictions.people,
    )
    names = ("roc_auc", "specificity", "accuracy", "precision", "recall", "f1")
    poor, good = metrics_for("classification")(predictions), metrics_for("classification")(swapped)
    values = {("poor", name): float(poor[name][0]) for name in names}
    values |= {("good", name): float(good[name][0]) for name in names}
    return values | {
        ("overall", name): (values["poor", name] + values["good", name]) / 2 for name in names
    }
