"""ComBat of every voxel: maps of several sites brought to one location and scale, as they are read.

Nothing is copied: maps are changed on their way from the store to a model, by what was learned
from the maps of its training fold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.features.lesion_views import LESION
from motor_bids_app.features.masks import mask_voxels
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import Volumes
from motor_bids_app.models.networks.inputs import map_columns, volumes_of
from motor_bids_app.models.state import State
from motor_bids_app.models.tables.columns import names_of
from motor_bids_app.models.tables.harmonisation import (
    KEPT,
    ComBat,
    kept_covariates,
    numbers_of,
    sites_of,
)
from motor_bids_app.spaces.grids import Grid

Floats = NDArray[np.float32]
_PREFIX = "combat."  # of the names of arrays in a state


@dataclass(frozen=True, eq=False)
class _MapChange:
    """What `ComBat` does to the voxels of one map, which is linear in the map.

    Attributes
    ----------
    sites : tuple of str
        That were learned; the maps of others stay as they are.
    medians : float64 array, shape (n_covariates,)
        In the place of missing covariates.
    voxels : int array, shape (n_voxels,)
        Flat indices of the voxels that vary, in increasing order; others stay as they are.
    gain, offset : float32 array, shape (n_sites, n_voxels)
        What a site's value is multiplied by, and what is added, for someone of median age and sex.
    effects : float32 array, shape (n_covariates, n_voxels)
        Of the covariates, which are kept.
    """

    sites: tuple[str, ...]
    medians: NDArray[np.float64]
    voxels: NDArray[np.intp]
    gain: Floats
    offset: Floats
    effects: Floats

    @classmethod
    def fit(cls, volumes: Volumes, column: int, X: Samples, mask: Any) -> "_MapChange":
        """Learn from the scans that have the map; they are those of `X`."""
        kept: list[NDArray[np.intp]] = []
        inside = mask_voxels(mask, volumes.grid)

        def varying() -> Iterator[NDArray[np.float64]]:
            for part, block in volumes.blocks(column, mask):
                vary = np.flatnonzero(np.ptp(block, axis=0) > 0)
                kept.append(inside[part][vary])
                yield block[:, vary].astype(np.float64)

        combat = ComBat().fit_blocks(varying(), sites_of(X), kept_covariates(X))
        gain = 1 / combat.scale_
        offset = (1 - gain) * combat.mean_ - combat.spread_ * combat.shift_ * gain
        return cls(
            combat.sites_,
            combat.medians_,
            np.concatenate(kept),
            gain.astype(np.float32),
            offset.astype(np.float32),
            combat.effects_.astype(np.float32),
        )

    def apply(
        self,
        values: Floats,
        places: NDArray[np.intp],
        of: NDArray[np.intp] | slice,
        sites: Sequence[str],
        covariates: NDArray[np.float64],
    ) -> None:
        """Change values of scans in place, shape (n_scans, n), at places that are voxels `of`."""
        deviations = np.where(np.isnan(covariates), 0, covariates - self.medians)
        for row, site in enumerate(sites):
            if site in self.sites:
                k = self.sites.index(site)
                gain = self.gain[k, of]
                predicted = deviations[row].astype(np.float32) @ self.effects[:, of]
                changed = values[row, places] * gain + self.offset[k, of] + (1 - gain) * predicted
                values[row, places] = changed


class MapComBat:
    """`ComBat` of the maps that scanners measure; drawn lesions stay as they are.

    Each voxel is a feature, as Fortin et al. (2017, NeuroImage 161:149) do with diffusion: shifts
    and scales of a site are shrunk towards those of all voxels of the map.

    Attributes
    ----------
    sites_ : tuple of str
        Whose location and scale was learned from any map.
    """

    def fit(self, X: Samples, maps: Sequence[str], mask: NDArray[np.bool_] | None = None) -> Self:
        """Learn from the maps of a training fold, in the voxels of a mask; the outcome is unseen.

        Raises
        ------
        DataError
            There are no maps.
        """
        volumes = volumes_of(X)
        self._changes: dict[str, _MapChange] = {}
        for name, column in zip(maps, map_columns(volumes, tuple(maps)), strict=True):
            has = volumes.present[:, column]
            if name != LESION and has.any():
                self._changes[name] = _MapChange.fit(volumes[has], column, X[has], mask)
        return self

    @property
    def sites_(self) -> tuple[str, ...]:
        """Sites that were learned from any map."""
        return tuple(sorted({site for one in self._changes.values() for site in one.sites}))

    def transform(self, X: Samples) -> "HarmonisedVolumes":
        """Return the maps of samples as they would be at the pooled site."""
        volumes = volumes_of(X)
        sites = np.full(len(volumes.store), "", dtype=object)
        covariates = np.full((len(volumes.store), kept_covariates(X).shape[1]), np.nan)
        sites[volumes.rows], covariates[volumes.rows] = sites_of(X), kept_covariates(X)
        return HarmonisedVolumes(volumes.store, volumes.rows, self._changes, sites, covariates)

    def get_state(self) -> State:
        """Return what was learned."""
        values = {name: list(one.sites) for name, one in self._changes.items()}
        arrays: dict[str, NDArray[np.generic]] = {}
        for name, one in self._changes.items():
            for part in ("medians", "voxels", "gain", "offset", "effects"):
                arrays[f"{_PREFIX}{name}.{part}"] = getattr(one, part)
        return State({"combat": values}, arrays)

    @classmethod
    def of_state(cls, state: State, grid: Grid) -> "MapComBat | None":
        """Return what `get_state` described of maps on a grid; None of a model without.

        Raises
        ------
        ValueError
            Arrays are of other shapes, have values that are not finite, or name voxels that the
            grid does not have.
        """
        if "combat" not in state.values:
            return None
        fitted, fitted._changes = cls(), {}
        for name, listed in state.values["combat"].items():
            sites, place = names_of(listed), f"{_PREFIX}{name}."
            voxels = _voxels_of(state.arrays[f"{place}voxels"], grid)
            shapes = {"gain": (len(sites), len(voxels)), "offset": (len(sites), len(voxels))}
            shapes["effects"] = (len(KEPT), len(voxels))
            fitted._changes[name] = _MapChange(
                sites,
                numbers_of(state.arrays, f"{place}medians", (len(KEPT),), np.float64),
                voxels,
                *(numbers_of(state.arrays, place + n, shapes[n], np.float32) for n in shapes),
            )
        return fitted


def _voxels_of(values: NDArray[np.generic], grid: Grid) -> NDArray[np.intp]:
    """Return flat indices; raises ValueError unless they increase, and are of voxels of a grid."""
    voxels = np.asarray(values).astype(np.intp)
    within = np.r_[-1, voxels, int(np.prod(grid.shape))]
    if not np.issubdtype(values.dtype, np.integer) or not (np.diff(within) > 0).all():
        raise ValueError("harmonised voxels are not in order, or not on the grid of the model")
    return voxels


@dataclass(frozen=True, eq=False)
class HarmonisedVolumes(Volumes):
    """Some scans of a store, whose maps are harmonised as they are read; see `MapComBat`.

    Attributes
    ----------
    changes : dict of str to _MapChange
        By map.
    sites : object array, shape (n_scans_of_store,)
    covariates : float64 array, shape (n_scans_of_store, n_covariates)
    """

    changes: dict[str, _MapChange] = field(default_factory=dict)
    sites: NDArray[np.object_] = field(default_factory=lambda: np.zeros(0, dtype=object))
    covariates: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))

    def read(
        self, indices: ArrayLike | slice = slice(None), columns: Sequence[int] | None = None
    ) -> Floats:
        """Return maps of some scans in memory; see `Volumes.read`."""
        maps = super().read(indices, columns)
        rows = self[indices].rows
        for k, column in enumerate(self._columns(columns)):
            if change := self.changes.get(self.maps[column]):
                values = maps[:, k].reshape(len(rows), -1)
                self._apply(change, column, rows, values, change.voxels, slice(None))
                maps[:, k] = values.reshape(maps[:, k].shape)
        return maps

    def blocks(
        self, column: int, mask: NDArray[np.bool_] | None = None
    ) -> Iterator[tuple[slice, Floats]]:
        """Yield one map of all scans in blocks of voxels; see `Volumes.blocks`."""
        inside, change = mask_voxels(mask, self.grid), self.changes.get(self.maps[column])
        for part, block in super().blocks(column, mask):
            if change is not None:
                _, places, of = np.intersect1d(
                    inside[part], change.voxels, assume_unique=True, return_indices=True
                )
                self._apply(change, column, self.rows, block, places, of)
            yield part, block

    def gram(self, mask: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Return inner products of the scans, (n_maps, n_scans, n_scans); see `VolumeStore`."""
        return np.stack([self.gram_of_map(column, mask) for column in range(len(self.maps))])

    def across(
        self, others: Volumes, mask: NDArray[np.bool_] | None = None
    ) -> NDArray[np.float64] | None:
        """None: products of maps that are made as they are read are not kept."""

    def _apply(
        self,
        change: _MapChange,
        column: int,
        rows: NDArray[np.intp],
        values: Floats,
        places: NDArray[np.intp],
        of: NDArray[np.intp] | slice,
    ) -> None:
        """Harmonise values of scans in place; maps that are missing stay 0."""
        has = self.store.present[rows, column]
        own, rows = values[has], rows[has]
        change.apply(own, places, of, self.sites[rows].tolist(), self.covariates[rows])
        values[has] = own


class OfSites:
    """A model of maps, which its parameter `harmonise` makes alike within its training fold."""

    harmonise: str
    combat_: MapComBat | None = None

    def _learn_sites(self, X: Samples, maps: tuple[str, ...], mask: Any) -> None:
        """Learn sites from a training fold, if that is asked for."""
        self.combat_ = MapComBat().fit(X, maps, mask) if self.harmonise == "combat" else None

    def seen(self, X: Samples) -> Volumes:
        """Return maps as the model sees them."""
        return volumes_of(X) if self.combat_ is None else self.combat_.transform(X)

    def _with_sites(self, state: State) -> State:
        """Return a state with what was learned of sites."""
        if self.combat_ is None:
            return state
        own = self.combat_.get_state()
        return replace(state, values=state.values | own.values, arrays=state.arrays | own.arrays)
