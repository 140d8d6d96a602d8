"""A Gaussian process on what a lesion cuts, where it is, and a few columns: to compare with."""

import re
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, optimize
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.decomposition import KernelPCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from motor_bids_app.features.lesion_views import lesion_views
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import Volumes
from motor_bids_app.models.networks.inputs import volumes_of
from motor_bids_app.models.tables.classical import scaling_steps, within
from motor_bids_app.models.tables.disconnection import disconnection_features
from motor_bids_app.models.training.folds import binary_labels

Floats = NDArray[np.float64]
_BOUNDS = (-8.0, 4.0)  # of the logarithms of variances, the outcome's being 1


class _LesionGp(BaseEstimator):
    """Gaussian process whose covariance is a sum of three, each with a variance of its own.

    Two are linear: in the columns of `disconnection_features`, at unit variance, and in the places
    of the lesion, the inner products of `lesion_views`. The third is the Gaussian of the distance
    in both. In each of both the mean square distance of people from their mean is 1. Variances,
    with that of the noise, are those of the highest marginal likelihood of the training fold.
    It keeps training people, and cannot be shared.

    Parameters
    ----------
    columns, pattern, bounds
        As of `TableRegressor`.
    mask : bool array, shape of the volumes, optional
        Voxels to use; all by default.
    """

    def __init__(
        self,
        columns: tuple[str, ...] = (),
        pattern: str = "",
        mask: NDArray[np.bool_] | None = None,
        bounds: tuple[float, float] | None = None,
    ) -> None:
        self.columns = columns
        self.pattern = pattern
        self.mask = mask
        self.bounds = bounds

    def _fit(self, X: Samples, y: Floats) -> Floats:
        """Learn variances from an outcome of mean 0 and variance 1; return the covariance."""
        filled = X.table.columns[X.table.notna().any()]
        matching = [str(name) for name in filled if re.fullmatch(self.pattern, str(name))]
        self.columns_ = tuple(dict.fromkeys([*self.columns, *matching]))
        self._scaling = make_pipeline(*scaling_steps())
        self._scaling.fit(disconnection_features(X, self.columns_))
        views = lesion_views(volumes_of(X))
        self._known = views[views.present[:, 0]]
        self._places: KernelPCA | None = None
        if len(self._known) > 1:
            self._places = KernelPCA(kernel="precomputed").fit(self._products(self._known))
            spread = self._places.transform(self._products(self._known))
            self._size = float(np.sqrt(np.square(spread).sum(axis=1).mean())) or 1.0
        self._training = self._features(X)
        parts = _covariances(self._training, self._training)
        self.variances_ = _likeliest(parts, y)
        return np.asarray(np.tensordot(self.variances_[:-1], parts, axes=1))

    def _covariance(self, X: Samples) -> Floats:
        """Covariance with the training scans, shape (n_scans, n_training)."""
        parts = _covariances(self._features(X), self._training)
        return np.asarray(np.tensordot(self.variances_[:-1], parts, axes=1))

    def _products(self, views: Volumes) -> Floats:
        """Inner products with the training scans that have a lesion map, shape (n, n_known)."""
        assert views.store is self._known.store  # this model never leaves its experiment
        grams = views.store.gram(self.mask).sum(axis=0)
        return np.asarray(grams[views.rows[:, None], self._known.rows])

    def _features(self, X: Samples) -> list[Floats]:
        """Columns and places, each at a mean square distance of 1: (n_scans, n_features) each."""
        columns = self._scaling.transform(disconnection_features(X, self.columns_))
        varies = self._scaling[-1].var_ > 0
        columns = columns[:, varies] / np.sqrt(max(1, varies.sum()))
        views = lesion_views(volumes_of(X))
        places = np.zeros((len(X), 1))
        if self._places is not None:
            places = self._places.transform(self._products(views)) / self._size
            places[~views.present[:, 0]] = 0  # as the mean of those who have one
        return [np.asarray(columns), places]


class LesionGpRegressor(RegressorMixin, _LesionGp):
    """Gaussian process regression; see `_LesionGp`."""

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Fit to scores, shape (n_scans,)."""
        scores = np.asarray(y, dtype=np.float64)
        self._mean, self._sd = float(scores.mean()), float(scores.std()) or 1.0
        standard = (scores - self._mean) / self._sd
        covariance = self._fit(X, standard)
        covariance[np.diag_indices_from(covariance)] += self.variances_[-1]
        self.dual_ = linalg.solve(covariance, standard, assume_a="pos")
        return self

    def predict(self, X: Samples) -> Floats:
        """Return scores, shape (n_scans,)."""
        check_is_fitted(self, "dual_")
        return within(self._mean + self._sd * (self._covariance(X) @ self.dual_), self.bounds)


class LesionGpClassifier(ClassifierMixin, _LesionGp):
    """Logistic regression with the covariance that classes as numbers have; see `_LesionGp`."""

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Fit to classes 0 and 1, shape (n_scans,)."""
        labels = binary_labels(y)
        self.classes_ = np.array([0, 1])
        covariance = self._fit(X, (labels - labels.mean()) / labels.std())
        # By the noise, since a ridge's penalty is its variance; 1/4 is that of a logistic's.
        inverse = 1 / (4 * self.variances_[-1])
        values, vectors = np.linalg.eigh(covariance)
        kept = values > 1e-9 * max(float(values[-1]), 1e-30)
        roots, vectors = np.sqrt(values[kept]), vectors[:, kept]
        model = LogisticRegression(C=inverse, solver="newton-cholesky")
        model.fit(vectors * roots, labels)
        self.dual_ = vectors @ (model.coef_[0] / roots)
        self.intercept_ = float(model.intercept_[0])
        return self

    def predict_proba(self, X: Samples) -> Floats:
        """Return the probability of each class, shape (n_scans, 2)."""
        check_is_fitted(self, "dual_")
        poor = 1 / (1 + np.exp(-(self._covariance(X) @ self.dual_ + self.intercept_)))
        return np.column_stack([1 - poor, poor])


def _covariances(ours: list[Floats], theirs: list[Floats]) -> Floats:
    """Inner products in columns and places, and the Gaussian of both, shape (3, n, k)."""
    linear = [a @ b.T for a, b in zip(ours, theirs, strict=True)]
    squares = [
        np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2 * product
        for a, b, product in zip(ours, theirs, linear, strict=True)
    ]
    return np.stack([*linear, np.exp(-np.mean(squares, axis=0) / 2)])


def _likeliest(parts: Floats, y: Floats) -> Floats:
    """Variances of the covariances (k, n, n) and of the noise that make `y` likeliest, (k + 1,)."""
    n = len(y)
    whole = np.concatenate([parts, np.eye(n)[None]])

    def loss(logarithms: Floats) -> tuple[float, Floats]:
        weights = np.exp(logarithms)
        factor = linalg.cho_factor(
            np.tensordot(weights, whole, axes=1) + 1e-9 * np.eye(n), lower=True
        )
        dual = linalg.cho_solve(factor, y)
        gap = linalg.cho_solve(factor, np.eye(n)) - np.outer(dual, dual)
        slope = 0.5 * weights * np.einsum("ij,kij->k", gap, whole)
        return float(0.5 * y @ dual + np.log(np.diag(factor[0])).sum()), slope

    start = np.log(np.full(len(whole), 1 / len(whole)))
    found = optimize.minimize(loss, start, jac=True, bounds=[_BOUNDS] * len(whole))
    return np.asarray(np.exp(found.x))
