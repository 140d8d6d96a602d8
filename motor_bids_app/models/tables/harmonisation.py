"""ComBat: features of several sites brought to one location and scale, within a training fold."""

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.columns import numeric_columns

Floats = NDArray[np.float64]
KEPT = ("age", "sex")
MIN_SITE = 3  # scans with a value, to tell the location and scale of a site
_STEPS, _TOLERANCE = 1000, 1e-8


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
        names, counts = np.unique(sites[sites != ""].astype(str), return_counts=True)
        self.sites_ = tuple(str(name) for name in names[counts >= MIN_SITE])
        filled = [pd.Series(column).median() for column in covariates.T]
        self.medians_: Floats = np.nan_to_num(np.array(filled, dtype=np.float64))
        n_features = values.shape[1]
        self.shift_: Floats = np.zeros((len(self.sites_), n_features))
        self.scale_: Floats = np.ones_like(self.shift_)
        learned = np.isin(sites, self.sites_)
        values, sites = values[learned], sites[learned]
        batch = (sites[:, None] == np.array(self.sites_, dtype=object)).astype(np.float64)
        kept = self._kept(covariates[learned])
        weights = _regress(values, np.column_stack([batch, kept]))
        known = ~np.isnan(values)
        share = batch.T @ known / np.maximum(known.sum(axis=0), 1)
        self.mean_: Floats = (share * weights[: len(self.sites_)]).sum(axis=0)
        self.effects_: Floats = weights[len(self.sites_) :]
        rest = values - batch @ weights[: len(self.sites_)] - kept @ self.effects_
        spread = np.sqrt(np.nansum(rest**2, axis=0) / np.maximum(known.sum(axis=0), 1))
        varies = spread > 1e-9 * np.maximum(np.abs(self.mean_), 1e-300)
        self.spread_: Floats = np.where(varies, spread, 1.0)
        standard = (values - self.mean_ - kept @ self.effects_) / self.spread_
        for k, site in enumerate(self.sites_ if len(self.sites_) > 1 else ()):
            own = standard[sites == site]
            usable = varies & ((~np.isnan(own)).sum(axis=0) >= MIN_SITE)
            missing = np.isnan(own)
            most = np.where(missing, -np.inf, own).max(axis=0)
            usable &= most > np.where(missing, np.inf, own).min(axis=0)
            self.shift_[k, usable], self.scale_[k, usable] = _shrink(own[:, usable])
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
    def of_state(cls, values: dict[str, Any], arrays: dict[str, NDArray[np.generic]]) -> "ComBat":
        """Return what `get_state` described."""
        fitted = cls()
        fitted.sites_ = tuple(values["sites"])
        for name in ("medians", "shift", "scale", "mean", "effects", "spread"):
            setattr(fitted, f"{name}_", np.asarray(arrays[f"combat.{name}"], dtype=np.float64))
        return fitted


def _regress(values: Floats, design: Floats) -> Floats:
    """Least squares of each column on its known rows, shape (n_terms, n_columns)."""
    weights = np.zeros((design.shape[1], values.shape[1]))
    patterns, which = np.unique(~np.isnan(values), axis=1, return_inverse=True)
    for k, rows in enumerate(patterns.T):
        columns = np.flatnonzero(which.ravel() == k)
        if rows.any():
            found = np.linalg.lstsq(design[rows], values[np.ix_(rows, columns)], rcond=None)[0]
            weights[:, columns] = found
    return weights


def _shrink(own: Floats) -> tuple[Floats, Floats]:
    """Shift and scale of one site, from standardised values of shape (n_scans, n_features)."""
    n = (~np.isnan(own)).sum(axis=0)
    mean, variance = np.nanmean(own, axis=0), np.nanvar(own, axis=0, ddof=1)
    if own.shape[1] < 2 or mean.var() == 0 or variance.var() == 0:
        return mean, np.sqrt(variance)  # nothing to learn a prior from
    centre, width = mean.mean(), mean.var(ddof=1)
    typical, spread = variance.mean(), variance.var(ddof=1)
    a = 2 + typical**2 / spread  # of an inverse gamma with this mean and variance
    b = typical + typical**3 / spread
    shift, scale = mean, variance
    for _ in range(_STEPS):
        before = shift, scale
        shift = (n * width * mean + scale * centre) / (n * width + scale)
        scale = (b + 0.5 * np.nansum((own - shift) ** 2, axis=0)) / (n / 2 + a - 1)
        if max(np.abs(shift - before[0]).max(), np.abs(scale - before[1]).max()) < _TOLERANCE:
            break
    return shift, np.sqrt(scale)
