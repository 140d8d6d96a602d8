"""Every subset of maps scored from stored out-of-fold predictions, without a new training."""

from itertools import chain, combinations

import pandas as pd

from motor_bids_app.evaluation.crossvalidation import average_trainings, metrics_for
from motor_bids_app.evaluation.predictions import Predictions


def score_subsets(table: pd.DataFrame, truth: "pd.Series[float]", task: str) -> pd.DataFrame:
    """Metrics of the mean prediction over every subset of maps.

    To look at, not to choose by: the best of many subsets is the best by luck too. An honest
    choice is made in an inner loop.

    Parameters
    ----------
    table : DataFrame
        Out-of-fold predictions of each map: columns map, repeat, fold, training,
        participant_id, prediction.
    truth : Series
        Class or score of each person.
    task : str
        "classification" or "regression".

    Returns
    -------
    DataFrame
        Columns maps (names joined by " + "), n_maps, metric, value (mean over repeats).
    """
    by_map = {
        str(name): average_trainings(part).set_index(["repeat", "fold", "participant_id"])
        for name, part in table.groupby("map", sort=False)
    }
    names = list(by_map)
    rows = []
    for subset in chain.from_iterable(combinations(names, n) for n in range(1, len(names) + 1)):
        columns = pd.concat([by_map[name]["prediction"] for name in subset], axis=1)
        mean = columns.mean(axis=1).rename("prediction").reset_index()
        values = metrics_for(task)(Predictions.of(mean, truth))
        rows += [
            (" + ".join(subset), len(subset), metric, float(value.mean()))
            for metric, value in values.items()
        ]
    return pd.DataFrame(rows, columns=["maps", "n_maps", "metric", "value"])


def chosen_maps(table: pd.DataFrame) -> pd.DataFrame:
    """Return the maps that each fitted model chose by its training people.

    Parameters
    ----------
    table : DataFrame
        As of `score_subsets`, with a column chosen.

    Returns
    -------
    DataFrame
        Columns repeat, fold, training, maps (names joined by " + ") and n_maps.
    """
    keys = ["repeat", "fold", "training"]
    chosen = table[table["chosen"]].drop_duplicates([*keys, "map"])
    named = chosen.groupby(keys)["map"].agg([" + ".join, "size"]).reset_index()
    return named.set_axis([*keys, "maps", "n_maps"], axis=1)
