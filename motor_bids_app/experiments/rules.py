"""How a table of an experiment is read: every key has a rule, and a wrong value says it."""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any, Self

from motor_bids_app.errors import UsageError


@dataclass(frozen=True)
class Rule:
    """Which values a key may have: a test, and the same in words."""

    allows: Callable[[Any], bool]
    words: str


def one_of(*values: str) -> Rule:
    """Allow some words."""
    return Rule(lambda value: value in values, "one of " + ", ".join(f'"{v}"' for v in values))


def whole(low: int, high: int) -> Rule:
    """Allow whole numbers from `low` to `high`."""
    return Rule(
        lambda value: type(value) is int and low <= value <= high, f"a whole number {low} to {high}"
    )


def wholes(low: int, high: int, least: int = 1) -> Rule:
    """Allow lists of `least` or more whole numbers from `low` to `high`."""

    def allows(given: Any) -> bool:
        return (
            isinstance(given, tuple)
            and len(given) >= least
            and all(type(value) is int and low <= value <= high for value in given)
        )

    return Rule(allows, f"a list of {least} or more whole numbers from {low} to {high}")


def number(low: float, high: float) -> Rule:
    """Allow numbers from `low` to `high`."""
    return Rule(
        lambda value: type(value) in (int, float) and low <= value <= high,
        f"a number from {low:g} to {high:g}",
    )


def list_of(*values: str, or_else: str = "") -> Rule:
    """Allow lists of some words without repeats, or the one word `or_else`."""
    words = "a list without repeats of " + ", ".join(f'"{v}"' for v in values)

    def allows(given: Any) -> bool:
        if or_else and given == or_else:
            return True
        return (
            isinstance(given, tuple)
            and len(given) > 0
            and len(set(map(str, given))) == len(given)
            and all(value in values for value in given)
        )

    return Rule(allows, words + (f', or "{or_else}"' if or_else else ""))


def some_of(*values: str) -> Rule:
    """Allow lists of some words without repeats, and the empty one."""
    allowed = list_of(*values)
    return Rule(lambda given: given == () or allowed.allows(given), f"{allowed.words}, or []")


ASCENDING = Rule(
    lambda value: (
        isinstance(value, tuple)
        and (len(value) == 0 or 2 <= len(value) <= 20)
        and all(type(one) in (int, float) for one in value)
        and all(low < high for low, high in itertools.pairwise(value))
    ),
    "a list of 2 to 20 rising numbers, the lowest value of each class but the first",
)


HEADINGS = Rule(
    lambda value: (
        isinstance(value, tuple)
        and all(isinstance(one, str) and re.fullmatch(r"\S(.{0,198}\S)?", one) for one in value)
        and len(set(value)) == len(value) <= 1000
    ),
    'a list without repeats of scores or headings, such as ["nihss", "SAFE", "chaco_*"]',
)


def setting(default: Any, rule: Rule) -> Any:
    """Return a field of a section, with its default and its rule."""
    return field(default=default, metadata={"rule": rule})


class Section:
    """Base of the tables of an experiment: made from TOML, every value checked."""

    @classmethod
    def read(cls, table: Any, place: str) -> Self:
        """Build from a TOML table; `place` names it in messages.

        Raises
        ------
        UsageError
            An unknown key, or a value that is not allowed.
        """
        if not isinstance(table, Mapping):
            raise UsageError(f"{place} must be a table of keys, not {table!r}.")
        rules = {f.name: f.metadata["rule"] for f in fields(cls)}  # type: ignore[arg-type]
        for key, value in table.items():
            check_key(key, tuple(rules), place)
            if not rules[key].allows(_frozen(value)):
                raise UsageError(f"{place} {key} = {value!r}: use {rules[key].words}.")
        return cls(**{key: _frozen(value) for key, value in table.items()})


def check_key(key: str, known: tuple[str, ...], place: str) -> None:
    """Raise UsageError for a key that does not exist, naming the likely one."""
    if key not in known:
        near = get_close_matches(key, known, 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise UsageError(f"{place} has no key {key!r}. {hint}There are: {', '.join(known)}.")


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
