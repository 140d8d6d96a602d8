"""Scores learned on another scale, on which a few severe cases do not outweigh all others."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted

from motor_bids_app.errors import DataError
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.state import State
from motor_bids_app.models.tables.classical import within

Floats = NDArray[np.float64]
TRANSFORMS = ("none", "log1p", "sqrt")
_KEY = "transform"


def transformed(scores: ArrayLike, transform: str) -> Floats:
    """Bring scores, 0 or more, to another scale.

    >>> transformed([0, 8], "sqrt").round(2).tolist()
    [0.0, 2.83]

    Raises
    ------
    DataError
        A score is below 0, where neither transform is defined.
    """
    values = np.asarray(scores, dtype=np.float64)
    if transform == "none":
        return values
    if np.nanmin(values, initial=0) < 0:
        raise DataError(
            f'[target] transform = "{transform}" is for scores from 0 upwards, and there is '
            f"{np.nanmin(values):g}. Leave it out."
        )
    return np.log1p(values) if transform == "log1p" else np.sqrt(values)


def restored(values: ArrayLike, transform: str) -> Floats:
    """Bring values back to the scale of the score; what lies below the lowest becomes 0.

    >>> restored(transformed([0, 3, 42], "log1p"), "log1p").round(6).tolist()
    [0.0, 3.0, 42.0]
    """
    scores = np.asarray(values, dtype=np.float64)
    if transform == "none":
        return scores
    scores = np.maximum(scores, 0)
    return np.expm1(scores) if transform == "log1p" else np.square(scores)


class TransformedRegressor(RegressorMixin, BaseEstimator):
    """A model that learns transformed scores; what it predicts is in units of the score again.

    It predicts the mean on the transformed scale, which back on that of the score lies below the
    mean there: near the median. No correction is made.

    Parameters
    ----------
    model : regressor on samples
        Its bounds, if any, are on the transformed scale.
    transform : str
        One of `TRANSFORMS`.
    bounds : (float, float), optional
        Lowest and highest value of the score.
    """

    def __init__(
        self,
        model: Any = None,
        transform: str = "log1p",
        bounds: tuple[float, float] | None = None,
    ) -> None:
        self.model = model
        self.transform = transform
        self.bounds = bounds

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Fit to scores, shape (n_scans,)."""
        self.model_ = clone(self.model).fit(X, transformed(y, self.transform))
        return self

    def predict(self, X: Samples) -> Floats:
        """Return scores, shape (n_scans,)."""
        check_is_fitted(self, "model_")
        return within(restored(self.model_.predict(X), self.transform), self.bounds)

    def get_state(self) -> State:
        """Return what was learned: the state of the model, with the transform and the bounds."""
        check_is_fitted(self, "model_")
        state: State = self.model_.get_state()
        own = [self.transform, None if self.bounds is None else list(self.bounds)]
        return State({**state.values, _KEY: own}, state.arrays, state.pipelines)

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        self.transform, bounds = state.values[_KEY]
        if self.transform not in TRANSFORMS:
            raise ValueError(f"no transform {self.transform!r}")
        self.bounds = None if bounds is None else (float(bounds[0]), float(bounds[1]))
        self.model_ = self.model
        self.model_.set_state(state)
