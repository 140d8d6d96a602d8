"""Kinds of values that JSON from elsewhere may hold, and how they are compared with them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from motor_bids_app.errors import IncompatibleModelError
from motor_bids_app.experiments.rules import Rule

_MOST_TEXT = 10_000  # characters


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


TEXT = Rule(
    lambda value: isinstance(value, str) and len(value) <= _MOST_TEXT,
    f"text of at most {_MOST_TEXT} characters",
)
NUMBER = Rule(_is_number, "a number")
SHARE = Rule(lambda value: _is_number(value) and 0 < value < 1, "a number between 0 and 1")
ABOVE_0 = Rule(lambda value: _is_number(value) and value > 0, "a number above 0")
SWITCH = Rule(lambda value: type(value) is bool, "true or false")
HEX = Rule(
    lambda value: (
        isinstance(value, str) and len(value) <= 128 and not set(value) - set("0123456789abcdef")
    ),
    "hexadecimal digits",
)


def check_value(value: Any, kind: Any, place: str) -> None:
    """Compare a value with what is allowed, part by part; raise IncompatibleModelError."""
    if isinstance(kind, Maybe):
        if value is not None:
            check_value(value, kind.kind, place)
    elif isinstance(kind, Table):
        if not isinstance(value, Mapping):
            refuse(value, place, "a table")
        for name, inner in {**kind.required, **(kind.optional or {})}.items():
            if name in value:
                check_value(value[name], inner, f"{place} {name}")
            elif name in kind.required:
                raise IncompatibleModelError(
                    f"{place} says nothing about {name}: it was made by an earlier version, or "
                    "changed. Train it again with this version."
                )
    elif isinstance(kind, Each):
        if not isinstance(value, dict if kind.keyed else list):
            refuse(value, place, "a table" if kind.keyed else "a list")
        if not kind.least <= len(value) <= kind.most:
            refuse(f"{len(value)} entries", place, f"{kind.least} to {kind.most}")
        for inner in value.values() if kind.keyed else value:
            check_value(inner, kind.kind, place)
    elif not kind.allows(tuple(value) if isinstance(value, list) else value):
        refuse(value, place, kind.words)


def refuse(value: Any, place: str, words: str) -> None:
    """Raise IncompatibleModelError: a value is not what it can be."""
    raise IncompatibleModelError(
        f"{place} is {str(value)[:80]!r}, and can only be {words}. The bundle was changed or made "
        "by another version: get it again from where it was made."
    )


def check_finite(content: Any, place: str) -> None:
    """Raise for NaN and infinity, which JSON has not but its readers take."""
    values = [content]
    while values:
        value = values.pop()
        if isinstance(value, dict):
            values += value.values()
        elif isinstance(value, list):
            values += value
        elif isinstance(value, float) and not math.isfinite(value):
            refuse(value, place, "made of finite numbers")
