"""Probabilities corrected by what a model predicts for training people it has not seen."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from motor_bids_app.errors import DataError
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.state import State
from motor_bids_app.models.training.folds import binary_labels, inner_folds

_LEAST = 1e-12  # probability, so that its log odds are finite; extreme ones keep their order
_SPREAD = 1e-6  # of log odds, below which they say nothing
_KEY = "recalibration"
_C = 10.0  # inverse of the penalty on the slope


class RecalibratedClassifier(ClassifierMixin, BaseEstimator):
    """A classifier whose log odds are moved and stretched (logistic recalibration, Platt 1999).

    Within the training scans, inner folds by person give log odds of people whom the model has
    not seen; a logistic regression of the class on them gives an intercept and a slope. The model
    is then fitted to all training scans, and its log odds go through that line. The line is that
    of patients, who alone are judged, where both classes are among them. Tested people play no
    part. The slope cannot be negative: where unseen people are ordered worse than by
    chance it is 0, and everyone is given the share of poor outcomes.

    Parameters
    ----------
    model : classifier on samples
    random_state : int
        Seed of the inner folds.
    """

    def __init__(self, model: Any = None, random_state: int = 0) -> None:
        self.model = model
        self.random_state = random_state

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Fit to classes 0 and 1, shape (n_scans,).

        Raises
        ------
        DataError
            A class has fewer than 2 people, so that there are no inner folds.
        """
        labels = binary_labels(y)
        folds = inner_folds(labels, X.participants, self.random_state)
        if not folds:
            raise DataError(
                "Recalibration needs two training people or more in each class. Use fewer folds, "
                'or set [model] recalibrate = "none".'
            )
        odds = np.empty(len(labels))
        for fitted, judged in folds:
            inner = clone(self.model).fit(X[fitted], labels[fitted])
            odds[judged] = _log_odds(inner, X[judged])
        counted = ~X.controls
        if len(np.unique(labels[counted])) < 2:
            counted = np.ones(len(labels), dtype=bool)
        self.intercept_, self.slope_ = _line(odds[counted], labels[counted])
        self.classes_ = np.array([0, 1])
        self.model_ = clone(self.model).fit(X, labels)
        return self

    def predict_proba(self, X: Samples) -> NDArray[np.float64]:
        """Return the probability of each class, shape (n_scans, 2)."""
        check_is_fitted(self, "model_")
        poor = expit(self.intercept_ + self.slope_ * _log_odds(self.model_, X))
        return np.column_stack([1 - poor, poor])

    @available_if(lambda self: hasattr(self.model_, "map_predictions"))  # type: ignore[untyped-decorator]
    def map_predictions(self, X: Samples) -> NDArray[np.float64]:
        """Return what the model says by single maps, not recalibrated, shape (n_scans, n_maps)."""
        return np.asarray(self.model_.map_predictions(X))

    @property
    def maps_(self) -> tuple[str, ...]:
        """Maps of the model."""
        return tuple(self.model_.maps_)

    @property
    def chosen_(self) -> tuple[str, ...]:
        """Those of them that the model averages."""
        return tuple(self.model_.chosen_)

    def get_state(self) -> State:
        """Return what was learned: the state of the model, and the line."""
        check_is_fitted(self, "model_")
        state: State = self.model_.get_state()
        values = {**state.values, _KEY: [self.intercept_, self.slope_]}
        return State(values, state.arrays, state.pipelines)

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        self.intercept_, self.slope_ = (float(value) for value in state.values[_KEY])
        self.classes_ = np.array([0, 1])
        self.model_ = self.model
        self.model_.set_state(state)


def _log_odds(model: Any, X: Samples) -> NDArray[np.float64]:
    poor = np.asarray(model.predict_proba(X), dtype=np.float64)[:, 1]
    return logit(np.clip(poor, _LEAST, 1 - _LEAST))


def _line(odds: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[float, float]:
    """Intercept and slope of the logistic regression on log odds; the slope is not negative.

    A weak penalty keeps the slope finite where classes do not overlap. It is on standardised log
    odds, as a model that shrinks much has small ones, which need a great slope.
    """
    share = float(logit(labels.mean()))
    if np.ptp(odds) < _SPREAD:
        return share, 0.0
    mean, spread = float(odds.mean()), float(odds.std())
    found = LogisticRegression(C=_C, tol=1e-8).fit((odds[:, None] - mean) / spread, labels)
    slope = float(found.coef_[0, 0]) / spread
    return (float(found.intercept_[0]) - slope * mean, slope) if slope > 0 else (share, 0.0)
