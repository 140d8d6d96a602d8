"""A model of what is no biology: gaps, quality of the images, lesion masks, sites, scanners."""

import re
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import check_is_fitted

from motor_bids_app.features.columns import QUALITY, REGIONAL
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.signal_columns import PHYSIOLOGY
from motor_bids_app.models.tables.classical import mean_of_patients, scaling_steps, within
from motor_bids_app.models.tables.columns import BASELINE, DEMOGRAPHICS, LESION_COLUMNS, OWN
from motor_bids_app.models.tables.harmonisation import sites_of
from motor_bids_app.models.training.folds import binary_labels

Floats = NDArray[np.float64]
_QUALITY = re.compile(QUALITY)
_PREDICTOR = re.compile(f"{REGIONAL}|{PHYSIOLOGY}|{OWN}")
_NAMED = frozenset({*DEMOGRAPHICS, BASELINE, *LESION_COLUMNS})
# Measures of quality that depend on the brain too: its shape, its atrophy, the lesion. The audit
# looks at them; a rung that held them would know some biology.
PARTLY_BRAIN = frozenset(
    {"template_correlation", "brain_dice", "gradient_coherence", "snr_wm", "cnr"}
)


def nuisance_columns(
    samples: Samples, sites: tuple[str, ...], scanners: tuple[str, ...] = ()
) -> tuple[list[str], Floats]:
    """What is known of scans that is no biology: names, and values of shape (n_scans, n_columns).

    Parameters
    ----------
    samples : Samples
    sites, scanners : tuple of str
        Those that have a column each.

    Returns
    -------
    list of str, array
        1 where a predictor, map or recording is missing; measures of quality, NaN where unknown;
        1 where a lesion mask was given; 1 where the site or scanner is the one named.
    """
    table = samples.table
    columns: dict[str, Floats] = {}
    names = [str(name) for name in table.columns]
    read = [name for name in names if name in _NAMED or _PREDICTOR.fullmatch(name)]
    columns_read = set(read)
    gaps = table[read].isna().to_numpy(dtype=np.float64).T
    columns |= {f"no {name}": gap for name, gap in zip(read, gaps, strict=True)}
    for name in (name for name in names if name not in columns_read):
        if _QUALITY.fullmatch(name):
            columns[name] = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
    if samples.volumes is not None:
        for name, present in zip(samples.volumes.maps, samples.volumes.present.T, strict=True):
            columns[f"no map {name}"] = np.where(present, 0.0, 1.0)
    for kind, instances in samples.instances.items():
        columns[f"no {kind}"] = np.where(instances.counts == 0, 1.0, 0.0)
    if "lesion_mask" in table:
        columns["lesion mask"] = np.where(table["lesion_mask"] == "given", 1.0, 0.0)
    own, on = sites_of(samples), scanners_of(samples)
    columns |= {f"site {name}": np.where(own == name, 1.0, 0.0) for name in sites}
    columns |= {f"scanner {name}": np.where(on == name, 1.0, 0.0) for name in scanners}
    values = np.array([*columns.values()], dtype=np.float64).reshape(len(columns), len(samples))
    return list(columns), np.ascontiguousarray(values.T)


def scanners_of(samples: Samples) -> NDArray[np.object_]:
    """Scanner of each scan as text, "" where none is named, shape (n_scans,)."""
    if "scanner" not in samples.table:
        return np.full(len(samples), "", dtype=object)
    return samples.table["scanner"].fillna("").astype(str).to_numpy(dtype=object)


def distinct(values: Floats) -> NDArray[np.intp]:
    """Positions of columns that vary, each pattern once."""
    patterns: dict[bytes, int] = {}
    for k, column in enumerate(values.T):
        known = column[~np.isnan(column)]
        if known.size and np.ptp(known) > 0:
            patterns.setdefault(column.tobytes(), k)
    return np.array(list(patterns.values()), dtype=np.intp)


class _NuisanceModel(BaseEstimator):
    """Ridge on `nuisance_columns` without `PARTLY_BRAIN`, learned from patients, who are judged.

    Parameters
    ----------
    bounds : (float, float), optional
        Lowest and highest value of the score; of scores only.
    """

    def __init__(self, bounds: tuple[float, float] | None = None) -> None:
        self.bounds = bounds

    def _fit(self, X: Samples, y: NDArray[Any]) -> None:
        counted = ~X.controls
        if len(np.unique(y[counted])) < 2:
            counted = np.ones(len(X), dtype=bool)
        patients = X[counted]
        self.sites_ = tuple(str(name) for name in np.unique(sites_of(patients)) if name)
        self.scanners_ = tuple(str(name) for name in np.unique(scanners_of(patients)) if name)
        names, values = nuisance_columns(patients, self.sites_, self.scanners_)
        own = np.array([name not in PARTLY_BRAIN for name in names], dtype=bool)
        self.kept_ = np.flatnonzero(own)[distinct(values[:, own])]
        self.constant_ = mean_of_patients(X, y)
        self.pipeline_: Pipeline | None = None
        if self.kept_.size:
            ridge = self._ridge(float(self.kept_.size))  # people at a mean square distance of 1
            steps = make_pipeline(*scaling_steps(), ridge)
            self.pipeline_ = steps.fit(values[:, self.kept_], y[counted])

    def _values(self, X: Samples) -> Floats:
        return nuisance_columns(X, self.sites_, self.scanners_)[1][:, self.kept_]

    def _ridge(self, penalty: float) -> BaseEstimator:
        raise NotImplementedError


class NuisanceClassifier(ClassifierMixin, _NuisanceModel):
    """Logistic regression on what is no biology; see `_NuisanceModel`."""

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Fit to classes 0 and 1, shape (n_scans,)."""
        self.classes_ = np.array([0, 1])
        self._fit(X, binary_labels(y))
        return self

    def predict_proba(self, X: Samples) -> Floats:
        """Return the probability of each class, shape (n_scans, 2)."""
        check_is_fitted(self, "kept_")
        if self.pipeline_ is None:
            return np.tile([1 - self.constant_, self.constant_], (len(X), 1))
        return np.asarray(self.pipeline_.predict_proba(self._values(X)))

    def _ridge(self, penalty: float) -> BaseEstimator:
        return LogisticRegression(C=1 / penalty, max_iter=1000)


class NuisanceRegressor(RegressorMixin, _NuisanceModel):
    """Ridge regression on what is no biology; see `_NuisanceModel`."""

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Fit to scores, shape (n_scans,)."""
        self._fit(X, np.asarray(y, dtype=np.float64))
        return self

    def predict(self, X: Samples) -> Floats:
        """Return scores, shape (n_scans,)."""
        check_is_fitted(self, "kept_")
        if self.pipeline_ is None:
            return np.full(len(X), self.constant_)
        return within(np.asarray(self.pipeline_.predict(self._values(X))), self.bounds)

    def _ridge(self, penalty: float) -> BaseEstimator:
        return Ridge(alpha=penalty)
