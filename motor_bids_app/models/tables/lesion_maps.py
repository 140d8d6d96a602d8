"""Models of where lesions are, linear in their smoothed maps."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.features.lesion_views import lesion_views
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.networks.inputs import volumes_of
from motor_bids_app.models.tables.centring import Array
from motor_bids_app.models.tables.kernel_columns import (
    KernelColumnsClassifier,
    KernelColumnsRegressor,
)


def with_views(X: Samples) -> Samples:
    """Return samples with views of the lesion (`lesion_views`) in the place of their maps."""
    return Samples(X.table, lesion_views(volumes_of(X)))


class LesionMap:
    """Linear model of the views of a lesion and a few columns, each of the weight of a view.

    Parameters
    ----------
    columns, pattern : tuple of str, str
        Columns to use beside the views; see `KernelColumnsClassifier`.
    mask, penalty, random_state, bounds
        As of `KernelClassifier`.
    """

    def __init__(
        self,
        columns: tuple[str, ...] = (),
        pattern: str = "",
        mask: NDArray[np.bool_] | None = None,
        penalty: float | None = None,
        random_state: int = 0,
        bounds: tuple[float, float] | None = None,
    ) -> None:
        settings: dict[str, Any] = {"columns": columns, "pattern": pattern, "mask": mask}
        settings |= {"penalty": penalty}
        settings |= {"random_state": random_state, "bounds": bounds}
        super().__init__(**settings)

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Fit to classes 0 and 1, or to scores, shape (n_scans,)."""
        fitted: Self = super().fit(with_views(X), y)  # type: ignore[misc]
        return fitted

    def decision_function(self, X: Samples) -> Array:
        """Return the linear predictor: log odds of class 1, or the score, shape (n_scans,)."""
        scores: Array = super().decision_function(with_views(X))  # type: ignore[misc]
        return scores


class LesionMapClassifier(LesionMap, KernelColumnsClassifier):
    """Logistic regression on views of lesions and columns; see `LesionMap`."""


class LesionMapRegressor(LesionMap, KernelColumnsRegressor):
    """Ridge regression on views of lesions and columns; see `LesionMap`."""
