"""Linear models fitted on inner products of scans: ridge and logistic regression.

With more inputs than scans, a linear model with a ridge penalty is the same whether fitted on
inputs or on inner products of scans, and costs a matrix of scans by scans.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.centring import Array, Centring
from motor_bids_app.models.tables.classical import within
from motor_bids_app.models.training.folds import binary_labels, inner_folds

PENALTIES = tuple(np.logspace(-2, 4, 7))  # for scans at a mean square distance of 1
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
        values, vectors = np.linalg.eigh(products)
        kept = values > 1e-7 * max(values[-1], 1e-30)
        if not kept.any():
            return [(np.zeros(len(y)), float(logit(y.mean())))] * len(penalties)
        roots, vectors = np.sqrt(values[kept]), vectors[:, kept]
        solutions = []
        for penalty in penalties:
            model = LogisticRegression(C=1 / penalty, solver="newton-cholesky", tol=1e-8)
            model.fit(vectors * roots, y)  # coordinates with the same inner products
            dual = vectors @ (model.coef_[0] / roots)
            solutions.append((dual, float(model.intercept_[0])))
        return solutions

    def _loss(self, scores: Array, y: NDArray[Any]) -> float:
        return float(np.logaddexp(0, np.where(y == 1, -scores, scores)).sum())


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
