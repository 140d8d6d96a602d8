"""Predictions for people whom the model has not seen, by fitting once per split."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.evaluation.fitting import Fit, fit_in_turn
from motor_bids_app.evaluation.metrics import (
    classification_metrics,
    ordinal_metrics,
    pairwise_auc,
    regression_metrics,
)
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.features.samples import Samples

Watch = Callable[[Any, Any, int, NDArray[np.bool_]], None]  # see `cross_validate`
_METRICS: dict[str, Callable[..., dict[str, NDArray[np.float64]]]] = {
    "classification": classification_metrics,
    "regression": regression_metrics,
    "ordinal": ordinal_metrics,
}
COLUMNS = ["repeat", "fold", "training", "participant_id", "prediction"]


def cross_validate(
    models: Sequence[Any],
    samples: Samples,
    y: ArrayLike,
    splits: pd.DataFrame,
    progress: Callable[[int, int], None] | None = None,
    by_map: list[pd.DataFrame] | None = None,
    watch: Watch | None = None,
    fit: Fit = fit_in_turn,
) -> pd.DataFrame:
    """Fit each model on the people outside each test set, and predict those inside.

    Parameters
    ----------
    models : sequence of estimators
        The same model with other seeds, whose predictions will be averaged; usually one.
        Everything learned from data must be inside its `fit`.
    samples : Samples
        Scans; a person may have several.
    y : array, shape (n_scans,)
        Class (0 good, 1 poor) or score of each scan.
    splits : DataFrame
        Columns repeat, fold, participant_id: the tested people. All scans of a tested person are
        tested, so that no person is on both sides.
    progress : callable, optional
        Told (fits done, fits in all) after each fit.
    by_map : list, optional
        Gets tables with further columns map and chosen (whether the model averages this map),
        from models that predict by single maps too.
    watch : callable, optional
        Shown each fitted model, with repeat, training, and which scans are tested.
    fit : callable
        Fits all of them, one after the other or several at once; gives them in order.

    Returns
    -------
    DataFrame
        Columns repeat, fold, training (model number, from 1), participant_id and prediction: the
        mean over the person's scans of the poor-class probability, or of the score.

    Raises
    ------
    DataError
        A test set names a person without scans, or leaves nobody to train on.
    """
    y = np.asarray(y)
    tests = [
        (repeat, fold, _tested(samples, part["participant_id"]))
        for repeat, of_repeat in splits.groupby("repeat")
        for fold, part in of_repeat.groupby("fold")
    ]
    trainings = [
        (repeat, fold, training, tested, model)
        for repeat, fold, tested in tests
        for training, model in enumerate(models, start=1)
    ]
    fitting = fit([(model, ~tested) for *_, tested, model in trainings], samples, y)
    parts: list[pd.DataFrame] = []
    for (repeat, fold, training, tested, _), fitted in zip(trainings, fitting, strict=True):
        part = predict_people(fitted, samples[tested]).reset_index()
        part["repeat"], part["fold"], part["training"] = repeat, fold, training
        parts.append(part)
        if by_map is not None and hasattr(fitted, "map_predictions"):
            keys = {"repeat": repeat, "fold": fold, "training": training}
            by_map.append(_map_predictions(fitted, samples[tested]).assign(**keys))
        if watch is not None:
            watch(fitted, repeat, training, tested)
        if progress is not None:
            progress(len(parts), len(trainings))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _tested(samples: Samples, people: "pd.Series[str]") -> NDArray[np.bool_]:
    """Scans of the tested people, shape (n_scans,)."""
    unknown = sorted(set(people) - set(samples.participants))
    if unknown:
        raise DataError(f"The splits name {unknown[0]}, who has no scan in this experiment.")
    tested = np.isin(samples.participants, people.to_numpy(dtype=str))
    if tested.all():
        raise DataError("A split tests everyone, which leaves nobody to train on.")
    return tested


def predict_people(model: Any, samples: Samples) -> "pd.Series[float]":
    """Mean prediction over each person's scans, named 'prediction', by participant_id."""
    return mean_by_person(predict_scans(model, samples), samples)


def mean_by_person(values: NDArray[np.float64], samples: Samples) -> "pd.Series[float]":
    """Mean of what was predicted for scans, named 'prediction', by participant_id."""
    people = pd.Index(samples.participants, name="participant_id", dtype=object)
    return pd.Series(values, index=people, name="prediction").groupby(level=0).mean()


def _map_predictions(model: Any, samples: Samples) -> pd.DataFrame:
    """Mean over each person's scans, by map: participant_id, map, prediction, chosen."""
    people = pd.Index(samples.participants, name="participant_id", dtype=object)
    by_scan = pd.DataFrame(model.map_predictions(samples), index=people, columns=model.maps_)
    by_person = by_scan.groupby(level=0).mean().reset_index()
    table = by_person.melt("participant_id", var_name="map", value_name="prediction")
    return table.assign(chosen=table["map"].isin(list(model.chosen_)))


def predict_scans(model: Any, samples: Samples) -> NDArray[np.float64]:
    """Probability of the poor class, or score, of each scan, shape (n_scans,).

    Raises
    ------
    DataError
        A prediction is not finite.
    """
    if hasattr(model, "predict_proba"):
        values = np.asarray(model.predict_proba(samples), dtype=np.float64)[:, 1]
    else:
        values = np.asarray(model.predict(samples), dtype=np.float64)
    if not np.isfinite(values).all():
        lost = samples.participants[~np.isfinite(values)]
        raise DataError(
            f"{type(model).__name__} gave no finite prediction for {lost[0]} and "
            f"{len(lost) - 1} more. Its training diverged: lower the learning rate."
        )
    return values


def average_trainings(table: pd.DataFrame) -> pd.DataFrame:
    """Average over the trainings of a split, as the shared model will."""
    keys = ["repeat", "fold", "participant_id"]
    return table.groupby(keys, sort=True)["prediction"].mean().reset_index()


def metrics_for(task: str) -> Callable[..., dict[str, NDArray[np.float64]]]:
    """Metrics function of a task."""
    return _METRICS[task]


def primary_metric(task: str) -> str:
    """Metric that comparisons are made in."""
    return {"classification": "roc_auc", "regression": "r2", "ordinal": "quadratic_kappa"}[task]


def resampled_primary(
    predictions: Predictions, task: str, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Primary metric in resamples of people, with weights of shape (B, n), shape (B,)."""
    if task == "classification":
        return pairwise_auc(predictions, weights)
    return metrics_for(task)(predictions, weights)[primary_metric(task)]


def split_metrics(predictions: Predictions, task: str) -> pd.DataFrame:
    """Metrics of each fitted model: columns repeat, fold, metric, value.

    A fold's R² is taken against the variance of the whole cohort: that of a few people is
    too unsteady to divide by.
    """
    variance = float(predictions.truth.var())
    rows = []
    for repeat, part in enumerate(predictions.by_repeat(), start=1):
        for fold in np.unique(part.folds):
            one = part.of_people(part.folds[0] == fold)
            values = {name: float(v[0]) for name, v in metrics_for(task)(one).items()}
            if task == "regression":
                values["r2"] = 1 - values["rmse"] ** 2 / variance
            rows += [(repeat, int(fold), name, value) for name, value in values.items()]
    return pd.DataFrame(rows, columns=["repeat", "fold", "metric", "value"])
