"""A kernel machine on maps that is told a few columns of the table too, as networks are."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.state import State
from motor_bids_app.models.tables.blocks import Scaling
from motor_bids_app.models.tables.centring import Array, Centring
from motor_bids_app.models.tables.columns import names_of, numeric_columns, with_matching
from motor_bids_app.models.tables.kernel import KernelClassifier, KernelRegressor


class _ColumnsToo:
    """What a kernel machine on maps needs to read columns; each block weighs as much as a map.

    Parameters
    ----------
    columns : tuple of str
        Columns to use beside the maps; the other parameters are those of `KernelClassifier`.
    pattern : str
        Regular expression; columns that match in full are used too, see `blocks`.
    """

    def __init__(
        self,
        columns: tuple[str, ...] = (),
        pattern: str = "",
        maps: tuple[str, ...] = (),
        mask: NDArray[np.bool_] | None = None,
        penalty: float | None = None,
        random_state: int = 0,
        bounds: tuple[float, float] | None = None,
        harmonise: str = "none",
    ) -> None:
        settings: dict[str, Any] = {"maps": maps, "mask": mask, "penalty": penalty}
        settings |= {"random_state": random_state, "bounds": bounds, "harmonise": harmonise}
        super().__init__(**settings)
        self.columns = columns
        self.pattern = pattern

    def _with_columns(
        self, grams: Array, present: NDArray[np.bool_], X: Samples
    ) -> tuple[Array, NDArray[np.bool_]]:
        self.columns_ = with_matching(X.table, self.columns, self.pattern)
        values = numeric_columns(X, self.columns_)
        self._scaling = Scaling.of(values, self.columns_)
        own, known = self._scaling.by_block(values)
        return np.concatenate([grams, own]), np.hstack([present, known])

    def _keep_columns(self, centring: Centring, X: Samples) -> None:
        scaling, n = self._scaling, int(self._scaling.blocks.max(initial=-1)) + 1
        scaled = scaling(numeric_columns(X, self.columns_))
        shares = centring.weights[len(centring.weights) - n :][scaling.blocks]
        dual: Array = self._dual  # type: ignore[attr-defined]
        self._means, self._weights = scaling.means, shares * scaling.scales * (dual @ scaled)

    def decision_function(self, X: Samples) -> Array:
        """Return the linear predictor: log odds of class 1, or the score, shape (n_scans,)."""
        of_maps: Array = super().decision_function(X)  # type: ignore[misc]
        deviations = np.nan_to_num(numeric_columns(X, self.columns_) - self._means)
        return of_maps + deviations @ self._weights

    def get_state(self) -> State:
        """Return what was learned, without a training scan."""
        state: State = super().get_state()  # type: ignore[misc]
        arrays = {"column_means": self._means, "column_weights": self._weights}
        values = {"columns": list(self.columns_)}
        return replace(state, arrays=state.arrays | arrays, values=state.values | values)

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        super().set_state(state)  # type: ignore[misc]
        self.columns_ = names_of(state.values.get("columns", list(self.columns)))
        self._means, self._weights = (
            np.asarray(state.arrays[name], dtype=np.float64).reshape(len(self.columns_))
            for name in ("column_means", "column_weights")
        )


class KernelColumnsClassifier(_ColumnsToo, KernelClassifier):
    """Logistic regression with a ridge penalty on voxels and columns; see `_ColumnsToo`."""


class KernelColumnsRegressor(_ColumnsToo, KernelRegressor):
    """Ridge regression on voxels and columns; see `_ColumnsToo`."""
