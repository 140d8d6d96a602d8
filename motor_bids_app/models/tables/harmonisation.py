"""ComBat: features of several sites brought to one location and scale, within a training fold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.state import State
from motor_bids_app.models.tables.columns import names_of, numeric_columns

Floats = NDArray[np.float64]
KEPT = ("age", "sex")
MIN_SITE = 3  # scans with a value, to tell the location and scale of a site
_STEPS, _TOLERANCE = 1000, 1e-8
_LEAST_SQUARES = 1e-18  # of standard values about a mean that do vary


def sites_of(samples: Samples) -> NDArray[np.object_]:
    """Site of each scan as text, "" where none is named, shape (n_scans,)."""
    if "site" not in samples.table:
        return np.full(len(samples), "", dtype=object)
    sites = samples.table["site"]
    return np.where(sites.isna(), "", sites.astype(str)).astype(object)


def kept_covariates(samples: Samples) -> Floats:
    """What is known of the people beside the outcome, shape (n_scans, 2), NaN where missing."""
    absent = {name: np.nan for name in KEPT if name not in samples.table}
    return numeric_columns(Samples(samples.table.assign(**absent)), KEPT)


class ComBat:
    """Location and scale of each site, shrunk over features (Johnson et al. 2007).

    A feature is its mean, plus what age and sex explain, plus the site's shift and its noise of
    the site's size. Shifts and sizes are pulled towards those of the site's other features by
    the parametric empirical Bayes estimates of Johnson et al. (Biostatistics 8:118), as for
    images by Fortin et al. (2018, NeuroImage 167:104), and taken out; age and sex stay in. The
    outcome is not among what is kept: it is unknown of the people to be predicted, and
    features that were told the outcome of training people would give it away.

    The location and scale of a site that was not learned (another site, no site named, or fewer
    than 3 scans with a value) cannot be known: there the parameters pooled over the learned
    sites hold, a shift of 0 and a scale of 1, which leaves values as they are.

    Missing values stay missing, and count nowhere.
    """

    def fit(self, values: Floats, sites: NDArray[np.object_], covariates: Floats) -> Self:
        """Learn from scans of a training fold.

        Parameters
        ----------
        values : array, shape (n_scans, n_features)
        sites : array of str, shape (n_scans,)
            "" where unknown.
        covariates : array, shape (n_scans, n_covariates)
            Kept; missing ones are taken as the median.
        """
        return self.fit_blocks([values], sites, covariates)

    def fit_blocks(
        self, blocks: Iterable[Floats], sites: NDArray[np.object_], covariates: Floats
    ) -> Self:
        """As `fit`, from the features in blocks of columns, one of which is in memory at a time."""
        names, counts = np.unique(sites[sites != ""].astype(str), return_counts=True)
        self.sites_ = tuple(str(name) for name in names[counts >= MIN_SITE])
        filled = [pd.Series(column).median() for column in covariates.T]
        self.medians_: Floats = np.nan_to_num(np.array(filled, dtype=np.float64))
        learned = np.isin(sites, self.sites_)
        kept, own = self._kept(covariates[learned]), sites[learned]
        found = [_moments(block[learned], own, self.sites_, kept) for block in blocks]
        self.mean_: Floats = np.concatenate([one.mean for one in found])
        self.effects_: Floats = np.concatenate([one.effects for one in found], axis=1)
        self.spread_: Floats = np.concatenate([one.spread for one in found])
        counts, centres, variances, usable = (
            np.concatenate([getattr(one, name) for one in found], axis=1)
            for name in ("counts", "centres", "variances", "usable")
        )
        self.shift_: Floats = np.zeros(counts.shape)
        self.scale_: Floats = np.ones(counts.shape)
        for k, use in enumerate(usable if len(self.sites_) > 1 else ()):
            self.shift_[k, use], self.scale_[k, use] = _shrink(
                counts[k, use], centres[k, use], variances[k, use]
            )
        return self

    def transform(self, values: Floats, sites: NDArray[np.object_], covariates: Floats) -> Floats:
        """Return values as they would be at the pooled site; arguments as of `fit`."""
        shift, scale = np.zeros_like(values), np.ones_like(values)
        for k, site in enumerate(self.sites_):
            shift[sites == site], scale[sites == site] = self.shift_[k], self.scale_[k]
        predicted = self.mean_ + self._kept(covariates) @ self.effects_
        standard = (values - predicted) / self.spread_
        changed = (standard - shift) / scale * self.spread_ + predicted
        return np.where((shift == 0) & (scale == 1), values, changed)

    def _kept(self, covariates: Floats) -> Floats:
        return np.where(np.isnan(covariates), self.medians_, covariates) - self.medians_

    def get_state(self) -> tuple[dict[str, Any], dict[str, NDArray[np.generic]]]:
        """Return what JSON can hold, and arrays."""
        names = ("medians", "shift", "scale", "mean", "effects", "spread")
        arrays = {f"combat.{name}": getattr(self, f"{name}_") for name in names}
        return {"sites": list(self.sites_)}, arrays

    @classmethod
    def of_state(
        cls, values: dict[str, Any], arrays: Mapping[str, NDArray[np.generic]], n_features: int
    ) -> "ComBat":
        """Return what `get_state` described, of so many features.

        Raises
        ------
        ValueError
            Arrays are of other shapes, or have values that are not finite.
        """
        fitted = cls()
        fitted.sites_ = names_of(values["sites"])
        by_site, by_feature = (len(fitted.sites_), n_features), (n_features,)
        shapes = {"medians": (len(KEPT),), "effects": (len(KEPT), n_features)}
        shapes |= dict.fromkeys(("shift", "scale"), by_site)
        shapes |= dict.fromkeys(("mean", "spread"), by_feature)
        for name, shape in shapes.items():
            setattr(fitted, f"{name}_", numbers_of(arrays, f"combat.{name}", shape, np.float64))
        return fitted


def numbers_of(
    arrays: Mapping[str, NDArray[np.generic]], name: str, shape: tuple[int, ...], dtype: Any
) -> NDArray[Any]:
    """Return an array of a state; raises ValueError for another shape, and what is not finite."""
    values = np.asarray(arrays[name], dtype=dtype)
    if values.shape != shape or not np.isfinite(values).all():
        raise ValueError(f"{name} is of shape {values.shape}, not {shape}, or not finite")
    return values


class ColumnsOfSites:
    """A model of columns, which its parameter `harmonise` makes alike within its training fold."""

    harmonise: str
    combat_: ComBat | None = None

    def _measured(self) -> NDArray[np.bool_]:
        """Columns that scanners measured, which sites shift: no age, and no drawn lesion."""
        raise NotImplementedError

    def _learn_sites(self, X: Samples, values: Floats) -> None:
        """Learn sites from columns of a training fold, (n_scans, n), if that is asked for."""
        own, self.combat_ = self._measured(), None
        if self.harmonise == "combat" and own.any():
            self.combat_ = ComBat().fit(values[:, own], sites_of(X), kept_covariates(X))

    def _alike(self, X: Samples, values: Floats) -> Floats:
        """Return columns as the model sees them, changed in place."""
        if self.combat_ is not None:
            own = self._measured()
            covariates = kept_covariates(X)
            values[:, own] = self.combat_.transform(values[:, own], sites_of(X), covariates)
        return values

    def _with_sites(self, state: State) -> State:
        """Return a state with what was learned of sites."""
        if self.combat_ is None:
            return state
        values, arrays = self.combat_.get_state()
        return replace(
            state, values=state.values | {"combat": values}, arrays=state.arrays | arrays
        )

    def _set_sites(self, state: State) -> None:
        """Take over what another learned of sites."""
        known = state.values.get("combat")
        n_features = int(self._measured().sum())
        self.combat_ = None if known is None else ComBat.of_state(known, state.arrays, n_features)


@dataclass(frozen=True, eq=False)
class _Moments:
    """Of features: what they are at the pooled site, and how each site deviates from that.

    Attributes
    ----------
    mean, spread : float64 array, shape (n_features,)
        Spread is 1 where a feature does not vary.
    effects : float64 array, shape (n_covariates, n_features)
    counts, centres, variances : float64 array, shape (n_sites, n_features)
        Values of a site, their mean and their variance, in standard units.
    usable : bool array, shape (n_sites, n_features)
        Whether the location and scale of the site can be told.
    """

    mean: Floats
    effects: Floats
    spread: Floats
    counts: Floats
    centres: Floats
    variances: Floats
    usable: NDArray[np.bool_]


def _moments(
    values: Floats, sites: NDArray[np.object_], names: tuple[str, ...], kept: Floats
) -> _Moments:
    """Regress features on sites and covariates, and describe what is left by site."""
    batch = (sites[:, None] == np.array(names, dtype=object)).astype(np.float64)
    known = ~np.isnan(values)
    whole = bool(known.all())
    counts = np.repeat(batch.sum(axis=0)[:, None], values.shape[1], 1) if whole else batch.T @ known
    n = np.maximum(counts.sum(axis=0), 1)
    origin = np.nansum(values, axis=0) / n  # so that squares lose no digits
    values = values - origin
    weights = _regress(values, np.column_stack([batch, kept]))
    own, effects = weights[: len(names)], weights[len(names) :]
    values -= kept @ effects
    if not whole:
        values[~known] = 0
    sums, squares = batch.T @ values, batch.T @ values**2
    mean = (counts / n * own).sum(axis=0)
    rest = (squares - 2 * own * sums + counts * own**2).sum(axis=0) / n
    spread = np.sqrt(np.maximum(rest, 0))
    varies = spread > 1e-9 * np.maximum(np.abs(mean + origin), 1e-300)
    spread = np.where(varies, spread, 1.0)
    centres = sums / np.maximum(counts, 1)
    about = np.maximum(squares - counts * centres**2, 0) / spread**2
    usable = varies & (counts >= MIN_SITE) & (about > _LEAST_SQUARES * counts)
    return _Moments(
        mean + origin,
        effects,
        spread,
        counts,
        np.where(counts > 0, (centres - mean) / spread, 0),
        about / np.maximum(counts - 1, 1),
        usable,
    )


def _regress(values: Floats, design: Floats) -> Floats:
    """Least squares of each column on its known rows, shape (n_terms, n_columns)."""
    if not np.isnan(values).any():
        return np.asarray(np.linalg.pinv(design) @ values)
    weights = np.zeros((design.shape[1], values.shape[1]))
    patterns, which = np.unique(~np.isnan(values), axis=1, return_inverse=True)
    for k, rows in enumerate(patterns.T):
        columns = np.flatnonzero(which.ravel() == k)
        if rows.any():
            found = np.linalg.lstsq(design[rows], values[np.ix_(rows, columns)], rcond=None)[0]
            weights[:, columns] = found
    return weights


def _shrink(n: Floats, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Shift and scale of one site, from counts, means and variances of its standard values."""
    if len(mean) < 2 or mean.var() == 0 or variance.var() == 0:
        return mean, np.sqrt(variance)  # nothing to learn a prior from
    centre, width = mean.mean(), mean.var(ddof=1)
    typical, spread = variance.mean(), variance.var(ddof=1)
    a = 2 + typical**2 / spread  # of an inverse gamma with this mean and variance
    b = typical + typical**3 / spread
    shift, scale = mean, variance
    for _ in range(_STEPS):
        before = shift, scale
        shift = (n * width * mean + scale * centre) / (n * width + scale)
        squares = (n - 1) * variance + n * (mean - shift) ** 2
        scale = (b + 0.5 * squares) / (n / 2 + a - 1)
        if max(np.abs(shift - before[0]).max(), np.abs(scale - before[1]).max()) < _TOLERANCE:
            break
    return shift, np.sqrt(scale)
