"""Protocols that choose by the test set, as published studies did; see `flawed`."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from sklearn.base import clone

from motor_bids_app.evaluation.protocols import Plan

TRAININGS = 10  # to pick the best of
STAGES = (0.25, 0.5, 0.75, 1.0)  # of the epochs, to stop at
PENALTIES = tuple(float(value) for value in np.logspace(-2, 4, 7))
MOST_INPUTS = 12  # to make ensembles of; more columns are grouped by what they measure


def best_of_trainings(plan: Plan) -> Plan | str:
    """The training that does best in a test set counts (karakis2023: "mean of maxima" of 10)."""
    return _each(plan, _trainings, "the model is trained once: there is nothing to pick from")


def _trainings(candidate: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
    if len(candidate) > 1:
        return [(model,) for model in candidate]
    parameters = candidate[0].get_params(deep=False)
    seed = parameters.get("random_state")
    if seed is None or "epochs" in parameters:  # ten networks are for the user to ask for
        return []
    return [(set_model(candidate[0], random_state=seed + number),) for number in range(TRAININGS)]


def choice_on_test(plan: Plan) -> Plan | str:
    """Inputs alone, in pairs and all, or kinds of network, are tried; the best in test counts.

    cbam2025: fractional anisotropy and white matter were the best of all pairs of maps.
    """
    choices = getattr(plan.models[0], "choices", {})
    others = [with_settings(plan, **{key: one}) for key, every in choices.items() for one in every]
    if others:  # shi2025: the network that did best of five
        return replace(plan, variants=tuple(v for other in others for v in other.variants))
    inputs = _inputs(plan)
    if len(inputs) < 2:
        return "the model has one kind of input: there is nothing to choose from"
    subsets = [
        *((one,) for one in inputs),
        *combinations(inputs, 2),
        *([tuple(inputs)][: len(inputs) > 2]),
    ]
    ensembles = tuple(
        tuple(
            tuple(set_model(model, **settings) for model in candidate for settings in subset)
            for candidate in variant
        )
        for subset in subsets
        for variant in plan.variants
    )
    return replace(plan, variants=(*plan.variants, *ensembles))


def _inputs(plan: Plan) -> list[dict[str, Any]]:
    """Settings of models that read one kind of input each."""
    parameters = plan.models[0].get_params(deep=False)
    if "maps" in parameters and plan.samples.volumes is not None:
        maps = parameters["maps"] or plan.samples.volumes.maps
        return [{"maps": (name,)} for name in maps]
    if "columns" not in parameters:
        return []
    parts: dict[str, list[str]] = {}
    for name in plan.columns:
        kind = name if len(plan.columns) <= MOST_INPUTS else name.split("_")[0]
        parts.setdefault(kind, []).append(name)
    groups = list(parts.values())
    if len(groups) > MOST_INPUTS:
        groups = [part.tolist() for part in np.array_split(plan.columns, MOST_INPUTS)]
    return [{"columns": tuple(names), "pattern": ""} for names in groups]


def stopping_on_test(plan: Plan) -> Plan | str:
    """Learning stops where the test set is predicted best (cbam2025, shi2025).

    Of a network the number of epochs is chosen, of a linear model the penalty; of an elastic net
    the penalty too, at one mix of the absolute and the square.
    """
    return _each(plan, _stages, "the model has neither epochs nor a penalty to stop by")


def _stages(candidate: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
    parameters = candidate[0].get_params(deep=False)
    if "epochs" in parameters:
        lengths = sorted({max(1, round(share * parameters["epochs"])) for share in STAGES})
        return [tuple(set_model(model, epochs=length) for model in candidate) for length in lengths]
    if "penalty" in parameters:
        # The seed deals inner folds, which choose no penalty that is given.
        return [
            tuple(set_model(model, penalty=value, random_state=0) for model in candidate)
            for value in PENALTIES
        ]
    return []


def _each(
    plan: Plan, several: Callable[[tuple[Any, ...]], Iterable[tuple[Any, ...]]], otherwise: str
) -> Plan | str:
    """Put several candidates in the place of each."""
    variants = tuple(
        tuple(new for candidate in variant for new in several(candidate))
        for variant in plan.variants
    )
    return replace(plan, variants=variants) if all(variants) else otherwise


def with_settings(plan: Plan, **settings: Any) -> Plan:
    """Change settings of all models."""
    variants = tuple(
        tuple(tuple(set_model(model, **settings) for model in candidate) for candidate in variant)
        for variant in plan.variants
    )
    return replace(plan, variants=variants)


def set_model(model: Any, **settings: Any) -> Any:
    """Return a model like this one, not fitted, with those settings that it has."""
    known = model.get_params(deep=False)
    return clone(model).set_params(**{k: v for k, v in settings.items() if k in known})
