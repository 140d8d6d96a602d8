"""Baselines on columns of the table: constant, few columns, many columns."""

import re
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ElasticNet,
    ElasticNetCV,
    LogisticRegression,
    LogisticRegressionCV,
    Ridge,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from motor_bids_app.errors import DataError
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.state import State
from motor_bids_app.models.tables.columns import numeric_columns
from motor_bids_app.models.tables.harmonisation import ColumnsOfSites
from motor_bids_app.models.training.folds import binary_labels, inner_folds

MIXES = (0.2, 0.8)  # share of the absolute in the elastic net's penalty
MIX = 0.5  # where inner folds do not choose it
INVERSE_PENALTIES = tuple(np.logspace(-2.5, 0, 6))  # for columns of unit variance
ONE_PERSON = 1.0  # penalty of the models of few columns
MAX_STEPS = 10_000
TOLERANCE = 1e-2  # finer changed no prediction beyond 0.01, at twice the time
_SAGA: dict[str, Any] = {"solver": "saga", "max_iter": MAX_STEPS, "tol": TOLERANCE}


def mean_of_patients(X: Samples, y: ArrayLike) -> float:
    """Mean of `y`, shape (n_scans,), over patients, each counting once; over all if there is none.

    Controls help to train, but results are about patients: a constant that counts them is not the
    best one for those it is judged on.
    """
    values = np.asarray(y, dtype=np.float64)
    judged = ~X.controls if not X.controls.all() else np.ones(len(X), dtype=bool)
    _, person = np.unique(X.participants[judged], return_inverse=True)
    return float((np.bincount(person, values[judged]) / np.bincount(person)).mean())


class ConstantClassifier(ClassifierMixin, BaseEstimator):
    """Gives everyone the share of poor outcomes among the training patients."""

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Take the share of class 1 in `y`, shape (n_scans,)."""
        self.classes_ = np.array([0, 1])
        self.rate_ = mean_of_patients(X, binary_labels(y))
        return self

    def predict_proba(self, X: Samples) -> NDArray[np.float64]:
        """Return the probability of each class, shape (n_scans, 2)."""
        check_is_fitted(self)
        return np.tile([1 - self.rate_, self.rate_], (len(X), 1))

    def get_state(self) -> State:
        """Return what was learned."""
        check_is_fitted(self)
        return State(values={"rate": self.rate_})

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        self.classes_ = np.array([0, 1])
        self.rate_ = float(state.values["rate"])


class ConstantRegressor(RegressorMixin, BaseEstimator):
    """Gives everyone the mean score of the training patients."""

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Take the mean of `y`, shape (n_scans,)."""
        self.mean_ = mean_of_patients(X, y)
        return self

    def predict(self, X: Samples) -> NDArray[np.float64]:
        """Return scores, shape (n_scans,)."""
        check_is_fitted(self)
        return np.full(len(X), self.mean_)

    def get_state(self) -> State:
        """Return what was learned."""
        check_is_fitted(self)
        return State(values={"mean": self.mean_})

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        self.mean_ = float(state.values["mean"])


def within(scores: NDArray[np.float64], bounds: tuple[float, float] | None) -> NDArray[np.float64]:
    """Return scores moved into their range, (lowest, highest), where one is given."""
    return scores if bounds is None else np.clip(scores, *bounds)


def scaling_steps() -> list[Any]:
    """Return fresh steps that fill missing values, say where they were, and scale.

    A column without any training value becomes 0 and says nothing.
    """
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    return [imputer, StandardScaler()]


class _TableModel(ColumnsOfSites, BaseEstimator):
    """Linear model on columns of the table.

    Parameters
    ----------
    columns : tuple of str
        Columns to use.
    pattern : str
        Regular expression; columns that match in full are used too, if they have a value
        in the training fold. Empty for none.
    select : bool
        Elastic net, whose penalty is chosen by person in inner folds, for many columns.
        Otherwise a ridge of one prior person, for a few.
    penalty : float, optional
        Instead of one prior person, or of the penalty that inner folds choose; of an elastic net
        of scores in standard deviations of the score, with `MIX`.
    random_state : int
        Seed of the inner folds and of the solver.
    harmonise : str
        "combat": sites are made alike in columns that match the pattern, see `ComBat`. "none":
        columns are taken as they are.
    bounds : (float, float), optional
        Lowest and highest value of the score, which predictions stay within; of scores only.
    """

    def __init__(
        self,
        columns: tuple[str, ...] = (),
        pattern: str = "",
        select: bool = False,
        penalty: float | None = None,
        random_state: int = 0,
        harmonise: str = "none",
        bounds: tuple[float, float] | None = None,
    ) -> None:
        self.columns = columns
        self.pattern = pattern
        self.select = select
        self.penalty = penalty
        self.random_state = random_state
        self.harmonise = harmonise
        self.bounds = bounds

    def _fit(self, X: Samples, y: NDArray[Any]) -> None:
        filled = X.table.columns[X.table.notna().any()]
        matching = [str(name) for name in filled if re.fullmatch(self.pattern, str(name))]
        self.columns_ = tuple(dict.fromkeys([*self.columns, *matching]))
        if not self.columns_:
            raise DataError(
                "No scan of the training fold has regional features: process the participants "
                "with diffusion or T1w images, or leave this model out."
            )
        self._learn_sites(X, numeric_columns(X, self.columns_))
        features = self._features(X)
        steps = scaling_steps()
        for step in steps:
            features = step.fit_transform(features)
        if self.select and self.penalty is None:
            predictor = self._chosen(features, y, X.participants)
        elif self.select:
            predictor = self._elastic_net(y, self.penalty, MIX)
        else:
            predictor = self._plain()
        self.pipeline_: Pipeline = make_pipeline(*steps, predictor.fit(features, y))

    def _features(self, X: Samples) -> NDArray[np.float64]:
        """Columns as numbers, sites made alike where asked for, shape (n_scans, n_columns)."""
        return self._alike(X, numeric_columns(X, self.columns_))

    def _measured(self) -> NDArray[np.bool_]:
        return np.array([bool(re.fullmatch(self.pattern, name)) for name in self.columns_])

    def _plain(self) -> BaseEstimator:
        raise NotImplementedError

    def _elastic_net(self, y: NDArray[Any], penalty: float | None, mix: float) -> BaseEstimator:
        """Elastic net of a penalty; None for one that suits most data."""
        raise NotImplementedError

    def _chosen(
        self, features: NDArray[np.float64], y: NDArray[Any], participants: NDArray[np.str_]
    ) -> BaseEstimator:
        raise NotImplementedError

    def get_state(self) -> State:
        """Return what was learned."""
        check_is_fitted(self)
        values = {"columns": list(self.columns_)}
        return self._with_sites(State(values, {}, {"table": self.pipeline_}))

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        self.columns_ = tuple(state.values["columns"])
        self.pipeline_ = state.pipelines["table"]
        self._set_sites(state)


class TableClassifier(ClassifierMixin, _TableModel):
    """Logistic regression on columns of the table; parameters as of `_TableModel`."""

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Fit to classes 0 and 1, shape (n_scans,)."""
        self.classes_ = np.array([0, 1])
        self._fit(X, binary_labels(y))
        return self

    def predict_proba(self, X: Samples) -> NDArray[np.float64]:
        """Return the probability of each class, shape (n_scans, 2)."""
        check_is_fitted(self)
        return self.pipeline_.predict_proba(self._features(X))

    def _plain(self) -> BaseEstimator:
        return LogisticRegression(C=1 / (self.penalty or ONE_PERSON), max_iter=MAX_STEPS)

    def _chosen(
        self, features: NDArray[np.float64], y: NDArray[Any], participants: NDArray[np.str_]
    ) -> BaseEstimator:
        folds = inner_folds(y, participants, self.random_state)
        if not folds:
            return self._elastic_net(y, None, MIX)
        search = LogisticRegressionCV(
            Cs=INVERSE_PENALTIES,
            l1_ratios=MIXES,
            cv=folds,
            scoring="neg_log_loss",
            random_state=self.random_state,
            use_legacy_attributes=False,
            **_SAGA,
        ).fit(features, y)
        # A plain model again, because the search keeps positions of training scans.
        return self._elastic_net(y, 1 / float(search.C_), float(search.l1_ratio_))

    def _elastic_net(
        self,
        y: NDArray[Any],  # noqa: ARG002 (of scores, the penalty is in its units)
        penalty: float | None,
        mix: float,
    ) -> BaseEstimator:
        return LogisticRegression(
            C=1 / (penalty or 10.0), l1_ratio=mix, random_state=self.random_state, **_SAGA
        )


class TableRegressor(RegressorMixin, _TableModel):
    """Linear regression on columns of the table; parameters as of `_TableModel`."""

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Fit to scores, shape (n_scans,)."""
        self._fit(X, np.asarray(y, dtype=np.float64))
        return self

    def predict(self, X: Samples) -> NDArray[np.float64]:
        """Return scores, shape (n_scans,)."""
        check_is_fitted(self)
        return within(self.pipeline_.predict(self._features(X)), self.bounds)

    def _plain(self) -> BaseEstimator:
        return Ridge(alpha=self.penalty or ONE_PERSON)

    def _chosen(
        self, features: NDArray[np.float64], y: NDArray[Any], participants: NDArray[np.str_]
    ) -> BaseEstimator:
        folds = inner_folds(y, participants, self.random_state)
        if not folds or any(np.ptp(y[fitted]) == 0 for fitted, _ in folds):
            return self._elastic_net(y, None, MIX)
        search = ElasticNetCV(
            l1_ratio=MIXES, eps=1e-2, alphas=20, cv=folds, max_iter=MAX_STEPS
        ).fit(features, y)
        return ElasticNet(
            alpha=float(search.alpha_), l1_ratio=float(search.l1_ratio_), max_iter=MAX_STEPS
        )

    def _elastic_net(self, y: NDArray[Any], penalty: float | None, mix: float) -> BaseEstimator:
        alpha = (penalty or 0.1) * float(np.std(y)) or 1.0
        return ElasticNet(alpha=alpha, l1_ratio=mix, max_iter=MAX_STEPS)
