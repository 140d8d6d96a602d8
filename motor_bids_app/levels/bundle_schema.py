"""What ``model.json`` of a bundle may say: types, ranges and numbers of everything that is used.

A bundle may come from anywhere. Whatever becomes a name, a size or a count is checked before it
is used, so that a wrong one costs a sentence, and no memory.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from motor_bids_app.errors import IncompatibleModelError
from motor_bids_app.evaluation.crossvalidation import primary_metric
from motor_bids_app.experiments.augmentation import Augmentation
from motor_bids_app.experiments.rules import Rule, list_of, one_of, some_of, whole
from motor_bids_app.experiments.schema import MAPS, NAME, Inputs, Model, Training
from motor_bids_app.features.recordings import SIGNALS
from motor_bids_app.levels.cohort.scoring import PATIENTS
from motor_bids_app.models.catalog import FUSION, MODELS, PATTERNS, TASKS, Needs, needs

_MOST_PEOPLE = 10_000_000
_MOST_TEXT = 10_000  # characters
_MOST_LAYERS = 64


@dataclass(frozen=True)
class Table:
    """A table with these keys; others may be there, and are not used."""

    required: Mapping[str, Any]
    optional: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Each:
    """A list, or a table with any keys, of at most so many of one kind."""

    kind: Any
    most: int
    least: int = 0
    keyed: bool = False


@dataclass(frozen=True)
class Maybe:
    """One kind, or nothing."""

    kind: Any


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= 1e15


_TEXT = Rule(
    lambda value: isinstance(value, str) and len(value) <= _MOST_TEXT,
    f"text of at most {_MOST_TEXT} characters",
)
_NUMBER = Rule(_is_number, "a number")
_SHARE = Rule(lambda value: _is_number(value) and 0 < value < 1, "a number between 0 and 1")
_ABOVE_0 = Rule(lambda value: _is_number(value) and value > 0, "a number above 0")
_SWITCH = Rule(lambda value: type(value) is bool, "true or false")
_HEX = Rule(
    lambda value: (
        isinstance(value, str) and len(value) <= 128 and not set(value) - set("0123456789abcdef")
    ),
    "hexadecimal digits",
)
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
    "bounds": Maybe(Each(_NUMBER, 2, 2)),
    "columns": Each(_TEXT, 1000),
    "pattern": Rule(
        lambda value: value in PATTERNS,
        "columns of this version (those of regions were of another atlas before: train it again)",
    ),
    "select": _SWITCH,
    "attention": _SWITCH,
    "penalty": Maybe(_ABOVE_0),
    "harmonise": one_of("none", "combat"),
    "n_classes": _OUTPUTS,
    "random_state": whole(0, 2**63 - 1),
}
_INDEX = Table(
    {
        "format": whole(1, 1000),
        "kind": _TEXT,
        "settings": Each(Rule(lambda _: True, "a setting"), 100, keyed=True),
        "values": Each(Rule(lambda _: True, "a value"), 10_000, keyed=True),
        "sha256": Each(_HEX, 10_000, 1, keyed=True),
        "metadata": Each(Rule(lambda _: True, "a value"), 1000, keyed=True),
    }
)
_LIMITS = Table(
    {"level": _SHARE, "poor": _NUMBER, "good": _NUMBER},
    dict.fromkeys(("half_width", "least", "most"), Maybe(_NUMBER)),
)
_CV_PLUS = Table(
    {
        "errors": Each(_NUMBER, _MOST_PEOPLE, 1),
        "folds": Each(whole(0, 99), _MOST_PEOPLE, 1),
        "poor": Maybe(Each(_SWITCH, _MOST_PEOPLE, 1)),
    }
)
_SPREAD = Table(
    {"n": whole(2, _MOST_PEOPLE), "mean": _NUMBER, "sd": _ABOVE_0, "logarithmic": _SWITCH}
)
_IMAGES = Table({"key": _HEX, "hashes": Each(_HEX, _MOST_PEOPLE)})
_GRID = Table({"shape": Each(whole(1, 1024), 3, 3), "affine": Each(Each(_NUMBER, 4, 4), 4, 4)})
_PARTS = dict.fromkeys(("means", "sds", "weights"), Each(_NUMBER, 20, 2))
_PERFORMANCE = Table(
    {
        "metric": _TEXT,
        "population": _TEXT,
        **dict.fromkeys(("value", "low", "high", "noise_floor"), Maybe(_NUMBER)),
    }
)
_METADATA = Table(
    {
        "software": Table({"version": _TEXT}),
        "experiment": NAME,
        "model": one_of(*MODELS),
        "task": one_of(*TASKS),
        "target": Table(
            dict.fromkeys(("score", "title", "unit", "text"), _TEXT),
            {
                "ordered_classes": Each(_TEXT, 20),
                "thresholds": Each(_NUMBER, 20),
                "comparison": Maybe(one_of("<", "<=", ">", ">=")),
                "source": Maybe(_TEXT),
                "component": Table({"columns": Each(_TEXT, 20, 2), **_PARTS}),
                "threshold": Maybe(_NUMBER),
                "range": Maybe(Each(_NUMBER, 2, 2)),
            },
        ),
        "classes": Maybe(Rule(lambda value: value == ("good", "poor"), '["good", "poor"]')),
        "inputs": Table(
            {
                "space": _TEXT,
                "maps": some_of(*MAPS),
                "grid": Maybe(_GRID),
                **{
                    f.name: f.metadata["rule"]
                    for f in fields(Inputs)
                    if f.name in ("resolution", "mask", "mirror_lesion_to", "baseline_score")
                },
            },
            {
                "columns": Each(_TEXT, 100),
                SIGNALS: Table(
                    {
                        "channels": Each(_CHANNEL, 10_000, 1),
                        "rate": _ABOVE_0,
                        "n_samples": whole(1, 1_000_000),
                    }
                ),
            },
        ),
        "processing": Maybe(
            Table(
                {
                    "settings": Each(Rule(lambda _: True, "a setting"), 100, keyed=True),
                    "digest": Maybe(_TEXT),
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
                        "sites": Each(_TEXT, 10_000),
                    }
                ),
                "images": _IMAGES,
            }
        ),
        "members": whole(1, 100),
    },
    {
        "cv_plus": _CV_PLUS,
        "began_with": Each(
            Table({"bundle": _HEX, "maps": some_of(*MAPS), "images": _IMAGES}), 1000
        ),
    },
)


def check_index(content: Any, place: str) -> None:
    """Raise IncompatibleModelError unless ``model.json`` can be that of a model or a member."""
    _check(content, _INDEX, place)
    _check_finite(content, place)
    for name, value in content["settings"].items():
        if name not in _SETTINGS:
            raise IncompatibleModelError(f"{place}: no model has a setting {name[:80]!r}.")
        if isinstance(value, list) and len(value) > _MOST_LAYERS and name != "columns":
            _refuse(f"{len(value)} entries", f"{place} settings {name}", f"{_MOST_LAYERS} at most")
        _check(value, _SETTINGS[name], f"{place} settings {name}")


def check_metadata(metadata: Mapping[str, Any], place: str) -> None:
    """Raise IncompatibleModelError unless all that predictions use is there, and can be."""
    _check(metadata, _METADATA, place)
    if (metadata["classes"] is not None) != (metadata["task"] == "classification"):
        raise IncompatibleModelError(f"{place}: classes and task do not go together.")
    _check_inputs(metadata["inputs"], needs(metadata["model"]), place)
    _check_classes(metadata, place)
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
        _refuse(inputs["maps"], f"{place} inputs maps", "some maps, which such a model reads")
    if not set(needed.maps) <= set(inputs["maps"]):
        _refuse(inputs["maps"], f"{place} inputs maps", f"with {' and '.join(needed.maps)} too")
    if (inputs["maps"] or needed.volumes or needed.instances) and inputs["grid"] is None:
        _refuse(None, f"{place} inputs grid", "a grid, which such a model reads")
    if SIGNALS in needed.instances:
        if SIGNALS not in inputs:
            _refuse(None, f"{place} inputs {SIGNALS}", "a table of channels, which it reads")
        channels = inputs[SIGNALS]["channels"]
        if len(set(channels)) < len(channels):
            _refuse(channels, f"{place} inputs {SIGNALS} channels", "channels of different names")


def _check_classes(metadata: Mapping[str, Any], place: str) -> None:
    """Raise unless ordered classes have a name each, and there are some only where they are."""
    ordered = metadata["target"].get("ordered_classes", [])
    least = 2 if metadata["task"] == "ordinal" else 0
    if len(set(ordered)) < max(len(ordered), least) or (ordered and not least):
        words = "at least two different names" if least else "empty, as the task is not ordinal"
        _refuse(ordered, f"{place} target ordered_classes", words)


def _check_cv_plus(kept: Mapping[str, Any], classify: bool, place: str) -> None:
    """Raise unless each person has an error, a fold and, of classes, a class."""
    if classify != (kept["poor"] is not None):
        _refuse(kept["poor"], f"{place} poor", "a class for each person where there are classes")
    n = len(kept["errors"])
    for name in ("folds", *(["poor"] if classify else [])):
        if len(kept[name]) != n:
            _refuse(f"{len(kept[name])} entries", f"{place} {name}", f"{n}, as errors are")


def _check(value: Any, kind: Any, place: str) -> None:
    """Compare a value with what is allowed, part by part."""
    if isinstance(kind, Maybe):
        if value is not None:
            _check(value, kind.kind, place)
    elif isinstance(kind, Table):
        if not isinstance(value, Mapping):
            _refuse(value, place, "a table")
        for name, inner in {**kind.required, **(kind.optional or {})}.items():
            if name in value:
                _check(value[name], inner, f"{place} {name}")
            elif name in kind.required:
                raise IncompatibleModelError(
                    f"{place} says nothing about {name}: it was made by an earlier version, or "
                    "changed. Train it again with this version."
                )
    elif isinstance(kind, Each):
        if not isinstance(value, dict if kind.keyed else list):
            _refuse(value, place, "a table" if kind.keyed else "a list")
        if not kind.least <= len(value) <= kind.most:
            _refuse(f"{len(value)} entries", place, f"{kind.least} to {kind.most}")
        for inner in value.values() if kind.keyed else value:
            _check(inner, kind.kind, place)
    elif not kind.allows(tuple(value) if isinstance(value, list) else value):
        _refuse(value, place, kind.words)


def _refuse(value: Any, place: str, words: str) -> None:
    raise IncompatibleModelError(
        f"{place} is {str(value)[:80]!r}, and can only be {words}. The bundle was changed or made "
        "by another version: get it again from where it was made."
    )


def _check_finite(content: Any, place: str) -> None:
    """Raise for NaN and infinity, which JSON has not but its readers take."""
    values = [content]
    while values:
        value = values.pop()
        if isinstance(value, dict):
            values += value.values()
        elif isinstance(value, list):
            values += value
        elif isinstance(value, float) and not math.isfinite(value):
            _refuse(value, place, "made of finite numbers")
