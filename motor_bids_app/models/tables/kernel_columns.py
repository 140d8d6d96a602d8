"""A kernel machine on maps that is told a few columns of the table too, as networks are."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.state import State
from motor_bids_app.models.tables.centring import Array, Centring
from motor_bids_app.models.tables.columns import numeric_columns
from motor_bids_app.models.tables.kernel import KernelClassifier, KernelRegressor


def column_products(values: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return columns as maps of one voxel: products (n_columns, n, n), and what is known.

    `Centring` then scales a column to the weight of a map, and gives who lacks it the mean.
    """
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    return np.einsum("ic,jc->cij", filled, filled), known


class _ColumnsToo:
    """What a kernel machine on maps needs to read columns; each weighs as much as a map.

    Parameters
    ----------
    columns : tuple of str
        Columns to use beside the maps; the other parameters are those of `KernelClassifier`.
    """

    def __init__(
        self,
        columns: tuple[str, ...] = (),
        maps: tuple[str, ...] = (),
        mask: NDArray[np.bool_] | None = None,
        penalty: float | None = None,
        random_state: int = 0,
        bounds: tuple[float, float] | None = None,
    ) -> None:
        settings: dict[str, Any] = {"maps": maps, "mask": mask, "penalty": penalty}
        settings |= {"random_state": random_state, "bounds": bounds}
        super().__init__(**settings)
        self.columns = columns

    def _with_columns(
        self, grams: Array, present: NDArray[np.bool_], X: Samples
    ) -> tuple[Array, NDArray[np.bool_]]:
        own, known = column_products(numeric_columns(X, self.columns))
        return np.concatenate([grams, own]), np.hstack([present, known])

    def _keep_columns(self, centring: Centring, X: Samples) -> None:
        n = len(self.columns)
        values = np.nan_to_num(numeric_columns(X, self.columns))
        self._means = (centring.share[-n:] * values.T).sum(axis=1)
        deviations = (values - self._means) * centring.present[-n:].T
        dual: Array = self._dual  # type: ignore[attr-defined]
        self._weights = centring.weights[-n:] * (dual @ deviations)

    def decision_function(self, X: Samples) -> Array:
        """Return the linear predictor: log odds of class 1, or the score, shape (n_scans,)."""
        of_maps: Array = super().decision_function(X)  # type: ignore[misc]
        deviations = np.nan_to_num(numeric_columns(X, self.columns) - self._means)
        return of_maps + deviations @ self._weights

    def get_state(self) -> State:
        """Return what was learned, without a training scan."""
        state: State = super().get_state()  # type: ignore[misc]
        arrays = {"column_means": self._means, "column_weights": self._weights}
        return replace(state, arrays=state.arrays | arrays)

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        super().set_state(state)  # type: ignore[misc]
        self._means, self._weights = (
            np.asarray(state.arrays[name], dtype=np.float64)
            for name in ("column_means", "column_weights")
        )


class KernelColumnsClassifier(_ColumnsToo, KernelClassifier):
    """Logistic regression with a ridge penalty on voxels and columns; see `_ColumnsToo`."""


class KernelColumnsRegressor(_ColumnsToo, KernelRegressor):
    """Ridge regression on voxels and columns; see `_ColumnsToo`."""
