"""Linear models fitted on inner products of scans: ridge and logistic regression.

With more inputs than scans, a linear model with a ridge penalty is the same whether fitted on
inputs or on inner products of scans, and costs a matrix of scans by scans.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit, logit
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.centring import Array, Centring
from motor_bids_app.models.tables.classical import within
from motor_bids_app.models.training.folds import binary_labels, inner_folds

PENALTIES = tuple(np.logspace(-2, 4, 7))  # for scans at a mean square distance of 1
_MOST_STEPS, _SHORTEST, _CLOSE, _ROUNDING = 100, 1e-6, 1e-9, 1e-12  # of Newton's method
_NOTHING = 1e-7  # of the largest eigenvalue
SAFE_PENALTY = 10.0  # where there are too few people to choose by


class Dual:
    """Chooses the penalty by person in inner folds of the training fold, unless it is given."""

    penalty: float | None
    random_state: int

    def _fit(self, X: Samples, y: NDArray[Any]) -> None:
        """Learn from scans."""
        raise NotImplementedError

    def decision_function(self, X: Samples) -> Array:
        """Return the linear predictor, shape (n_scans,)."""
        raise NotImplementedError

    def _choose_penalty(
        self, grams: Array, present: NDArray[np.bool_], y: NDArray[Any], people: NDArray[np.str_]
    ) -> float:
        if self.penalty is not None:
            return self.penalty
        folds = inner_folds(y, people, self.random_state)
        if not folds:
            return SAFE_PENALTY
        losses = np.zeros(len(PENALTIES))
        for fitted, judged in folds:
            inner = grams[:, fitted[:, None], fitted]
            centring = Centring(inner, present[fitted])
            solutions = self._solve(centring(inner, present[fitted]), y[fitted], PENALTIES)
            across = centring(grams[:, judged[:, None], fitted], present[judged])
            for k, (dual, intercept) in enumerate(solutions):
                losses[k] += self._loss(across @ dual + intercept, y[judged])
        return PENALTIES[int(np.argmin(losses))]

    def _solve(
        self, products: Array, y: NDArray[Any], penalties: tuple[float, ...]
    ) -> list[tuple[Array, float]]:
        """Return weights of the scans and the intercept, for each penalty."""
        raise NotImplementedError

    def _loss(self, scores: Array, y: NDArray[Any]) -> float:
        """Return the summed loss of scores."""
        raise NotImplementedError


class DualLogistic(ClassifierMixin, Dual):
    """Logistic regression with a ridge penalty."""

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Fit to classes 0 and 1, shape (n_scans,)."""
        self.classes_ = np.array([0, 1])
        self._fit(X, binary_labels(y))
        return self

    def predict_proba(self, X: Samples) -> Array:
        """Return the probability of each class, shape (n_scans, 2)."""
        poor = expit(self.decision_function(X))
        return np.column_stack([1 - poor, poor])

    def _solve(
        self, products: Array, y: NDArray[Any], penalties: tuple[float, ...]
    ) -> list[tuple[Array, float]]:
        if _is_thin(products):
            return _thin_logistic(products, y, penalties)
        dual, intercept = np.zeros(len(y)), float(logit(y.mean()))
        found = {}
        for penalty in sorted(penalties, reverse=True):  # each from where the stronger one ended
            dual, intercept = _logistic(products, y, penalty, dual, intercept)
            found[penalty] = (dual, intercept)
        return [found[penalty] for penalty in penalties]

    def _loss(self, scores: Array, y: NDArray[Any]) -> float:
        return float(np.logaddexp(0, np.where(y == 1, -scores, scores)).sum())


def _is_thin(products: Array) -> bool:
    """Whether the inputs are few beside the scans, judged by a quarter of these."""
    values = np.linalg.eigvalsh(products[::4, ::4])
    return bool(values[0] <= _NOTHING * values[-1])


def _thin_logistic(
    products: Array, y: NDArray[Any], penalties: tuple[float, ...]
) -> list[tuple[Array, float]]:
    """Fit coordinates with the same inner products, which are few; see `DualLogistic._solve`."""
    values, vectors = np.linalg.eigh(products)
    kept = values > _NOTHING * max(values[-1], 1e-30)
    if not kept.any():
        return [(np.zeros(len(y)), float(logit(y.mean())))] * len(penalties)
    roots, vectors = np.sqrt(values[kept]), vectors[:, kept]
    solutions = []
    for penalty in penalties:
        model = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-8)
        model.fit(vectors * roots, y)
        solutions.append((vectors @ (model.coef_[0] / roots), float(model.intercept_[0])))
    return solutions


def _logistic(
    products: Array, y: NDArray[Any], penalty: float, dual: Array, intercept: float
) -> tuple[Array, float]:
    """Weights of the scans and intercept of a logistic regression, from a first guess of them.

    Newton's method for the scores of the scans (Rasmussen and Williams 2006, algorithm 3.1), with
    an intercept without penalty. Every step factors one matrix, whose eigenvalues are 1 or more.
    """

    def cost(dual: Array, scores: Array, intercept: float) -> float:
        loss = np.logaddexp(0, np.where(y == 1, -scores, scores)).sum()
        return float(loss + penalty / 2 * dual @ (scores - intercept))

    scores = products @ dual + intercept
    before = cost(dual, scores, intercept)
    for _ in range(_MOST_STEPS):
        poor = expit(scores)
        roots = np.sqrt(np.maximum(poor * (1 - poor), 1e-12))
        matrix = products * (roots[:, None] * roots / penalty)
        matrix[np.diag_indices_from(matrix)] += 1
        factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        sides = np.column_stack([roots * scores + (y - poor) / roots, roots])
        own, ones = (roots[:, None] * cho_solve(factor, sides, check_finite=False) / penalty).T
        step = own.sum() / ones.sum() - intercept
        change = own - (intercept + step) * ones - dual
        moved = products @ change + step
        share, most = 1.0, before * (1 + _ROUNDING)
        while share > _SHORTEST and most < cost(
            dual + share * change, scores + share * moved, intercept + share * step
        ):
            share /= 2
        dual, intercept = dual + share * change, float(intercept + share * step)
        scores = scores + share * moved
        before = cost(dual, scores, intercept)
        if np.abs(moved).max() <= _CLOSE * max(1.0, np.abs(scores).max()):
            break
    return dual, intercept


class DualRidge(RegressorMixin, Dual):
    """Ridge regression."""

    bounds: tuple[float, float] | None

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Fit to scores, shape (n_scans,)."""
        self._fit(X, np.asarray(y, dtype=np.float64))
        return self

    def predict(self, X: Samples) -> Array:
        """Return scores, shape (n_scans,)."""
        return within(self.decision_function(X), self.bounds)

    def _solve(
        self, products: Array, y: NDArray[Any], penalties: tuple[float, ...]
    ) -> list[tuple[Array, float]]:
        values, vectors = np.linalg.eigh(products)
        mean = float(np.mean(y))
        rotated = vectors.T @ (y - mean)
        return [(vectors @ (rotated / (np.maximum(values, 0) + p)), mean) for p in penalties]

    def _loss(self, scores: Array, y: NDArray[Any]) -> float:
        return float(np.square(scores - y).sum())
