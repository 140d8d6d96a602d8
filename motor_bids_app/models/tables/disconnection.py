"""Models of what a lesion cuts: linear in the share of each bundle."""

from collections.abc import Set
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, Ridge, RidgeCV

from motor_bids_app.features.disconnection_columns import DISCONNECTION
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.classical import MAX_STEPS, TableClassifier, TableRegressor
from motor_bids_app.models.tables.columns import numeric_columns
from motor_bids_app.models.training.folds import inner_folds

Floats = NDArray[np.float64]
PENALTIES = tuple(np.logspace(0, 5, 11))  # for columns of unit variance
SAFE_PENALTY = 1000.0  # where there are too few people to choose by
_LEFT, _RIGHT = "_left", "_right"
_PREFIX = DISCONNECTION.partition("[")[0]


def disconnection_features(samples: Samples, columns: tuple[str, ...]) -> Floats:
    """Return columns as numbers, paired bundles as one: shape (n_scans, n_features).

    Of a bundle and its counterpart the larger share counts, as its square root: shares are small
    for most lesions, and 1 for few. Other columns are those of `numeric_columns`.

    Raises
    ------
    DataError
        A column is not in the table, or holds text.
    """
    numbers = dict(zip(columns, numeric_columns(samples, columns).T, strict=True))
    features = []
    for name, values in numbers.items():
        if not name.startswith(_PREFIX):
            features.append(values)
        elif not _is_second(name, numbers.keys()):
            twin = numbers.get(f"{name.removesuffix(_LEFT)}{_RIGHT}", values)
            features.append(np.sqrt(np.fmax(values, twin)))
    return np.column_stack(features)


def feature_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Name the features of `disconnection_features`: of a pair, the one on the left where there.

    >>> feature_columns(("age", "disconnection_fornix_left", "disconnection_fornix_right"))
    ('age', 'disconnection_fornix_left')
    """
    there = set(columns)
    return tuple(name for name in columns if not _is_second(name, there))


def _is_second(name: str, there: Set[str]) -> bool:
    """Whether a column is of the right one of a pair that is there."""
    other = f"{name.removesuffix(_RIGHT)}{_LEFT}"
    return name.startswith(_PREFIX) and name.endswith(_RIGHT) and other in there


class _Disconnection(BaseEstimator):
    """Ridge on `disconnection_features`, of unit variance; parameters as of `_TableModel`.

    `penalty` is that of the sum of squares, `harmonise` has no effect, and `select` must be set.
    """

    columns_: tuple[str, ...]
    random_state: int

    def _features(self, X: Samples) -> Floats:
        return disconnection_features(X, self.columns_)


class DisconnectionRegressor(_Disconnection, TableRegressor):
    """Ridge regression, whose penalty is chosen by person in inner folds; see `_Disconnection`."""

    def _chosen(
        self, features: Floats, y: NDArray[Any], participants: NDArray[np.str_]
    ) -> BaseEstimator:
        folds = inner_folds(y, participants, self.random_state)
        if not folds:
            return Ridge(alpha=SAFE_PENALTY)
        search = RidgeCV(alphas=PENALTIES, cv=folds, scoring="neg_mean_squared_error")
        return Ridge(alpha=float(search.fit(features, y).alpha_))

    def _elastic_net(self, y: NDArray[Any], penalty: float | None, mix: float) -> BaseEstimator:  # noqa: ARG002 (a ridge)
        return Ridge(alpha=penalty or SAFE_PENALTY)


class DisconnectionClassifier(_Disconnection, TableClassifier):
    """Logistic regression with a ridge penalty, chosen in inner folds; see `_Disconnection`."""

    def _chosen(
        self, features: Floats, y: NDArray[Any], participants: NDArray[np.str_]
    ) -> BaseEstimator:
        folds = inner_folds(y, participants, self.random_state)
        if not folds:
            return self._elastic_net(y, None, 0)
        search = LogisticRegressionCV(
            Cs=[1 / penalty for penalty in PENALTIES],
            l1_ratios=(0,),
            cv=folds,
            scoring="neg_log_loss",
            solver="newton-cholesky",
            use_legacy_attributes=False,
        )
        return self._elastic_net(y, 1 / float(search.fit(features, y).C_), 0)

    def _elastic_net(self, y: NDArray[Any], penalty: float | None, mix: float) -> BaseEstimator:  # noqa: ARG002 (a ridge)
        return LogisticRegression(C=1 / (penalty or SAFE_PENALTY), max_iter=MAX_STEPS)
