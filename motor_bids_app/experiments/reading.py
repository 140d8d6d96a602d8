"""Experiments from TOML, and back."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from typing import Any

from motor_bids_app.documents import parse_toml
from motor_bids_app.errors import UsageError
from motor_bids_app.experiments.obeyed import without_unread
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.models.catalog import USUAL


def preset_names() -> list[str]:
    """Names of the experiments that come with the package."""
    folder = resources.files("motor_bids_app.experiments") / "presets"
    return sorted(
        file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")
    )


def load_preset(name: str) -> Experiment:
    """Return an experiment that comes with the package.

    >>> load_preset("baselines").model.names[0]
    'prevalence'

    Raises
    ------
    UsageError
        There is no preset of this name.
    """
    return Experiment.read(_preset(name), f"preset {name}")


def _preset(name: Any) -> dict[str, Any]:
    if name not in preset_names():
        raise UsageError(
            f"There is no experiment {name!r}: use one of {', '.join(preset_names())}, or the path "
            "of a file that ends with .toml."
        )
    folder = resources.files("motor_bids_app.experiments") / "presets"
    return _whole(tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8")))


def parse_experiment(text: str, place: str) -> Experiment:
    """Return the experiment that a TOML text describes.

    A text with ``base = "karakis2023"`` starts from that preset, and states what differs.

    Parameters
    ----------
    text : str
        Content of the file.
    place : str
        Name of the file, for messages.

    Raises
    ------
    UsageError
        The text is not TOML, or says something that an experiment cannot.
    """
    try:
        content = parse_toml(text)
    except ValueError as error:
        raise UsageError(f"{place} is not valid TOML: {error}.") from error
    return Experiment.read(_whole(content), place)


def _whole(content: dict[str, Any]) -> dict[str, Any]:
    """Put what a preset says under what a text says, where it names one as base."""
    if "base" not in content:
        return content
    own = {key: value for key, value in content.items() if key != "base"}
    whole = _over(_preset(content["base"]), own)
    return without_unread(whole, own, _names(whole))


def _names(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Models of an experiment that may not be valid yet."""
    model = content.get("model")
    rungs, kind = (
        (model.get("rungs"), model.get("kind")) if isinstance(model, Mapping) else (None, None)
    )
    return (*(map(str, rungs) if isinstance(rungs, list) else USUAL), str(kind))


def _over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Replace values of `base`, key by key within tables."""
    merged = dict(base)
    for key, value in changes.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = {**below, **value}
        merged[key] = value
    return merged


def to_toml(experiment: Experiment) -> str:
    """Write every value of an experiment, defaults too; reading it gives the same experiment."""
    lines: list[str] = []
    for key, value in asdict(experiment).items():
        if isinstance(value, dict):
            lines += ["", f"[{key}]"]
            lines += [f"{k} = {_toml(v)}" for k, v in value.items() if v is not None]
        elif value is not None:
            lines.append(f"{key} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """TOML of a text, number, switch or list; JSON writes all of them alike."""
    if isinstance(value, float) and value == int(value):
        return f"{value:.1f}"
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
