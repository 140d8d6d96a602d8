"""Ordered classes: by cumulative logits of a network, or by one classifier per threshold.

Classes are numbered from 0, in the order of the score. Both kinds give the expected number of a
person's class, the sum of the probabilities of being above each threshold; the class is the
nearest number.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted
from torch import nn

from motor_bids_app.errors import DataError
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.networks.heads import ExpectedClass, OrderedLoss, OrderedOutput
from motor_bids_app.models.networks.model import NetworkModel
from motor_bids_app.models.state import State, joined, parted

_KEY = "thresholds"


def ordered_labels(y: ArrayLike, n_classes: int) -> NDArray[np.float64]:
    """Return class numbers; raises DataError for others than 0 to n_classes - 1."""
    labels = np.asarray(y, dtype=np.float64)
    if not np.isin(labels, np.arange(n_classes)).all():
        raise DataError(
            f"Ordered classes must be whole numbers from 0 to {n_classes - 1}, got "
            f"{np.unique(labels)[:5].tolist()}."
        )
    if np.ptp(labels) == 0:
        raise DataError(
            f"All training scans are of class {labels[0]:g}: nothing can be learned. Use fewer "
            "folds, more participants, or other thresholds."
        )
    return labels


def shares_above(labels: NDArray[np.float64], n_classes: int) -> list[float]:
    """Share of scans above each threshold.

    >>> shares_above(np.array([0, 1, 2, 2]), 3)
    [0.75, 0.5]
    """
    return [float((labels > k).mean()) for k in range(n_classes - 1)]


class NetworkOrdinal(RegressorMixin, NetworkModel):
    """Network that gives the expected class of `n_classes` ordered ones; see `NetworkModel`.

    `balance` has no effect: the loss counts every threshold that a scan is on the wrong side of.
    """

    @property
    def _n_outputs(self) -> int:  # type: ignore[override]
        return self.n_classes - 1

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Train on class numbers, shape (n_scans,)."""
        self._fit(X, ordered_labels(y, self.n_classes))
        return self

    def _targets(
        self, y: NDArray[Any], learned: NDArray[np.intp]
    ) -> tuple[NDArray[Any], nn.Module]:
        self.above_ = shares_above(y[learned], self.n_classes)
        return y.astype(np.int64), OrderedLoss()

    def _network(self) -> nn.Module:
        network: Any = super()._network()
        network.output = OrderedOutput(self.hidden, self.n_classes - 1)
        nn.init.xavier_uniform_(network.output.weigh.weight)
        if hasattr(self, "above_"):
            network.output.start(self.above_)
        built: nn.Module = network
        return built

    def predict(self, X: Samples) -> NDArray[np.float64]:
        """Return expected class numbers, shape (n_scans,)."""
        return np.asarray(expit(self._outputs(X)).sum(axis=1))

    def one_number(self) -> nn.Module:
        """Return the step from outputs to the expected class."""
        return ExpectedClass()


class CumulativeModel(RegressorMixin, BaseEstimator):
    """One classifier for each threshold, of being above it (Frank and Hall 2001).

    Parameters
    ----------
    model : classifier on samples
    n_classes : int
        3 or more.
    """

    def __init__(self, model: Any = None, n_classes: int = 3) -> None:
        self.model = model
        self.n_classes = n_classes

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Fit to class numbers, shape (n_scans,).

        Above a threshold that nobody or everybody of the training scans is above, the probability
        is that share: 0 or 1.
        """
        labels = ordered_labels(y, self.n_classes)
        self.shares_ = shares_above(labels, self.n_classes)
        self.models_ = {
            k: clone(self.model).fit(X, (labels > k).astype(np.int64))
            for k, share in enumerate(self.shares_)
            if 0 < share < 1
        }
        return self

    def predict(self, X: Samples) -> NDArray[np.float64]:
        """Return expected class numbers, shape (n_scans,)."""
        check_is_fitted(self, "models_")
        certain = sum(share for share in self.shares_ if share in (0, 1))
        above = [model.predict_proba(X)[:, 1] for model in self.models_.values()]
        return np.full(len(X), float(certain)) + np.sum(above, axis=0)

    def get_state(self) -> State:
        """Return what was learned."""
        check_is_fitted(self, "models_")
        state = joined({k: model.get_state() for k, model in self.models_.items()})
        state.values[_KEY] = self.shares_
        return state

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        self.shares_ = [float(share) for share in state.values[_KEY]]
        self.models_ = {}
        for k, part in parted(state).items():
            self.models_[k] = clone(self.model)
            self.models_[k].set_state(part)
