"""How a model is evaluated, as a plan that can be changed: the right way, and wrong ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.evaluation.crossvalidation import cross_validate, metrics_for, predict_people
from motor_bids_app.evaluation.fitting import Fit, fit_in_turn
from motor_bids_app.evaluation.metrics import LOWER_IS_BETTER, Floats
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.features.samples import Samples

KEYS = ["repeat", "fold", "participant_id"]
Candidate = tuple[Any, ...]  # models whose predictions are averaged
Deal = Callable[["pd.Series[float]", "pd.Series[bool]"], pd.DataFrame]


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """An evaluation before it is done.

    Parameters
    ----------
    samples : Samples
        Column participant_id names the unit of splits and of counting: people, in a right plan.
    y : array, shape (n_samples,)
        Class (0 good, 1 poor) or score of each sample.
    truth : Series, shape (n_units,)
        The same by unit.
    splits : DataFrame
        Columns repeat, fold, participant_id: the units tested.
    deal : callable or None
        From the truth and the controls (by unit) to splits of the same kind. None where sites are
        tested whole: all scans and copies of a person are at the same site, and are so together.
    variants : tuple of tuple of Candidate
        A right plan has one variant with one candidate. Of several candidates the one that does
        best in a test set counts there; of several variants, the one that does best overall.
    task : str
        "classification" or "regression".
    columns : tuple of str
        Columns of the table that the models read.
    controls_count : bool
        Whether healthy people are judged; they train in any case.
    refit : bool
        Whether each test set has models of its own. If not, those of the first test set predict
        all.
    """

    samples: Samples
    y: NDArray[Any]
    truth: "pd.Series[float]"
    splits: pd.DataFrame
    deal: Deal | None
    variants: tuple[tuple[Candidate, ...], ...]
    task: str
    columns: tuple[str, ...] = ()
    controls_count: bool = False
    refit: bool = True

    @property
    def controls(self) -> "pd.Series[bool]":
        """Whether a unit is healthy, in the order of `truth`."""
        by_row = pd.Series(self.samples.controls, index=self.samples.participants)
        return by_row.groupby(level=0).any().reindex(self.truth.index)

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Units that are judged, shape (n_units,)."""
        if self.controls_count:
            return np.ones(len(self.truth), dtype=bool)
        return ~self.controls.to_numpy(dtype=bool)

    @property
    def models(self) -> tuple[Any, ...]:
        """All models of all variants."""
        return tuple(
            model for variant in self.variants for candidate in variant for model in candidate
        )


class Fits:
    """Out-of-fold predictions of models, each made once, however many plans ask for them."""

    def __init__(self, fit: Fit = fit_in_turn) -> None:
        self._fit = fit
        self._tables: dict[tuple[object, ...], tuple[Plan, pd.DataFrame]] = {}

    def keep(self, plan: Plan, models: Sequence[Any], table: pd.DataFrame) -> None:
        """Take over what `cross_validate` found for the plan, its column training too."""
        for training, model in enumerate(models, start=1):
            part = table[table["training"] == training]
            self._tables[_key(plan, model)] = (plan, _ordered(part))

    def table(self, plan: Plan, model: Any) -> pd.DataFrame:
        """Columns repeat, fold, participant_id, prediction, in that order."""
        key = _key(plan, model)
        if key not in self._tables:  # plans are kept so that no other can get their id
            self._tables[key] = (plan, _ordered(_predict(plan, model, self._fit)))
        return self._tables[key][1]

    def values(self, plan: Plan, model: Any) -> Floats:
        """The predictions of that table."""
        return self.table(plan, model)["prediction"].to_numpy(np.float64)


def _key(plan: Plan, model: Any) -> tuple[object, ...]:
    settings = {
        name: value.tobytes() if isinstance(value, np.ndarray) else repr(value)
        for name, value in model.get_params(deep=False).items()
    }
    return (
        id(plan.samples),
        id(plan.splits),
        plan.refit,
        type(model),
        tuple(sorted(settings.items())),
    )


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    return table[[*KEYS, "prediction"]].sort_values(KEYS, ignore_index=True)


def _predict(plan: Plan, model: Any, fit: Fit) -> pd.DataFrame:
    if plan.refit:
        return cross_validate([model], plan.samples, plan.y, plan.splits, fit=fit)
    first = plan.splits.sort_values(KEYS).groupby(["repeat", "fold"]).ngroup() == 0
    tested = np.isin(
        plan.samples.participants, plan.splits.loc[first, "participant_id"].to_numpy(dtype=str)
    )
    (fitted,) = fit([(model, ~tested)], plan.samples, plan.y)
    values = predict_people(fitted, plan.samples)
    return plan.splits.assign(prediction=plan.splits["participant_id"].map(values))


def out_of_fold(plan: Plan, fits: Fits, metric: str) -> Predictions:
    """Carry out a plan.

    Parameters
    ----------
    plan : Plan
    fits : Fits
        Predictions that are already there; new ones are added.
    metric : str
        By which candidates and variants are chosen, where there are several.

    Returns
    -------
    Predictions
        Of the units that are counted.
    """
    found = []
    frame = fits.table(plan, plan.variants[0][0][0])[KEYS]
    place = Predictions.of(frame.assign(prediction=np.arange(len(frame))), plan.truth)
    tested = place.folds > 0
    rows = np.where(tested, place.values, 0).astype(np.int64)  # of the frame, by repeat and unit
    for variant in plan.variants:
        tables = [
            np.stack([fits.values(plan, model) for model in candidate]).mean(axis=0)
            for candidate in variant
        ]
        values = tables[0] if len(tables) == 1 else _best_of(plan, frame, tables, metric)
        predictions = replace(place, values=np.where(tested, values[rows], np.nan))
        found.append(predictions.of_people(plan.counted))
    if len(found) == 1:
        return found[0]
    return max(found, key=lambda predictions: goodness(predictions, plan.task, metric))


def _best_of(
    plan: Plan, frame: pd.DataFrame, tables: Sequence[Floats], metric: str
) -> NDArray[np.float64]:
    """Values of the candidate that does best in each test set, shape (n_rows,)."""
    truth = plan.truth.loc[frame["participant_id"]].to_numpy(np.float64)
    judged = pd.Series(plan.counted, index=plan.truth.index).loc[frame["participant_id"]]
    chosen = np.array(tables[0], dtype=np.float64)
    test_set = frame.groupby(["repeat", "fold"]).ngroup().to_numpy(np.int64)
    for number in range(int(test_set.max()) + 1):
        rows = test_set == number
        some = rows & judged.to_numpy(dtype=bool)
        if some.any():
            values = [_in_test_set(table[some], truth[some], plan.task, metric) for table in tables]
            chosen[rows] = tables[int(np.argmax(values))][rows]
    return chosen


def _in_test_set(values: Floats, truth: Floats, task: str, metric: str) -> float:
    people = np.arange(len(truth)).astype(object)
    one = Predictions(values[None], np.ones((1, len(truth)), dtype=np.int64), truth, people)
    # The variance of a few scores is too unsteady to divide by, and of one is none.
    return goodness(one, task, "rmse" if metric == "r2" else metric)


def goodness(predictions: Predictions, task: str, metric: str) -> float:
    """Value of a metric, so that more is better; of a test set without it, by squared error."""
    values = metrics_for(task)(predictions)
    fallback = {"classification": "brier", "regression": "rmse", "ordinal": "mae"}[task]
    name = metric if np.isfinite(values[metric][0]) else fallback
    value = float(values[name][0])
    return -value if name in LOWER_IS_BETTER else value
