"""Linear kernel machines: all voxels of all maps, at the cost of a matrix of scans by scans.

With far more voxels than scans, a linear model with a ridge penalty is the same whether
fitted on voxels or on inner products of scans. The products are computed once per store
of volumes, so that folds, inner folds and permutations cost no pass over voxels.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from motor_bids_app.features.masks import mask_voxels
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import Volumes
from motor_bids_app.models.networks.inputs import (
    check_grid,
    grid_from_values,
    grid_values,
    map_columns,
    volumes_of,
)
from motor_bids_app.models.state import State
from motor_bids_app.models.tables.centring import Array, Centring
from motor_bids_app.models.tables.dual import Dual, DualLogistic, DualRidge
from motor_bids_app.models.tables.harmonised_maps import MapComBat, OfSites


class _KernelModel(OfSites, Dual, BaseEstimator):
    """Linear model with a ridge penalty on the voxels of maps.

    The penalty is chosen by person in inner folds of the training fold, unless it is given.

    Parameters
    ----------
    maps : tuple of str
        Maps to use; all if empty.
    mask : bool array, shape of the volumes, optional
        Voxels to use; all by default.
    penalty : float, optional
        For scans at a mean square distance of 1.
    random_state : int
        Seed of the inner folds.
    bounds : (float, float), optional
        Lowest and highest value of the score, which predictions stay within; of scores only.
    harmonise : str
        "combat": sites are made alike in every voxel, see `MapComBat`. "none": maps are taken as
        they are.
    """

    def __init__(
        self,
        maps: tuple[str, ...] = (),
        mask: NDArray[np.bool_] | None = None,
        penalty: float | None = None,
        random_state: int = 0,
        bounds: tuple[float, float] | None = None,
        harmonise: str = "none",
    ) -> None:
        self.maps = maps
        self.mask = mask
        self.penalty = penalty
        self.random_state = random_state
        self.bounds = bounds
        self.harmonise = harmonise

    def _fit(self, X: Samples, y: NDArray[Any]) -> None:
        self.maps_ = tuple(self.maps) or volumes_of(X).maps
        self._learn_sites(X, self.maps_, self.mask)
        volumes = self.seen(X)
        self.grid_ = volumes.grid
        columns = map_columns(volumes, self.maps_)
        grams, present = self._with_columns(
            volumes.gram(self.mask)[columns], volumes.present[:, columns], X
        )
        self.penalty_ = self._choose_penalty(grams, present, y, X.participants)
        centring = Centring(grams, present)
        products = centring(grams, present)
        self._dual, self.intercept_ = self._solve(products, y, (self.penalty_,))[0]
        self._keep_columns(centring, X)
        self._centring = centring.first(len(columns))
        self._training: Volumes | None = volumes
        self._primal: tuple[NDArray[np.float32], Array] | None = None

    def _with_columns(
        self,
        grams: Array,
        present: NDArray[np.bool_],
        X: Samples,  # noqa: ARG002 (of models that read columns too)
    ) -> tuple[Array, NDArray[np.bool_]]:
        """Return the products of the maps, with those of further inputs."""
        return grams, present

    def _keep_columns(self, centring: Centring, X: Samples) -> None:
        """Keep what is learned of further inputs; there are none."""

    def decision_function(self, X: Samples) -> Array:
        """Return the linear predictor: log odds of class 1, or the score, shape (n_scans,)."""
        check_is_fitted(self, "intercept_")
        volumes = self.seen(X)
        columns = map_columns(volumes, self.maps_)
        present = volumes.present[:, columns]
        known = None if self._training is None else volumes.across(self._training, self.mask)
        if known is not None:
            return self._centring(known[columns], present) @ self._dual + self.intercept_
        return self._scores_by_voxels(volumes, columns, present)

    def _scores_by_voxels(
        self, volumes: Volumes, columns: list[int], present: NDArray[np.bool_]
    ) -> Array:
        weights, offsets = self.primal()
        check_grid(volumes, self.grid_)
        scores = np.full(len(volumes), self.intercept_)
        for k, column in enumerate(columns):
            products = np.zeros(len(volumes))
            for part, block in volumes.blocks(column, self.mask):
                products += block @ weights[k, part]
            scores += present[:, k] * (products - offsets[k])
        return scores

    def primal(self) -> tuple[NDArray[np.float32], Array]:
        """Return the weight of every voxel, with which prediction needs no training scan.

        Returns
        -------
        float32 array, shape (n_maps, n_voxels_in_mask)
            Weights of stored units.
        float64 array, shape (n_maps,)
            What the weights give for the mean of the training fold.
        """
        if self._primal is None:
            assert self._training is not None  # either is set by fit and by set_state
            self._primal = self._compute_primal(self._training)
        return self._primal

    def _compute_primal(self, volumes: Volumes) -> tuple[NDArray[np.float32], Array]:
        centring = self._centring
        n_voxels = mask_voxels(self.mask, volumes.grid).size
        weights = np.zeros((len(self.maps_), n_voxels), dtype=np.float32)
        offsets = np.zeros(len(self.maps_))
        for k, column in enumerate(map_columns(volumes, self.maps_)):
            dual = centring.weights[k] * self._dual * centring.present[k]
            for part, block in volumes.blocks(column, self.mask):
                mean = centring.share[k].astype(np.float32) @ block
                weights[k, part] = dual.astype(np.float32) @ (block - mean)
                offsets[k] += weights[k, part] @ mean
        return weights, offsets

    def get_state(self) -> State:
        """Return what was learned, without a training scan."""
        check_is_fitted(self, "intercept_")
        weights, offsets = self.primal()
        values = {
            "maps": list(self.maps_),
            "grid": grid_values(self.grid_),
            "intercept": self.intercept_,
            "penalty": self.penalty_,
        }
        return self._with_sites(State(values, {"weights": weights, "offsets": offsets}))

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        self.maps_ = tuple(state.values["maps"])
        self.grid_ = grid_from_values(state.values["grid"])
        self.intercept_ = float(state.values["intercept"])
        self.penalty_ = float(state.values["penalty"])
        weights = np.asarray(state.arrays["weights"], dtype=np.float32)
        self._primal = (weights, np.asarray(state.arrays["offsets"], dtype=np.float64))
        self._training = None
        self.combat_ = MapComBat.of_state(state, self.grid_)


class KernelClassifier(DualLogistic, _KernelModel):
    """Logistic regression with a ridge penalty on voxels; parameters as of `_KernelModel`."""


class KernelRegressor(DualRidge, _KernelModel):
    """Ridge regression on voxels; parameters as of `_KernelModel`."""
