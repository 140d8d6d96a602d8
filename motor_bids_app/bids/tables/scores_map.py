"""The user's own word on what columns mean: the TOML file of ``--scores-map``."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motor_bids_app.bids.tables.event_names import read_event_names
from motor_bids_app.bids.tables.scores import DEMOGRAPHICS, SCORES, Cutoff, Score
from motor_bids_app.bids.tables.text import read_lines
from motor_bids_app.documents import parse_toml
from motor_bids_app.errors import DataError, InputMissingError, ReadWriteError, UsageError

_KEYS = (
    "column", "units", "levels", "missing", "minimum", "maximum", "higher_is_better", "poor",
    "title",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What the user says about one score or demographic variable.

    Parameters
    ----------
    column : str or None
        Column that holds it; None: the one recognised by its name.
    units : str or None
        Unit of its numbers.
    levels : dict of str
        Meaning of its codes.
    missing : tuple of str or None
        Cells that stand for a missing value; None: nothing is said of them.
    score : Score or None
        The score, with the limits given by the user; None for demographic variables.
    """

    column: str | None = None
    units: str | None = None
    levels: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] | None = None
    score: Score | None = None


@dataclass(frozen=True, kw_only=True)
class ScoresMap:
    """All declarations by registry name, the columns to leave alone, and what events are called.

    `events` are task ('' for all), name of its events, and the name to take instead.
    """

    declarations: Mapping[str, Declaration] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    events: tuple[tuple[str, str, str], ...] = ()

    def get(self, name: str) -> Declaration:
        """Return the declaration of a variable; an empty one if there is none."""
        return self.declarations.get(name, Declaration(score=SCORES.get(name)))


def line_to_add(name: str, **parts: Any) -> str:
    """Write the line that declares a variable, ready to paste.

    >>> line_to_add("sex", column="Sex", levels={"1": "male", "2": "female"})
    'sex = { column = "Sex", levels = { "1" = "male", "2" = "female" } }'
    """
    return f"{name} = {_toml(parts)}"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{_toml_key(key)} = {_toml(item)}" for key, item in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)  # strings and numbers are written alike


def _toml_key(key: str) -> str:
    return key if key.isidentifier() and key.isascii() else json.dumps(key, ensure_ascii=False)


def load_scores_map(path: Path | None) -> ScoresMap:
    """Read and check a scores map.

    Raises
    ------
    InputMissingError, UsageError
        There is no such file; it is not TOML, or has an entry that means nothing.
    """
    if path is None:
        return ScoresMap()
    try:
        content = parse_toml("\n".join(read_lines(path)))
    except InputMissingError as error:
        raise InputMissingError(f"--scores-map {path}: there is no such file.") from error
    except (DataError, ReadWriteError) as error:
        raise UsageError(f"--scores-map: {error}") from error
    except ValueError as error:
        raise UsageError(f"--scores-map {path} is not readable TOML: {error}.") from error
    ignore = content.pop("ignore", [])
    if not isinstance(ignore, list):
        raise UsageError(f'{path}: ignore must be a list of columns, as in ignore = ["nihss_24h"].')
    events = read_event_names(path, content.pop("events", {}))
    declarations = {name: _declare(path, name, entry) for name, entry in content.items()}
    ignored = tuple(str(column).strip() for column in ignore)
    return ScoresMap(declarations=declarations, ignore=ignored, events=events)


def _declare(path: Path, name: str, entry: Any) -> Declaration:
    if isinstance(entry, str):
        entry = {"column": entry}
    if not isinstance(entry, dict) or set(entry) - set(_KEYS):
        raise UsageError(
            f"{path}: {name} must be the name of a column, or a table with some of "
            f"{', '.join(_KEYS)}."
        )
    if name not in SCORES and name not in DEMOGRAPHICS and not {"minimum", "maximum"} <= set(entry):
        raise UsageError(
            f"{path}: {name} is not a known variable ({', '.join((*SCORES, *DEMOGRAPHICS))}). Give "
            "a score of your own a minimum and a maximum."
        )
    levels, missing = entry.get("levels", {}), entry.get("missing")
    if not isinstance(levels, dict) or not isinstance(missing, list | None):
        raise UsageError(f"{path}: {name} needs levels as a table and missing as a list.")
    for key in ("column", "units", "title"):
        if not isinstance(entry.get(key, ""), str):
            raise UsageError(f"{path}: {name} {key} = {entry[key]!r}: use text.")
    return Declaration(
        column=_text(entry, "column"),
        units=_text(entry, "units"),
        levels={str(code).strip(): str(meaning).strip() for code, meaning in levels.items()},
        missing=None if missing is None else tuple(str(cell).strip() for cell in missing),
        score=None if name in DEMOGRAPHICS else _score(path, name, entry),
    )


def _text(entry: Mapping[str, Any], key: str) -> str | None:
    return str(entry[key]).strip() if key in entry else None


def _score(path: Path, name: str, entry: Mapping[str, Any]) -> Score:
    """The registered score with the limits of the user, or a score of the user's own."""
    known = SCORES.get(name)
    try:
        low = _finite(entry.get("minimum", known.minimum if known else 0))
        high = _finite(entry.get("maximum", known.maximum if known else 0))
        if not low < high:
            raise ValueError(f"minimum {low:g} is not below maximum {high:g}")
        return Score(
            name=name,
            title=str(entry.get("title", known.title if known else name)),
            minimum=low,
            maximum=high,
            unit=known.unit if known else str(entry.get("units", "points")),
            higher_is_better=_switch(
                entry.get("higher_is_better", known.higher_is_better if known else True)
            ),
            poor=_cutoff(entry["poor"]) if "poor" in entry else known.poor if known else None,
        )
    except (TypeError, ValueError) as error:
        raise UsageError(f"{path}: {name} cannot be understood: {error}.") from error


def _cutoff(text: Any) -> Cutoff:
    found = re.fullmatch(r"\s*(<=|>=|<|>)\s*(\S+)\s*", text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f'poor = {text!r} is no limit, such as "<= 31"')
    return Cutoff(found[1], _finite(found[2]), "scores map")


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"higher_is_better = {value!r} is neither true nor false")
    return value


def _finite(value: Any) -> float:
    """Return a number, or a text of one; a switch is none."""
    if isinstance(value, bool) or not math.isfinite(number := float(value)):
        raise ValueError(f"{value!r} is no number")
    return number
