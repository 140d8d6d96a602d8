"""Recordings as columns of plain text below a header of comments."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import DataError

_RATE = ("samplingfrequency", "samplingrate", "samplingratehz", "fs")
_LABELS = ("labels", "label", "channels", "columns", "column")
_UNITS = ("units", "unit")
# A comma between digits counts as a separator only where nothing else separates.
_DECIMAL_COMMA = re.compile(r"[0-9],[0-9].*[\s;]|[\s;].*[0-9],[0-9]")
_COUNTED = re.compile(r"nseq|seq|sample|index|time|di?|i[0-9]|o[0-9]", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class TextColumns:
    """A text file with one row per sample.

    Parameters
    ----------
    values : array, shape (C, T)
        As in the file, without columns that count or time the rows.
    labels : tuple of str, shape (C,) or ()
        Names of the columns, where the header has them.
    rate : float or None
        Samples per second by the header.
    unit : str or None
        By the header.
    """

    values: NDArray[np.float64]
    labels: tuple[str, ...]
    rate: float | None
    unit: str | None


def parse_columns(text: str, names: Sequence[str] = ()) -> TextColumns:
    """Read columns of numbers under lines that start with '#'.

    The header is JSON (of OpenSignals, whose entries are by device, or an object with
    SamplingFrequency, Labels and Units), or has lines "key:= value" as those of BioSPPy.

    Parameters
    ----------
    text : str
    names : sequence of str
        Of the columns, in place of those of the header: of all, or of those that hold signals.

    Raises
    ------
    DataError
        There are no numbers, or rows differ in their length.
    """
    lines = text.splitlines()
    header = [line.lstrip("# ").strip() for line in lines if line.startswith("#")]
    rows = [line for line in lines if line.strip() and not line.startswith("#")]
    values = _numbers(rows)
    if values.size == 0:
        raise DataError("The text holds no numbers below its header.")
    told = _fields(header)
    whole = len(names) == values.shape[1]
    labels = tuple(names) if whole else _labels(told, values.shape[1])
    kept = [k for k, name in enumerate(labels) if not _COUNTED.fullmatch(name)]
    if kept:
        values, labels = values[:, kept], tuple(labels[k] for k in kept)
    if names and not whole:
        labels = tuple(names)
    rate = next((_number(told[key]) for key in _RATE if key in told), None)
    unit = next((told[key] for key in _UNITS if key in told), None)
    unit = unit[0] if isinstance(unit, list) and unit else unit
    return TextColumns(values.T.copy(), labels, rate, unit if isinstance(unit, str) else None)


def _numbers(rows: list[str]) -> NDArray[np.float64]:
    """Numbers of lines of text, shape (T, C)."""
    doubtful = next((row for row in rows if _DECIMAL_COMMA.search(row.strip(" ,;\t"))), None)
    if doubtful is not None:
        raise DataError(
            f"The text has commas in its numbers ({doubtful[:40]!r}): decimal commas, or a second "
            "mark between columns? Write decimal points."
        )
    try:
        return np.array([re.split(r"[\s,;]+", row.strip(" ,;\t")) for row in rows], dtype=float)
    except ValueError as error:
        raise DataError(
            f"The text is no table of numbers: {error}. Each line that does not start with # must "
            "have the same number of columns."
        ) from error


def _fields(header: list[str]) -> dict[str, Any]:
    """Fields of a header by their name in lower case without blanks and brackets."""
    found: dict[str, Any] = {}
    whole = "\n".join(header)
    if "{" in whole:
        try:  # it may have one line or many, and others after it
            found |= _flat(json.JSONDecoder().raw_decode(whole[whole.index("{") :])[0])
        except ValueError as error:
            raise DataError(f"The header begins with a brace and is no JSON: {error}.") from error
    for line in header:
        key, mark, value = line.partition(":=")
        if mark:
            found[_plain(key)] = value.strip()
    return found


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the first device, or of the object itself."""
    nested = [value for value in content.values() if isinstance(value, dict)]
    chosen = nested[0] if nested else content
    return {_plain(key): value for key, value in chosen.items()}


def _plain(key: str) -> str:
    return re.sub(r"[^a-z]", "", key.lower())


def _labels(told: Mapping[str, Any], n_columns: int) -> tuple[str, ...]:
    """Names that fit the number of columns; a list of all columns is preferred."""
    for key in reversed(_LABELS):
        value = told.get(key)
        names = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if isinstance(names, list) and len(names) == n_columns:
            return tuple(str(name) for name in names)
    return ()


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if number > 0 else None
