"""Whether a model of elsewhere is better once it is updated, tried on people not used for it.

An update moves the predictions (intercept), or moves and stretches them (intercept and slope); of
classes on the scale of log odds (Steyerberg 2019, Clinical Prediction Models, chapter 20; Van
Calster et al. 2019, BMC Medicine 17:230). Each is fitted to some of the people and judged on the
others, in many splits: an update that is judged on those it was fitted to cannot fail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import expit, logit

from motor_bids_app.evaluation.calibration import logistic_intercept, logistic_slope
from motor_bids_app.evaluation.external import LEAST_SLOPE
from motor_bids_app.evaluation.metrics import Floats
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import make_splits
from motor_bids_app.evaluation.statistics import LEVEL

AS_IT_IS, INTERCEPT, BOTH, REFIT = "as it is", "intercept", "intercept and slope", "refit"
COLUMNS = [
    "update", "intercept", "slope", "loss", "value", "gain", "low", "high", "n_people",
]  # fmt: skip
LEAST_CLASS, LEAST_PEOPLE = 10, 20  # in each class, and of scores, to update a model on
FOLDS, REPEATS = 5, 10
_LEAST = 1e-6  # probability, so that its log odds are finite


@dataclass(frozen=True)
class Update:
    """Line that predictions are sent through, of classes on log odds."""

    intercept: float = 0.0
    slope: float = 1.0

    def apply(self, values: Floats, task: str) -> Floats:
        """Return updated probabilities or scores, of the same shape.

        >>> Update(intercept=2, slope=0.5).apply(np.array([10.0, 20.0]), "regression").tolist()
        [7.0, 12.0]
        """
        if task != "classification":
            return self.intercept + self.slope * values
        odds = logit(np.clip(values, _LEAST, 1 - _LEAST))
        return np.asarray(expit(self.intercept + self.slope * odds))


def fit_update(kind: str, values: Floats, truth: Floats, task: str) -> Update:
    """Fit one kind of update, by maximum likelihood; a slope below 0 is taken as 0.

    Parameters
    ----------
    kind : str
        `AS_IT_IS`, `INTERCEPT` or `BOTH`.
    values, truth : array, shape (n,)
        Predictions, and 1 for poor and 0 for good, or scores.
    """
    if kind == AS_IT_IS:
        return Update()
    classify = task == "classification"
    inputs = logit(np.clip(values, _LEAST, 1 - _LEAST)) if classify else values
    slope = 1.0
    if kind == BOTH:
        slope = max(0.0, _slope(inputs, truth, classify=classify))
    if classify:
        ones = np.ones((1, len(truth)))
        return Update(float(logistic_intercept(slope * inputs, truth, ones)[0]), slope)
    return Update(float((truth - slope * inputs).mean()), slope)


def _slope(inputs: Floats, truth: Floats, *, classify: bool) -> float:
    deviations = inputs - inputs.mean()
    spread = float(np.square(deviations).sum())
    if spread <= LEAST_SLOPE:
        return 0.0
    if not classify:
        return float(deviations @ truth) / spread
    return float(logistic_slope(inputs, truth, np.ones((1, len(truth))))[0])


def enough_to_update(truth: Floats, task: str) -> bool:
    """Whether there are enough people to fit an update to some and judge it on others."""
    if task != "classification":
        return len(truth) >= LEAST_PEOPLE
    n_poor = int(truth.sum())
    return min(n_poor, len(truth) - n_poor) >= LEAST_CLASS


def update_splits(predictions: Predictions, task: str, seed: int) -> pd.DataFrame:
    """Who judges each update that is fitted to all others: ten times five folds."""
    labels = predictions.truth.astype(int) if task == "classification" else predictions.truth
    people = predictions.people.tolist()
    return make_splits(people, labels, folds=FOLDS, repeats=REPEATS, seed=seed)


def cross_updated(
    predictions: Predictions, kind: str, task: str, splits: pd.DataFrame
) -> Predictions:
    """Predictions of people after an update that was fitted without them.

    Parameters
    ----------
    predictions : Predictions
        See `single_test_set`.
    kind : str
        See `fit_update`.
    splits : DataFrame
        See `update_splits`.
    """
    wide = splits.pivot_table(index="repeat", columns="participant_id", values="fold")
    folds = wide[predictions.people.tolist()].to_numpy(dtype=np.int64)
    values, truth = predictions.values[0], predictions.truth
    made = np.empty(folds.shape)
    for row, fold in zip(made, folds, strict=True):
        for number in np.unique(fold):
            tested = fold == number
            update = fit_update(kind, values[~tested], truth[~tested], task)
            row[tested] = update.apply(values[tested], task)
    return replace(predictions, values=made, folds=folds)


def updates_table(
    predictions: Predictions, others: Mapping[str, Predictions], task: str, splits: pd.DataFrame
) -> pd.DataFrame:
    """Compare the model as it is with its updates, and with others on the same splits.

    Parameters
    ----------
    predictions : Predictions
        See `single_test_set`.
    others : mapping of str to Predictions
        Such as the same kind of model fitted anew, cross-validated on `splits`.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`: intercept and slope as fitted to everyone, the mean loss (Brier score, or
        mean squared error), how much less it is than as it is (gain), and the 95 % interval of
        that, by a paired t over people.
    """
    kinds = (AS_IT_IS, INTERCEPT, BOTH)
    own = {kind: cross_updated(predictions, kind, task, splits) for kind in kinds}
    made = {**own, **others}
    losses = {kind: _losses(one) for kind, one in made.items()}
    loss, n = "brier" if task == "classification" else "mse", len(predictions.truth)
    rows = []
    for kind, lost in losses.items():
        line: tuple[float, float] = (np.nan, np.nan)
        if kind in kinds:
            update = fit_update(kind, predictions.values[0], predictions.truth, task)
            line = update.intercept, update.slope
        gains = losses[AS_IT_IS] - lost
        half = float(stats.t.isf((1 - LEVEL) / 2, n - 1) * gains.std(ddof=1) / np.sqrt(n))
        mean = float(gains.mean())
        limits = (np.nan,) * 3 if kind == AS_IT_IS else (mean, mean - half, mean + half)
        rows.append((kind, *line, loss, float(lost.mean()), *limits, n))
    return pd.DataFrame(rows, columns=COLUMNS)


def advised(predictions: Predictions, table: pd.DataFrame, task: str) -> str:
    """Least update that these people ask for; a refit where it gains more than twice as much.

    By a closed test (Vergouwe et al. 2017, Stat Med 36:4529): the model stands as it is unless
    intercept and slope together fit better (likelihood ratio, 5 %), and the intercept alone
    suffices unless the slope adds to it. So a model that needs no update is advised one in at most
    1 of 20 cohorts. An update that does not lower the loss of people it was not fitted to is not
    advised either.

    Parameters
    ----------
    predictions : Predictions
        See `single_test_set`.
    table : DataFrame
        See `updates_table`.
    """
    values, truth = predictions.values[0], predictions.truth
    fits = {kind: _misfit(kind, values, truth, task) for kind in (AS_IT_IS, INTERCEPT, BOTH)}
    chosen = AS_IT_IS
    if stats.chi2.sf(fits[AS_IT_IS] - fits[BOTH], 2) < 1 - LEVEL:
        alone = stats.chi2.sf(fits[INTERCEPT] - fits[BOTH], 1) >= 1 - LEVEL
        chosen = INTERCEPT if alone else BOTH
    gains = {row["update"]: (row["gain"], row["low"]) for _, row in table.iterrows()}
    if chosen != AS_IT_IS and gains[chosen][0] <= 0:
        chosen = AS_IT_IS
    gain, low = gains.get(REFIT, (0.0, 0.0))
    own = 0.0 if chosen == AS_IT_IS else gains[chosen][0]
    return REFIT if low > 0 and gain > 2 * own else chosen


def _misfit(kind: str, values: Floats, truth: Floats, task: str) -> float:
    """Deviance of updated predictions: -2 log likelihood, of scores with normal errors."""
    told = fit_update(kind, values, truth, task).apply(values, task)
    if task == "classification":
        right = np.clip(np.where(truth == 1, told, 1 - told), _LEAST, 1)
        return float(-2 * np.log(right).sum())
    return float(len(truth) * np.log(max(np.square(truth - told).mean(), 1e-12)))


def _losses(predictions: Predictions) -> Floats:
    """Mean squared error of each person over repeats, shape (n,)."""
    return np.asarray(np.square(predictions.values - predictions.truth).mean(axis=0))
