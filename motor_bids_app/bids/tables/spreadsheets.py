"""Cells that spreadsheets would run: written as text, and read back as they were."""

import re
from typing import Any

_FORMULA = re.compile(r"'*\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")  # also in full width
_BREAKS = re.compile(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")  # what ends a cell or a line


def as_text(value: Any) -> Any:
    """Return a cell that a spreadsheet takes for text, on one line; what is no text as it is.

    An apostrophe before it is how spreadsheets mark text. Numbers are left alone.

    >>> [as_text(cell) for cell in ("=1+1", "'@x", "-0.5", "a", -1)]
    ["'=1+1", "''@x", '-0.5', 'a', -1]
    """
    if not isinstance(value, str):
        return value
    line = _BREAKS.sub(" ", value)
    return f"'{line}" if _FORMULA.match(line) and not _is_number(line) else line


def from_text(cell: str) -> str:
    """Inverse of `as_text`.

    >>> [from_text(cell) for cell in ("'=1+1", "''@x", "'tis", "-0.5")]
    ['=1+1', "'@x", "'tis", '-0.5']
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
