"""What drove a prediction: the terms of a linear model in words, and as a table."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from motor_bids_app.experiments.sections import MAPS
from motor_bids_app.features.columns import REGIONAL, TRACT
from motor_bids_app.features.disconnection_columns import DISCONNECTION
from motor_bids_app.features.samples import Samples
from motor_bids_app.levels.bundles import SavedModel
from motor_bids_app.models.catalog import NETWORKS, OWN_RUNGS
from motor_bids_app.models.opened.contributions import Sum, Term, opened_sum
from motor_bids_app.models.tables.columns import BASELINE, OWN, own_column
from motor_bids_app.privacy import OLDEST, no_older, shown
from motor_bids_app.reports.pages import format_number
from motor_bids_app.reports.prediction.content import Driver

_NAMES = {
    "age": ("Age", "years"),
    "sex": ("Sex (0 female, 1 male)", ""),
    "time_since_stroke": ("Time since stroke", "months"),
    "lesion_volume": ("Lesion volume", "ml"),
    "tract_load": ("Share of the corticospinal tract that is lesioned", ""),
    "tract_load_weighted": ("Lesioned volume of the corticospinal tract", "ml"),
    BASELINE: ("Baseline score", ""),
    "lesion_sides": ("Place of the lesion", ""),
    "lesion_folded": ("Place of the lesion, both sides taken as one", ""),
}
_MAPS = {"fa": "FA", "md": "MD", "rd": "RD", "ad": "AD", "gm": "grey matter", "wm": "white matter"}
CONTRIBUTIONS: dict[str, dict[str, Any]] = {
    "participant_id": {"Description": "Participant"},
    "session_id": {"Description": "Session; n/a where there are no sessions"},
    "input": {"Description": "Column of the features or of a table, or map, that the model reads"},
    "value": {
        "Description": "Of this person, as the model reads it: lesion volumes as ln(1 + ml), "
        "shares of bundles as square roots; n/a of maps, and where it is missing"
    },
    "training_mean": {"Description": "Mean of the training scans, on the same scale"},
    "contribution": {
        "Description": "What it adds to the prediction of the average training scan: coefficient "
        "times deviation from the mean; log odds of a poor outcome, or points of the score on the "
        f"scale that it was learned on. Of ages above {OLDEST} that of {OLDEST + 1} years"
    },
}
_OF_A_SIDE = r"\b(left|right|map)\b"  # in words


def told_sum(model: SavedModel, samples: Samples) -> Sum | None:
    """Terms of the prediction of one scan; None of a model that is no sum.

    Ages above 89 count as 90: with the coefficient, which others give away, it would tell the age.
    """
    if len(model.members) != 1:
        return None
    table = samples.table
    if "age" in table:
        samples = replace(samples, table=table.assign(age=no_older(table["age"].iloc[0])))
    return opened_sum(model.members[0], samples)


def drivers(parts: Sum | None, model: str) -> tuple[Driver, ...]:
    """Terms of a prediction for people; none of a model that is no sum."""
    if parts is None:
        return ()
    squared = model == "disconnection" or model in OWN_RUNGS
    found = []
    for term in parts.terms:
        name, unit = quantity_words(term.name)
        value, mean = (_as_measured(term.name, x, squared) for x in (term.value, term.mean))
        given = f"{shown(term.name, value)} {unit}".strip() if math.isfinite(value) else ""
        if not given and math.isfinite(mean):
            given = "missing"
        usual = f"{format_number(mean)} {unit}".strip() if math.isfinite(mean) else ""
        found.append(Driver(name, _finite(term), given, usual))
    return tuple(found)


def _finite(term: Term) -> float:
    return term.amount if math.isfinite(term.amount) else 0.0


def _as_measured(name: str, value: float, squared: bool) -> float:
    """Undo what `numeric_columns` and `disconnection_features` do to a value."""
    if name == "lesion_volume":
        return float(np.expm1(value))
    return value**2 if squared and re.fullmatch(DISCONNECTION, name) else value


def quantity_words(name: str) -> tuple[str, str]:
    """Name and unit of an input for people.

    >>> quantity_words("fa_thalamus_left"), quantity_words("own_nihss")
    (('FA, left thalamus', ''), ('nihss', ''))
    >>> quantity_words("disconnection_corticospinal_tract_left")[0], quantity_words("fa mean")[0]
    ('Cut share of the corticospinal tract, worse side', 'Mean of the FA map')
    """
    if name in _NAMES:
        return _NAMES[name]
    if re.fullmatch(DISCONNECTION, name):
        bundle = name.partition("_")[2]
        stem = re.sub("_(left|right)$", "", bundle)
        worse = ", worse side" if stem != bundle else ""
        return f"Cut share of the {stem.replace('_', ' ')}{worse}", ""
    if found := re.fullmatch(REGIONAL, name):
        place = TRACT.replace("_", " ") if found[2] == TRACT else found[2].replace("_", " ")
        where = f"{place}, left less right" if found[3] == "asymmetry" else f"{found[3]} {place}"
        kind = _MAPS[found[1]]
        return f"{kind[0].upper()}{kind[1:]}, {where}", ""
    if re.fullmatch(OWN, name):
        return name.removeprefix(own_column("")), ""
    return _map_words(name), ""


def _map_words(name: str) -> str:
    kind, _, level = name.partition(" ")
    if kind not in MAPS:
        return name.replace("_", " ")
    of = f"the {_MAPS.get(kind, kind)} map"
    return f"{level[0].upper()}{level[1:]} of {of}" if level else f"All of {of}"


def undriven(parts: Sum | None, metadata: Mapping[str, Any]) -> str:
    """Say why nothing can be said of what drove predictions; empty where it can."""
    if parts is not None:
        if parts.terms:
            return ""
        return "This model uses no inputs: everyone gets the same prediction."
    if metadata["model"] in NETWORKS:
        return (
            "No exact contributions: this model is a network, whose prediction is not a sum over "
            "inputs. Its experiment report shows what it responds to on average."
        )
    return (
        "No exact contributions: the prediction of this model is not a sum over its inputs, unlike "
        "that of linear models."
    )


def driven(parts: Sum | None, metadata: Mapping[str, Any]) -> str:
    """Say how to read what drove predictions."""
    if parts is None or not parts.terms:
        return ""
    scale = "log odds of a poor outcome"
    if metadata["classes"] is None:
        unit = metadata["target"]["unit"] or "points"
        scale = f"{unit} of the score"
        if parts.transform != "none":
            scale += f", on the scale that it was learned on ({parts.transform})"
    text = (
        "Contribution of each input relative to the average training person: coefficient times "
        f"deviation from that average, in {scale}. Correlated inputs share their contribution, so "
        "a single one says little."
    )
    side = metadata["inputs"]["mirror_lesion_to"]
    sided = any(re.search(_OF_A_SIDE, quantity_words(term.name)[0]) for term in parts.terms)
    if sided and side != "none":
        text += f" Brains were mirrored: {side} is the side of the lesion."
    return text
