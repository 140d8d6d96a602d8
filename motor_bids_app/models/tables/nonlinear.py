"""Models of columns that are not linear: rungs to compare with, which are never shared."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, Ridge, RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline

from motor_bids_app.models.tables.classical import TableClassifier, TableRegressor
from motor_bids_app.models.training.folds import inner_folds

Floats = NDArray[np.float64]
# Shallow trees on parts of the people and columns: with few people, more of anything overfits.
_TREES: dict[str, Any] = {
    "n_estimators": 60,
    "max_depth": 2,
    "learning_rate": 0.1,
    "subsample": 0.7,
    "max_features": "sqrt",
}
N_WAVES = 200  # random Fourier features, which stand for the kernel (Rahimi and Recht 2007)
PENALTIES = (0.1, 1.0, 10.0)  # for people at a mean square distance of 1


class BoostingClassifier(TableClassifier):
    """Gradient-boosted trees (Friedman 2001); parameters as of `TableClassifier`."""

    def _plain(self) -> BaseEstimator:
        return GradientBoostingClassifier(random_state=self.random_state, **_TREES)


class BoostingRegressor(TableRegressor):
    """Gradient-boosted trees (Friedman 2001); parameters as of `TableRegressor`."""

    def _plain(self) -> BaseEstimator:
        return GradientBoostingRegressor(random_state=self.random_state, **_TREES)


class _Waves(BaseEstimator):
    """What both machines with a radial kernel share."""

    random_state: int

    def _waves(self, features: Floats) -> RBFSampler:
        """Features whose products are a Gaussian of the distance, of unit scale per column."""
        columns = max(1, int((features.std(axis=0) > 0).sum()))
        return RBFSampler(gamma=1 / columns, n_components=N_WAVES, random_state=self.random_state)


class RbfClassifier(_Waves, TableClassifier):
    """Logistic regression with a radial kernel; the penalty is chosen by person in inner folds."""

    def _chosen(
        self, features: Floats, y: NDArray[Any], participants: NDArray[np.str_]
    ) -> Pipeline:
        waves, inverse = self._waves(features), 1.0
        folds = inner_folds(y, participants, self.random_state)
        if folds:
            search = LogisticRegressionCV(
                Cs=[1 / penalty for penalty in PENALTIES],
                l1_ratios=(0,),
                cv=folds,
                scoring="neg_log_loss",
                solver="newton-cholesky",
                use_legacy_attributes=False,
            )
            # Turned into as few coordinates as there are scans, which leaves a ridge as it is.
            left, sizes, _ = np.linalg.svd(waves.fit_transform(features), full_matrices=False)
            inverse = float(search.fit(left * sizes, y).C_)
        return make_pipeline(waves, LogisticRegression(C=inverse, solver="newton-cholesky"))


class RbfRegressor(_Waves, TableRegressor):
    """Ridge regression with a radial kernel; the penalty is chosen by person in inner folds."""

    def _chosen(
        self, features: Floats, y: NDArray[Any], participants: NDArray[np.str_]
    ) -> Pipeline:
        waves, penalty = self._waves(features), 1.0
        folds = inner_folds(y, participants, self.random_state)
        if folds:
            search = RidgeCV(alphas=PENALTIES, cv=folds, scoring="neg_mean_squared_error")
            penalty = float(search.fit(waves.fit_transform(features), y).alpha_)
        return make_pipeline(waves, Ridge(alpha=penalty))
