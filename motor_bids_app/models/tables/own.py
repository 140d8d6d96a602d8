"""Linear models of columns in blocks: predictors of the user's own, alone or beside features."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from motor_bids_app.features.columns import are_regional
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.state import State
from motor_bids_app.models.tables.blocks import Scaling
from motor_bids_app.models.tables.centring import Array, Centring
from motor_bids_app.models.tables.columns import names_of, with_matching
from motor_bids_app.models.tables.disconnection import disconnection_features, feature_columns
from motor_bids_app.models.tables.dual import Dual, DualLogistic, DualRidge
from motor_bids_app.models.tables.harmonisation import ColumnsOfSites


class _BlockModel(ColumnsOfSites, Dual, BaseEstimator):
    """Linear model of columns in blocks of equal weight (`Scaling`), with one ridge penalty.

    It is fitted on inner products, so that thousands of columns cost no more than people do.

    Parameters
    ----------
    columns : tuple of str
        Columns to use.
    pattern : str
        Regular expression; columns that match in full are used too, if they have a value in the
        training fold.
    penalty : float, optional
        For scans at a mean square distance of 1; chosen by person in inner folds by default.
    random_state : int
        Seed of the inner folds.
    bounds : (float, float), optional
        Lowest and highest value of the score, which predictions stay within; of scores only.
    harmonise : str
        "combat": sites are made alike in regional features, see `ComBat`. "none": all columns are
        taken as they are.
    """

    def __init__(
        self,
        columns: tuple[str, ...] = (),
        pattern: str = "",
        penalty: float | None = None,
        random_state: int = 0,
        bounds: tuple[float, float] | None = None,
        harmonise: str = "none",
    ) -> None:
        self.columns = columns
        self.pattern = pattern
        self.penalty = penalty
        self.random_state = random_state
        self.bounds = bounds
        self.harmonise = harmonise

    def _fit(self, X: Samples, y: NDArray[Any]) -> None:
        self.columns_ = with_matching(X.table, self.columns, self.pattern)
        self._learn_sites(X, disconnection_features(X, self.columns_))
        values = self._features(X)
        scaling = Scaling.of(values, feature_columns(self.columns_))
        scaled = scaling(values)
        grams, present = (scaled @ scaled.T)[None], np.ones((len(scaled), 1), dtype=bool)
        self.penalty_ = self._choose_penalty(grams, present, y, X.participants)
        centring = Centring(grams, present)
        products = centring(grams, present)
        dual, self.intercept_ = self._solve(products, y, (self.penalty_,))[0]
        self.means_ = scaling.means
        self.weights_ = centring.weights[0] * scaling.scales * (dual @ scaled)

    def decision_function(self, X: Samples) -> Array:
        """Return the linear predictor: log odds of class 1, or the score, shape (n_scans,)."""
        check_is_fitted(self, "weights_")
        deviations = self._features(X) - self.means_
        return np.asarray(np.nan_to_num(deviations) @ self.weights_ + self.intercept_)

    def _features(self, X: Samples) -> Array:
        return self._alike(X, disconnection_features(X, self.columns_))

    def _measured(self) -> NDArray[np.bool_]:
        return np.array(are_regional(feature_columns(self.columns_)), dtype=bool)

    def get_state(self) -> State:
        """Return what was learned."""
        check_is_fitted(self, "weights_")
        values = {"columns": list(self.columns_), "intercept": self.intercept_}
        values["penalty"] = self.penalty_
        arrays = {"column_means": self.means_, "column_weights": self.weights_}
        return self._with_sites(State(values, arrays))

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        self.columns_ = names_of(state.values["columns"])
        self.intercept_ = float(state.values["intercept"])
        self.penalty_ = float(state.values["penalty"])
        shape = (len(feature_columns(self.columns_)),)
        self.means_, self.weights_ = (
            np.asarray(state.arrays[name], dtype=np.float64).reshape(shape)
            for name in ("column_means", "column_weights")
        )
        self._set_sites(state)


class BlockClassifier(DualLogistic, _BlockModel):
    """Logistic regression with a ridge penalty; parameters as of `_BlockModel`."""


class BlockRegressor(DualRidge, _BlockModel):
    """Ridge regression; parameters as of `_BlockModel`."""
