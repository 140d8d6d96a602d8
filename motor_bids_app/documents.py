"""JSON and TOML that others wrote, within limits: what a reader can rely on, or a ValueError."""

import json
import re
import tomllib
from typing import Any

DEEPEST = 64  # levels of lists and tables within each other; what we read has fewer than ten
MOST_TOML = 2**20  # characters; its reader takes the square of the length for some of them
_DIGITS = 18  # of a whole number that fits in 64 bits
_PART = r"(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')"
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_PART}[ \t]*\.[ \t]*){{{DEEPEST}}}")


def parse_json(text: str | bytes) -> Any:
    """Return the content of a JSON text.

    Whole numbers beyond 64 bits become floating-point numbers, which never overflow later.

    Raises
    ------
    ValueError
        It is not JSON, is nested deeper than `DEEPEST`, or holds text that cannot be written.
    """
    try:
        content = json.loads(text, parse_int=_whole)
    except RecursionError:
        raise ValueError(_too_deep()) from None
    return _checked(content)


def parse_toml(text: str) -> dict[str, Any]:
    """Return the content of a TOML text.

    Raises
    ------
    ValueError
        It is not TOML, is longer than `MOST_TOML`, nested deeper than `DEEPEST`, or has a whole
        number that does not fit in 64 bits.
    """
    if len(text) > MOST_TOML:
        raise ValueError(f"it has {len(text)} characters, and at most {MOST_TOML} are read")
    if _LONG_KEY.search(text):
        raise ValueError(_too_deep())
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise ValueError(_too_deep()) from None
    checked: dict[str, Any] = _checked(content)
    return checked


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _DIGITS else float(digits)


def _too_deep() -> str:
    return f"it is nested more than {DEEPEST} levels deep"


def _checked(content: Any) -> Any:
    """Return the content if no part of it would break whoever walks through it or writes it."""
    level, depth = [content], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(_too_deep())
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += [*value, *value.values()]
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str) and not value.isascii():
                value.encode("utf-8")  # half a pair of surrogates raises a ValueError
            elif isinstance(value, int) and not -(2**63) <= value < 2**63:
                raise ValueError("a whole number has more than 64 bits")
        level = below
    return content
