"""Networks as estimators: trained by skorch on mini-batches, in the training fold only."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import ClassifierMixin, RegressorMixin
from torch import nn

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.networks.heads import (
    BoundedLoss,
    BoundedPoints,
    LogOdds,
    Points,
    WeightedLoss,
    bounded,
    bounded_start,
    check_bounds,
)
from motor_bids_app.models.networks.model import NetworkModel
from motor_bids_app.models.state import State
from motor_bids_app.models.training.batches import balanced_rows
from motor_bids_app.models.training.folds import binary_labels


class NetworkClassifier(ClassifierMixin, NetworkModel):
    """Network that gives the probability of a poor outcome; see `NetworkModel`."""

    _n_outputs = 2

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Train on classes 0 and 1, shape (n_scans,)."""
        self.classes_ = np.array([0, 1])
        self._fit(X, binary_labels(y))
        return self

    def _rows(self, y: NDArray[Any]) -> NDArray[np.intp]:
        return balanced_rows(y) if self.balance == "sharpen" else np.arange(len(y))

    def _targets(
        self, y: NDArray[Any], learned: NDArray[np.intp]
    ) -> tuple[NDArray[Any], nn.Module]:
        labels = binary_labels(y[learned])
        weights = len(labels) / (2 * np.bincount(labels)) if self.balance == "weights" else (1, 1)
        return y, WeightedLoss(weights)

    def one_number(self) -> nn.Module:
        """Return the step from logits to the log odds of poor."""
        return LogOdds()

    def predict_proba(self, X: Samples) -> NDArray[np.float64]:
        """Return the probability of each class, shape (n_scans, 2)."""
        return softmax(self._outputs(X), axis=1)


class NetworkRegressor(RegressorMixin, NetworkModel):
    """Network that gives a score; see `NetworkModel`. `balance` has no effect on scores.

    With `bounds`, its output goes through a logistic curve over the range of the score;
    without, it is a deviation from the fold's mean.
    """

    _n_outputs = 1

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Train on scores, shape (n_scans,).

        Raises
        ------
        DataError
            A score is outside the bounds.
        """
        scores = np.asarray(y, dtype=np.float64)
        if self.bounds is not None:
            check_bounds(scores, self.bounds)
        self._fit(X, scores)
        return self

    def _targets(
        self, y: NDArray[Any], learned: NDArray[np.intp]
    ) -> tuple[NDArray[Any], nn.Module]:
        scores = y[learned]
        self.centre_, self.scale_ = float(scores.mean()), float(scores.std()) or 1.0
        if self.bounds is not None:
            self.centre_ = bounded_start(scores, self.bounds)
            loss = BoundedLoss(self.bounds, self.centre_, self.scale_)
            return y.astype(np.float32)[:, None], loss
        return ((y - self.centre_) / self.scale_).astype(np.float32)[:, None], nn.MSELoss()

    def predict(self, X: Samples) -> NDArray[np.float64]:
        """Return scores, shape (n_scans,)."""
        return self._scores(self._outputs(X)[:, 0])

    def _scores(self, outputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores that outputs of the network stand for, the same shape."""
        if self.bounds is not None:
            return bounded(outputs, self.bounds, self.centre_)
        return outputs * self.scale_ + self.centre_

    def one_number(self) -> nn.Module:
        """Return the step from the output to points of the score."""
        if self.bounds is not None:
            return BoundedPoints(self.bounds, self.centre_)
        return Points(self.scale_)

    def get_state(self) -> State:
        """Return what was learned, without a training scan."""
        state = super().get_state()
        state.values |= {"centre": self.centre_, "scale": self.scale_}
        return state

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        super().set_state(state)
        self.centre_ = float(state.values["centre"])
        self.scale_ = float(state.values["scale"])
