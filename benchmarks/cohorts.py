"""Cohorts with known truth, and what models say of them; used by grid.py.

Columns are normal. In cohorts with signal the first of few columns, or all of many alike, differ
between classes or add to the score. What a fitted model is worth is known from many others.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from batched import MODELS
from scipy import stats

from motor_bids_app.evaluation.calibration import calibration_metrics
from motor_bids_app.evaluation.predictions import Predictions
from motor_bids_app.evaluation.splits import feasible_folds, make_splits
from motor_bids_app.evaluation.thresholds import best_threshold

REPEATS, N_NEW = 3, 2000  # N_NEW: of each class, or half of the people with scores
FEW, MANY = 3, 100  # columns
AUC, R2 = 0.75, 0.3  # best possible, of few columns
MANY_SHIFT, MANY_R2 = 2.0, 0.7  # more, as it is harder to find in many
CLASSES = ("roc_auc", "balanced_accuracy", "balanced_accuracy_own", "calibration_slope")
SCORES = ("r2", "mae", "rmse", "r")
TWINS = ("ladder", "network")
_SKEW = 2.0  # shape of a gamma distribution
OFF = np.linspace(-8, 8, 801)  # of a prediction from the mean of a score


@dataclass(frozen=True)
class Cell:
    """One kind of cohort."""

    task: str
    n: int
    signal: bool
    even: bool  # as many poor as good, or normal errors
    sites: int

    @property
    def name(self) -> str:
        """What is printed."""
        kind = ("50 % poor" if self.even else "15 % poor") if self.classify else (
            "normal" if self.even else "skewed")  # fmt: skip
        where = "1 site" if self.sites == 1 else "3 sites"
        return f"{self.n} people, {'signal' if self.signal else 'null'}, {kind}, {where}"

    @property
    def classify(self) -> bool:
        """Whether the outcome is a class."""
        return self.task == "classification"


CELLS = [
    Cell(*values)
    for values in product(
        ("classification", "regression"), (20, 40, 80), (False, True), (True, False), (1, 3)
    )
]


def outcomes(cell: Cell, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sites of the people, and their classes: sites of unlike shares where there are three."""
    site = np.sort(np.arange(cell.n) % cell.sites)
    y = np.zeros(cell.n)
    total = round((0.5 if cell.even else 0.15) * cell.n)
    shares = np.array([0.5, 0.33, 0.17] if total > 3 and cell.sites == 3 else [1 / cell.sites] * 3)
    if cell.even and cell.sites == 3:
        shares = np.array([0.47, 0.33, 0.2])
    counts = np.round(total * shares[: cell.sites]).astype(int)
    counts[0] += total - counts.sum()
    for k, count in enumerate(counts):
        y[rng.choice(np.flatnonzero(site == k), count, replace=False)] = 1
    return site, y


def along(columns: int) -> np.ndarray:
    """Direction of the signal: the first of few columns, or all of many alike."""
    line = np.zeros(columns)
    line[: 1 if columns == FEW else columns] = 1
    return line / np.linalg.norm(line)


def explained(cell: Cell, columns: int) -> float:
    """Part of the variance of scores that the columns explain."""
    return (R2 if columns == FEW else MANY_R2) if cell.signal else 0.0


def shift(cell: Cell, columns: int) -> np.ndarray:
    """How far people with a poor outcome lie from the others."""
    far = np.sqrt(2) * stats.norm.ppf(AUC) if columns == FEW else MANY_SHIFT
    return cell.signal * far * along(columns)


def draw(
    cell: Cell, y: np.ndarray, columns: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Columns of people, and their outcome."""
    x = rng.standard_normal((len(y), columns))
    if cell.classify:
        return x + np.outer(y, shift(cell, columns)), y
    noise = rng.standard_normal(len(y))
    if not cell.even:
        noise = (rng.gamma(_SKEW, size=len(y)) - _SKEW) / np.sqrt(_SKEW)
    share = explained(cell, columns)
    return x, np.sqrt(share) * (x @ along(columns)) + np.sqrt(1 - share) * noise


def twin(cell: Cell, y: np.ndarray, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Other columns that say as much of the outcome."""
    if cell.classify:
        return draw(cell, y, columns, rng)[0]
    x, share = rng.standard_normal((len(y), columns)), explained(cell, columns)
    # What they say of a score is about sqrt(share) times the score.
    told = np.sqrt(share) * y + np.sqrt(1 - share) * rng.standard_normal(len(y))
    return x + np.outer(told - x @ along(columns), along(columns))


@cache
def others(cell: Cell, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns of many others, and their classes, or the means of their scores."""
    rng = np.random.default_rng([7, CELLS.index(cell)])
    if cell.classify:
        x = rng.standard_normal((N_NEW, columns))
        return np.vstack([x, x + shift(cell, columns)]), np.repeat([0.0, 1.0], N_NEW)
    x = rng.standard_normal((2 * N_NEW, columns))
    return x, np.sqrt(explained(cell, columns)) * (x @ along(columns))


def deal(cell: Cell, y: np.ndarray, site: np.ndarray, seed: int) -> np.ndarray:
    """Folds as of `Predictions`."""
    if cell.sites > 1:
        return site[None] + 1
    folds = feasible_folds(y.astype(int), 5)[0] if cell.classify else 5
    names = [str(k) for k in range(cell.n)]
    labels = y.astype(int) if cell.classify else y
    table = make_splits(names, labels, folds=folds, repeats=REPEATS, seed=seed)
    dealt = np.zeros((REPEATS, cell.n), dtype=np.int64)
    dealt[table["repeat"] - 1, table["participant_id"].astype(int)] = table["fold"]
    return dealt


def without_each(folds: np.ndarray) -> np.ndarray:
    """Who trains, as 0 and 1, where each fold of each repeat is left out, shape (C, F, n)."""
    numbers = np.arange(1, folds.max() + 1)
    train = (folds[:, :, None] != numbers[:, None]).reshape(len(folds), -1, folds.shape[2])
    return train.astype(float)


def out_of_fold(
    model: str, xs: np.ndarray, ys: np.ndarray, folds: np.ndarray, classify: bool
) -> np.ndarray:
    """Out-of-fold predictions of cohorts, shape (C, R, n)."""
    told = MODELS[model](xs, ys, without_each(folds), xs, classify)
    told = told.reshape(*folds.shape[:2], folds.max(), -1)
    return np.take_along_axis(told, folds[:, :, None] - 1, axis=2)[:, :, 0]


@dataclass(frozen=True)
class Cohorts:
    """Some cohorts and what a model says of them; first axes are cohorts."""

    x: np.ndarray
    y: np.ndarray
    folds: np.ndarray
    told: np.ndarray  # out of fold
    twin: np.ndarray | None  # out of fold, by other columns that are as good
    final: np.ndarray  # of many others, by the model that learned from all, (C, 1, m)
    left: np.ndarray | None  # of them, by the models that each learned without a site, (C, 3, m)


def simulate(cell: Cell, model: str, first: int, count: int) -> Cohorts:
    """Draw cohorts, and cross-validate the model in each."""
    columns, drawn = MANY if model == "kernel" else FEW, []
    for seed in range(first, first + count):
        rng = np.random.default_rng([CELLS.index(cell), seed])
        site, y = outcomes(cell, rng)
        x, y = draw(cell, y, columns, rng)
        drawn.append((x, y, twin(cell, y, columns, rng), deal(cell, y, site, seed)))
    x, y, other, folds = (np.stack(part) for part in zip(*drawn, strict=True))
    new = others(cell, columns)[0]
    everyone, seen = np.ones((count, 1, cell.n)), np.broadcast_to(new, (count, *new.shape))
    return Cohorts(
        x=x,
        y=y,
        folds=folds,
        told=out_of_fold(model, x, y, folds, cell.classify),
        twin=out_of_fold(model, other, y, folds, cell.classify) if model in TWINS else None,
        final=MODELS[model](x, y, everyone, seen, cell.classify),
        left=MODELS[model](x, y, without_each(folds), seen, cell.classify)
        if cell.sites > 1
        else None,
    )


def true_of_classes(
    told: np.ndarray, poor: np.ndarray, share: float, limits: np.ndarray
) -> dict[str, float]:
    """Metrics of fitted models in many others, their mean; calibration of all together.

    Parameters
    ----------
    told : array, shape (k, m)
    poor : bool array, shape (m,)
    share : float
        Of poor people, where the models are used.
    limits : array, shape (k, 1)
        From which on each model's own threshold calls poor.
    """
    ranks = stats.rankdata(told, axis=1)[:, poor]
    n = poor.sum()
    auc = float((ranks.sum(axis=1).mean() - n * (n + 1) / 2) / (n * (~poor).sum()))
    weights = np.where(poor, share, 1 - share)[None]
    many = Predictions(told, np.ones(told.shape, int), poor.astype(float), np.arange(len(poor)))
    even, own = (
        ((told >= at)[:, poor].mean() + (told < at)[:, ~poor].mean()) / 2 for at in (0.5, limits)
    )
    slope = float(calibration_metrics(many, weights)["calibration_slope"][0])
    return dict(zip(CLASSES, (auc, even, own, slope), strict=True))


def true_of_scores(
    cell: Cell, told: np.ndarray, meant: np.ndarray, columns: int
) -> dict[str, float]:
    """Metrics of fitted models in many others, over all noise that their scores may have.

    `told`, of shape (k, m), is what k models say, and `meant` the mean of each score.
    """
    noise = np.sqrt(1 - explained(cell, columns))
    squares = np.square(told - meant).mean(axis=1) + noise**2
    spread = np.sqrt(meant.var() + noise**2)
    apart = told - told.mean(axis=1, keepdims=True)
    size = np.maximum(told.std(axis=1) * spread, 1e-12)
    r = (apart * meant).mean(axis=1) / size
    mae = np.interp(told - meant, OFF, mean_distance(cell, columns)).mean()
    found = (1 - squares / spread**2, mae, np.sqrt(squares), r)
    return {name: float(np.mean(one)) for name, one in zip(SCORES, found, strict=True)}


@cache
def mean_distance(cell: Cell, columns: int) -> np.ndarray:
    """Mean absolute error of a prediction that is `OFF` from the mean of a score."""
    errors = quantiles(cell) * np.sqrt(1 - explained(cell, columns))
    return np.asarray(np.abs(OFF[:, None] - errors).mean(axis=1))


@cache
def quantiles(cell: Cell) -> np.ndarray:
    """Standard errors of scores, evenly over their distribution."""
    shares = (np.arange(1000) + 0.5) / 1000
    if cell.even:
        return stats.norm.ppf(shares)
    return (stats.gamma.ppf(shares, _SKEW) - _SKEW) / np.sqrt(_SKEW)


def truth(cell: Cell, model: str, made: Predictions, told: np.ndarray) -> dict[str, float]:
    """Metrics in many others of fitted models that say `told`, shape (k, m).

    Either of the one that learned from everyone, which has the threshold that is best for all, or
    of those that each learned without a site, with the thresholds that they had there.
    """
    columns = MANY if model == "kernel" else FEW
    outcome = others(cell, columns)[1]
    if not cell.classify:
        return true_of_scores(cell, told, outcome, columns)
    times = np.broadcast_to(made.truth, made.values.shape)
    limits = np.array([[best_threshold(made.values.ravel(), times.ravel())]])
    if len(told) > 1:
        assert made.thresholds is not None
        first = np.unique(made.folds[0], return_index=True)[1]
        limits = made.thresholds[0, first][:, None]
    return true_of_classes(told, outcome == 1, made.truth.mean(), limits)
