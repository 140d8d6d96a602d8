"""What ``model.json`` of a bundle may say: types, ranges and numbers of everything that is used.

A bundle may come from anywhere. Whatever becomes a name, a size or a count is checked before it
is used, so that a wrong one costs a sentence, and no memory.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from motor_bids_app.bids.tables.predictors import MOST_CATEGORIES, TYPES
from motor_bids_app.errors import IncompatibleModelError
from motor_bids_app.evaluation.crossvalidation import primary_metric
from motor_bids_app.experiments.augmentation import Augmentation
from motor_bids_app.experiments.rules import Rule, list_of, one_of, some_of, whole
from motor_bids_app.experiments.sections import (
    MAPS,
    NAME,
    OUTCOMES,
    SESSION,
    Inputs,
    Model,
    Training,
)
from motor_bids_app.features.recordings import SIGNALS
from motor_bids_app.levels.bundle_values import (
    ABOVE_0,
    HEX,
    NUMBER,
    SHARE,
    SWITCH,
    TEXT,
    Each,
    Maybe,
    Table,
    check_finite,
    check_value,
    refuse,
)
from motor_bids_app.levels.cohort.scoring import PATIENTS
from motor_bids_app.models.catalog import FUSION, MODELS, PATTERNS, TASKS, Needs, needs
from motor_bids_app.reports.experiment.gate import VERDICTS

_MOST_PEOPLE = 10_000_000
_MOST_LAYERS = 64


_CHANNEL = Rule(
    lambda value: isinstance(value, str) and bool(re.fullmatch(r"(eeg|emg) \S.{0,99}", value)),
    "the name of a channel after eeg or emg",
)
_PEOPLE = whole(0, _MOST_PEOPLE)
_OUTPUTS = whole(1, 20)

_RULES = {
    f.name: f.metadata["rule"] for part in (Model, Training, Augmentation) for f in fields(part)
}
_SETTINGS = {
    **_RULES,
    "hidden": Rule(
        lambda value: _RULES["hidden"].allows(value) or _RULES["lstm"].allows(value),
        f"{_RULES['hidden'].words}, or {_RULES['lstm'].words}",
    ),
    "maps": some_of(*MAPS),
    "modalities": list_of(*{name for names in FUSION.values() for name in names}),
    "bounds": Maybe(Each(NUMBER, 2, 2)),
    "columns": Each(TEXT, 1000),
    "pattern": Rule(
        lambda value: isinstance(value, str) and value in PATTERNS,
        "columns of this version (those of regions were of another atlas before: train it again)",
    ),
    "select": SWITCH,
    "attention": SWITCH,
    "penalty": Maybe(ABOVE_0),
    "harmonise": one_of("none", "combat"),
    "n_classes": _OUTPUTS,
    "random_state": whole(0, 2**63 - 1),
}
_INDEX = Table(
    {
        "format": whole(1, 1000),
        "kind": TEXT,
        "settings": Each(Rule(lambda _: True, "a setting"), 100, keyed=True),
        "values": Each(Rule(lambda _: True, "a value"), 10_000, keyed=True),
        "sha256": Each(HEX, 10_000, 1, keyed=True),
        "metadata": Each(Rule(lambda _: True, "a value"), 1000, keyed=True),
    }
)
_LIMITS = Table(
    {"level": SHARE, "poor": NUMBER, "good": NUMBER},
    dict.fromkeys(("half_width", "least", "most"), Maybe(NUMBER)),
)
_CV_PLUS = Table(
    {
        "errors": Each(NUMBER, _MOST_PEOPLE, 1),
        "folds": Each(whole(0, 99), _MOST_PEOPLE, 1),
        "poor": Maybe(Each(SWITCH, _MOST_PEOPLE, 1)),
    }
)
_SPREAD = Table({"n": whole(2, _MOST_PEOPLE), "mean": NUMBER, "sd": ABOVE_0, "logarithmic": SWITCH})
_IMAGES = Table({"key": HEX, "hashes": Each(HEX, _MOST_PEOPLE)})
_PREDICTOR = Table(
    {
        **dict.fromkeys(("name", "group", "file", "units"), TEXT),
        "type": one_of(*TYPES),
        "categories": Each(TEXT, MOST_CATEGORIES),
    }
)
_GRID = Table({"shape": Each(whole(1, 1024), 3, 3), "affine": Each(Each(NUMBER, 4, 4), 4, 4)})
_PARTS = dict.fromkeys(("means", "sds", "weights"), Each(NUMBER, 20, 2))
_PERFORMANCE = Table(
    {
        "metric": TEXT,
        "population": TEXT,
        **dict.fromkeys(("value", "low", "high", "noise_floor"), Maybe(NUMBER)),
    }
)
_METADATA = Table(
    {
        "software": Table({"version": TEXT}),
        "experiment": NAME,
        "model": one_of(*MODELS),
        "task": one_of(*TASKS),
        "target": Table(
            dict.fromkeys(("score", "title", "unit", "text"), TEXT),
            {
                "ordered_classes": Each(TEXT, 20),
                "thresholds": Each(NUMBER, 20),
                "comparison": Maybe(one_of("<", "<=", ">", ">=")),
                "source": Maybe(TEXT),
                "session": SESSION,
                "within": Each(NUMBER, 2, 2),
                "outcome": Table(
                    {
                        "kind": one_of(*OUTCOMES[1:]),
                        **dict.fromkeys(("score", "title", "unit"), TEXT),
                    }
                ),
                "component": Table({"columns": Each(TEXT, 20, 2), **_PARTS}),
                "threshold": Maybe(NUMBER),
                "range": Maybe(Each(NUMBER, 2, 2)),
            },
        ),
        "classes": Maybe(Rule(lambda value: value == ("good", "poor"), '["good", "poor"]')),
        "inputs": Table(
            {
                "space": TEXT,
                "maps": some_of(*MAPS),
                "grid": Maybe(_GRID),
                **{
                    f.name: f.metadata["rule"]
                    for f in fields(Inputs)
                    if f.name in ("resolution", "mask", "mirror_lesion_to", "baseline_score")
                },
            },
            {
                "columns": Each(_PREDICTOR, 10_000),
                "session": SESSION,
                SIGNALS: Table(
                    {
                        "channels": Each(_CHANNEL, 10_000, 1),
                        "rate": ABOVE_0,
                        "n_samples": whole(1, 1_000_000),
                    }
                ),
            },
        ),
        "processing": Maybe(
            Table(
                {
                    "settings": Each(Rule(lambda _: True, "a setting"), 100, keyed=True),
                    "digest": Maybe(TEXT),
                }
            )
        ),
        "performance": Each(_PERFORMANCE, 1000, 1),
        "conformal": _LIMITS,
        "conformal_outside": _LIMITS,
        "training": Table(
            {
                "n_people": whole(1, _MOST_PEOPLE),
                "n_patients": _PEOPLE,
                "n_controls": _PEOPLE,
                "domain": Table(
                    {
                        "spreads": Each(Each(_SPREAD, 10_000, keyed=True), 100, keyed=True),
                        "sites": Each(TEXT, 10_000),
                    }
                ),
                "images": _IMAGES,
            }
        ),
        "members": whole(1, 100),
    },
    {
        "cv_plus": _CV_PLUS,
        "notice": TEXT,
        "verdict": one_of(*VERDICTS),
        "began_with": Each(Table({"bundle": HEX, "maps": some_of(*MAPS), "images": _IMAGES}), 1000),
    },
)


def check_index(content: Any, place: str) -> None:
    """Raise IncompatibleModelError unless ``model.json`` can be that of a model or a member."""
    check_value(content, _INDEX, place)
    check_finite(content, place)
    for name, value in content["settings"].items():
        if name not in _SETTINGS:
            raise IncompatibleModelError(f"{place}: no model has a setting {name[:80]!r}.")
        if isinstance(value, list) and len(value) > _MOST_LAYERS and name != "columns":
            refuse(f"{len(value)} entries", f"{place} settings {name}", f"{_MOST_LAYERS} at most")
        check_value(value, _SETTINGS[name], f"{place} settings {name}")


def check_metadata(metadata: Mapping[str, Any], place: str) -> None:
    """Raise IncompatibleModelError unless all that predictions use is there, and can be."""
    check_value(metadata, _METADATA, place)
    if (metadata["classes"] is not None) != (metadata["task"] == "classification"):
        raise IncompatibleModelError(f"{place}: classes and task do not go together.")
    _check_inputs(metadata["inputs"], needs(metadata["model"]), place)
    _check_classes(metadata, place)
    _check_course(metadata["target"], metadata["inputs"], metadata["task"], place)
    if "cv_plus" in metadata:
        _check_cv_plus(metadata["cv_plus"], metadata["classes"] is not None, f"{place} cv_plus")
    wanted = primary_metric(metadata["task"])
    if not any(
        (row["metric"], row["population"]) == (wanted, PATIENTS) and row["value"] is not None
        for row in metadata["performance"]
    ):
        raise IncompatibleModelError(f"{place}: performance lacks the {wanted} of {PATIENTS}.")


def _check_inputs(inputs: Mapping[str, Any], needed: Needs, place: str) -> None:
    """Raise unless all that a model of this name reads is described."""
    if needed.volumes and not inputs["maps"]:
        refuse(inputs["maps"], f"{place} inputs maps", "some maps, which such a model reads")
    if not set(needed.maps) <= set(inputs["maps"]):
        refuse(inputs["maps"], f"{place} inputs maps", f"with {' and '.join(needed.maps)} too")
    if (inputs["maps"] or needed.volumes or needed.instances) and inputs["grid"] is None:
        refuse(None, f"{place} inputs grid", "a grid, which such a model reads")
    if SIGNALS in needed.instances:
        if SIGNALS not in inputs:
            refuse(None, f"{place} inputs {SIGNALS}", "a table of channels, which it reads")
        channels = inputs[SIGNALS]["channels"]
        if len(set(channels)) < len(channels):
            refuse(channels, f"{place} inputs {SIGNALS} channels", "channels of different names")


def _check_course(
    target: Mapping[str, Any], inputs: Mapping[str, Any], task: str, place: str
) -> None:
    """Raise unless a later session has an earlier one, and a change a baseline."""
    if "session" in target and "session" not in inputs:
        refuse(None, f"{place} inputs session", "a session, as the target has one")
    if "outcome" in target and (inputs["baseline_score"] == "none" or task != "regression"):
        refuse(target["outcome"]["kind"], f"{place} target outcome", "a baseline and a regression")


def _check_classes(metadata: Mapping[str, Any], place: str) -> None:
    """Raise unless ordered classes have a name each, and there are some only where they are."""
    ordered = metadata["target"].get("ordered_classes", [])
    least = 2 if metadata["task"] == "ordinal" else 0
    if len(set(ordered)) < max(len(ordered), least) or (ordered and not least):
        words = "at least two different names" if least else "empty, as the task is not ordinal"
        refuse(ordered, f"{place} target ordered_classes", words)


def _check_cv_plus(kept: Mapping[str, Any], classify: bool, place: str) -> None:
    """Raise unless each person has an error, a fold and, of classes, a class."""
    if classify != (kept["poor"] is not None):
        refuse(kept["poor"], f"{place} poor", "a class for each person where there are classes")
    n = len(kept["errors"])
    for name in ("folds", *(["poor"] if classify else [])):
        if len(kept[name]) != n:
            refuse(f"{len(kept[name])} entries", f"{place} {name}", f"{n}, as errors are")
