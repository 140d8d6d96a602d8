"""What a linear model adds up for one scan: one term for each input, exact to rounding."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.networks.inputs import map_columns
from motor_bids_app.models.tables.classical import (
    ConstantClassifier,
    ConstantRegressor,
    TableClassifier,
    TableRegressor,
)
from motor_bids_app.models.tables.columns import numeric_columns
from motor_bids_app.models.tables.disconnection import (
    DisconnectionClassifier,
    DisconnectionRegressor,
    feature_columns,
)
from motor_bids_app.models.tables.kernel import KernelClassifier, KernelRegressor
from motor_bids_app.models.tables.kernel_columns import (
    KernelColumnsClassifier,
    KernelColumnsRegressor,
)
from motor_bids_app.models.tables.lesion_maps import LesionMap, with_views
from motor_bids_app.models.tables.own import BlockClassifier, BlockRegressor
from motor_bids_app.models.tables.recalibration import RecalibratedClassifier
from motor_bids_app.models.tables.transformed import TransformedRegressor

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Term:
    """What one input adds to the sum of a linear model.

    Parameters
    ----------
    name : str
        Column of the table, or map.
    amount : float
        Coefficient times deviation from the mean of the training scans: log odds of poor, or
        points of the score on the scale that it was learned on.
    value, mean : float
        Of the scan and of the training scans, as the model reads them: a lesion volume as
        ln(1 + ml), the share of a bundle as its square root. NaN of a map, and `value` where the
        scan has none: it counts as the training scans do.
    """

    name: str
    amount: float
    value: float = np.nan
    mean: float = np.nan


@dataclass(frozen=True)
class Sum:
    """A prediction as a sum: `base`, that of the average training scan, and the terms.

    `transform` is the scale of a score: "none", "log1p" or "sqrt". Log odds have "none".
    """

    base: float
    terms: tuple[Term, ...]
    transform: str = "none"

    @property
    def total(self) -> float:
        """Log odds of poor, or the score, before it is kept to its range."""
        return self.base + sum(term.amount for term in self.terms)


def opened_sum(model: Any, samples: Samples) -> Sum | None:
    """Return the sum of a fitted model for one scan; None for a model that is no such sum.

    Networks, trees and models of ordered classes are none.

    Parameters
    ----------
    samples : Samples
        One row.
    """
    if isinstance(model, RecalibratedClassifier):
        inner = opened_sum(model.model_, samples)
        return inner and _stretched(inner, model.intercept_, model.slope_)
    if isinstance(model, TransformedRegressor):
        inner = opened_sum(model.model_, samples)
        return inner and replace(inner, transform=model.transform)
    if isinstance(model, ConstantClassifier):
        rate = np.clip(model.rate_, 1e-12, 1 - 1e-12)
        return Sum(float(np.log(rate / (1 - rate))), ())
    if isinstance(model, ConstantRegressor):
        return Sum(model.mean_, ())
    if isinstance(model, TableClassifier | TableRegressor):
        linear = isinstance(model.pipeline_.steps[-1][1], LogisticRegression | Ridge | ElasticNet)
        return _of_table(model, samples) if linear else None
    if isinstance(model, BlockClassifier | BlockRegressor):
        values = model._features(samples)[0]
        names = feature_columns(model.columns_)
        return Sum(model.intercept_, _terms(names, values, model.means_, model.weights_))
    if isinstance(model, KernelClassifier | KernelRegressor):
        return _of_maps(model, samples)
    return None


def _stretched(inner: Sum, intercept: float, slope: float) -> Sum:
    terms = tuple(replace(term, amount=slope * term.amount) for term in inner.terms)
    return replace(inner, base=intercept + slope * inner.base, terms=terms)


def _terms(
    names: Iterable[str], values: Floats, means: Floats, weights: Floats
) -> tuple[Term, ...]:
    """One term for each column; a missing value deviates by nothing."""
    amounts = np.nan_to_num(values - means) * weights
    together = zip(names, amounts, values, means, strict=True)
    return tuple(Term(name, *(float(x) for x in numbers)) for name, *numbers in together)


def _of_table(model: Any, samples: Samples) -> Sum:
    """Columns that are filled in, scaled, and weighed; whether one was missing counts with it."""
    imputer, scaler, predictor = (step for _, step in model.pipeline_.steps)
    features = np.asarray(model._features(samples), dtype=np.float64)
    deviations = scaler.transform(imputer.transform(features))[0]
    amounts = deviations * np.ravel(predictor.coef_)
    bundles = isinstance(model, DisconnectionClassifier | DisconnectionRegressor)
    names = feature_columns(model.columns_) if bundles else model.columns_
    own = amounts[: len(names)].copy()
    marked = [] if imputer.indicator_ is None else imputer.indicator_.features_
    for place, amount in zip(marked, amounts[len(names) :], strict=True):
        own[place] += amount
    means = scaler.mean_[: len(names)]
    terms = tuple(
        Term(name, float(amount), float(value), float(mean))
        for name, amount, value, mean in zip(names, own, features[0], means, strict=True)
    )
    return Sum(float(np.ravel(predictor.intercept_)[0]), terms)


def _of_maps(model: Any, samples: Samples) -> Sum:
    """Maps as a whole, as a bundle keeps of the mean map no more than what its weights give."""
    seen = with_views(samples) if isinstance(model, LesionMap) else samples
    volumes = model.seen(seen)
    weights, offsets = model.primal()
    terms = []
    for k, column in enumerate(map_columns(volumes, model.maps_)):
        blocks = volumes.blocks(column, model.mask)
        given = sum(float((block @ weights[k, part])[0]) for part, block in blocks)
        there = bool(volumes.present[0, column])
        terms.append(Term(model.maps_[k], given - float(offsets[k]) if there else 0.0))
    if isinstance(model, KernelColumnsClassifier | KernelColumnsRegressor):
        values = numeric_columns(samples, model.columns_)[0]
        terms += _terms(model.columns_, values, model._means, model._weights)
    return Sum(model.intercept_, tuple(terms))
