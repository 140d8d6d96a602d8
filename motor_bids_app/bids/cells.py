"""From the cells of one column to numbers and words with a known meaning."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pandas as pd

from motor_bids_app.bids.scores import Score, normalise
from motor_bids_app.bids.scores_map import Declaration, line_to_add
from motor_bids_app.errors import ScoreError

DAYS_PER_MONTH = 365.25 / 12
_MONTHS_PER = {"day": 1 / DAYS_PER_MONTH, "week": 7 / DAYS_PER_MONTH, "month": 1.0, "year": 12.0}
_UNIT_WORDS = {
    "d": "day",
    "w": "week",
    "wk": "week",
    "mo": "month",
    "mon": "month",
    "y": "year",
    "yr": "year",
}
# Units of scores that are measured, not counted: factor to the unit of the registry.
_SCALE = {
    "grip": {
        "kg": 1.0,
        "kgf": 1.0,
        "kilogram": 1.0,
        "n": 1 / 9.80665,
        "newton": 1 / 9.80665,
        "lb": 0.45359237,
        "pound": 0.45359237,
    },
    "nhpt": {"s": 1.0, "sec": 1.0, "second": 1.0, "ms": 1e-3, "min": 60.0, "minute": 60.0},
}
WORDS: dict[str, dict[str, str]] = {
    "sex": {
        "f": "female", "female": "female", "w": "female", "woman": "female", "girl": "female",
        "m": "male", "male": "male", "man": "male", "boy": "male",
        "o": "other", "other": "other", "x": "other", "intersex": "other", "unknown": "other",
    },
    "side": {
        "l": "left", "left": "left", "lh": "left", "lefthemisphere": "left", "lefthand": "left",
        "r": "right", "right": "right", "rh": "right", "righthemisphere": "right",
        "righthand": "right", "b": "bilateral", "both": "bilateral", "bilateral": "bilateral",
        "bi": "bilateral", "leftright": "bilateral", "none": "none", "midline": "bilateral",
    },
    "handedness": {
        "l": "left", "left": "left", "lefthanded": "left", "r": "right", "right": "right",
        "righthanded": "right", "a": "ambidextrous", "ambidextrous": "ambidextrous",
        "both": "ambidextrous", "mixed": "ambidextrous",
    },
}  # fmt: skip
VOCABULARIES = {
    "sex": WORDS["sex"],
    "handedness": WORDS["handedness"],
    "lesion_side": WORDS["side"],
    "paretic_side": WORDS["side"],
}
_PATIENT = re.compile(r"\b(patients?|stroke|pat|pwst?|survivors?)\b")
_CONTROL = re.compile(r"\b(controls?|healthy|hc|ctrl|con|volunteers?|normal|non-?stroke)\b")


@dataclass(frozen=True)
class Column:
    """A column of a table as text.

    Parameters
    ----------
    file, name : str
        Where it stands.
    cells : Series of str
        Missing as NaN; the index says whose each is, 'sub-01' or 'sub-01 ses-1'.
    description : dict
        Its entry in the JSON data dictionary.
    """

    file: str
    name: str
    cells: pd.Series
    description: Mapping[str, Any] = field(default_factory=dict)

    @property
    def levels(self) -> dict[str, str]:
        """Declared codes with their meaning."""
        levels = self.description.get("Levels") or {}
        if not isinstance(levels, dict):
            return {}
        return {
            str(code): str(meaning.get("Description", "") if isinstance(meaning, dict) else meaning)
            for code, meaning in levels.items()
        }

    def without(self, missing: tuple[str, ...]) -> "Column":
        """Replace the cells that stand for a missing value."""
        cells = self.cells.mask(self.cells.isin(missing))
        return Column(self.file, self.name, cells, self.description)


@dataclass(frozen=True)
class Values:
    """Values of one variable, indexed as the cells they come from, and remarks on them."""

    series: pd.Series
    remarks: tuple[str, ...] = ()


def read_variable(name: str, column: Column, declared: Declaration) -> Values:
    """Read a column as the score or demographic variable `name`.

    Raises
    ------
    ScoreError
        A value is out of range, or means nothing without a declaration that is not there;
        the message names the cell and the line to add to the scores map.
    """
    column = column.without(declared.missing)
    if declared.score is not None:
        return _read_score(declared.score, column, declared)
    if name in VOCABULARIES:
        words = _read_words(name, VOCABULARIES[name], column, declared)
        return _sex_as_number(words) if name == "sex" else words
    if name == "site":  # labels, whatever they are
        return Values(column.cells)
    readers: dict[str, Callable[[Column, Declaration], Values]] = {
        "age": _read_age,
        "time_since_stroke": _read_time,
        "group": _read_group,
    }
    return readers[name](column, declared)


def _numbers(column: Column) -> pd.Series:
    """Read the cells as numbers.

    Raises
    ------
    ScoreError
        A cell is no number.
    """
    numbers = pd.to_numeric(column.cells, errors="coerce").astype(float)
    wrong = column.cells[numbers.isna() & column.cells.notna()]
    if len(wrong):
        raise ScoreError(
            f"{wrong.index[0]}: {column.file} has {wrong.iloc[0]!r} as {column.name}, which is no "
            "number. Correct the cell, or write n/a."
        )
    return numbers


def _check_range(
    name: str, column: Column, values: pd.Series, minimum: float, maximum: float, what: str
) -> None:
    """Raise ScoreError for the first value outside the range `what`; NaN is inside."""
    outside = values[(values < minimum) | (values > maximum)]
    if len(outside) == 0:
        return
    who = outside.index[0]
    cell = str(column.cells[who])
    line = line_to_add(name, column=column.name, missing=[cell])
    raise ScoreError(
        f"{who}: {column.file} has {cell} as {column.name}, but {what}. Correct the cell; or, if "
        f"it stands for a missing value, add to --scores-map: {line}"
    )


def _read_score(score: Score, column: Column, declared: Declaration) -> Values:
    values = _numbers(column)
    scales = _SCALE.get(score.name)
    if scales and values.notna().any():
        units = declared.units or str(column.description.get("Units") or "")
        if _singular(units) not in scales:
            line = line_to_add(score.name, column=column.name, units=score.unit)
            raise ScoreError(
                f"{column.file}: the unit of {column.name} is {units or 'not declared'}, and "
                f"{score.title} must be in one of {', '.join(scales)}. State Units in the JSON "
                f"file, or add to --scores-map: {line}"
            )
        values = values * scales[_singular(units)]
    what = f"{score.title} goes from {score.range_text}"
    _check_range(score.name, column, values, score.minimum, score.maximum, what)
    return Values(values)


def _read_age(column: Column, declared: Declaration) -> Values:
    """Age in years; '89+' is read as 89, and said to be."""
    top_coded = column.cells.str.fullmatch(r"\s*\d+\s*\+\s*").fillna(False).astype(bool)
    plain = column.cells.mask(top_coded, column.cells.str.replace("+", "", regex=False))
    values = _numbers(Column(column.file, column.name, plain, column.description))
    unit = _singular(declared.units or str(column.description.get("Units") or "years"))
    if unit in _MONTHS_PER:
        values = values * _MONTHS_PER[unit] / 12
    _check_range("age", column, values, 0, 120, "age goes from 0 to 120 years")
    oldest = ", ".join(column.cells[top_coded].unique())
    remarks = (f"{top_coded.sum()} ages such as {oldest} read as the number",) if oldest else ()
    return Values(values, remarks)


def _read_time(column: Column, declared: Declaration) -> Values:
    """Time since stroke in months, from a declared unit or one that is part of the name."""
    values = _numbers(column)
    if values.isna().all():
        return Values(values)
    in_name = re.findall("day|week|month|year", normalise(column.name))
    declared_unit = _singular(declared.units or str(column.description.get("Units") or ""))
    unit = declared_unit or (in_name[0] if len(in_name) == 1 else "")
    if unit not in _MONTHS_PER or (in_name and not declared.units and unit not in in_name):
        problem = (
            f"is called {declared_unit}, but its name says {in_name[0]}"
            if declared_unit and in_name
            else f"is {declared_unit or 'not declared'}"
        )
        line = line_to_add("time_since_stroke", column=column.name, units="days")
        raise ScoreError(
            f"{column.file}: the unit of {column.name} {problem}. State Units (days, weeks, months "
            f"or years) in the JSON file, or add to --scores-map, with the true unit: {line}"
        )
    months = values * _MONTHS_PER[unit]
    _check_range(
        "time_since_stroke", column, months, 0, 1440, "time since stroke is 0 to 120 years"
    )
    return Values(months)


def _singular(unit: str) -> str:
    """'Number of days (since onset)' -> 'day'; 'kg (best of 3)' -> 'kg'."""
    times = set(re.findall("day|week|month|year", unit.lower()))
    if len(times) == 1:
        return times.pop()
    word = re.sub("[^a-z%].*", "", unit.strip().lower())
    word = word.removesuffix("s") if len(word) > 2 else word
    return _UNIT_WORDS.get(word, word)


def _read_words(
    name: str, vocabulary: Mapping[str, str], column: Column, declared: Declaration
) -> Values:
    """Translate words, and codes with declared levels; never a bare number."""
    levels = {**column.levels, **declared.levels}
    meaning: dict[str, str] = {}
    for cell in column.cells.dropna().unique():
        word = vocabulary.get(normalise(levels.get(cell, cell)))
        word = word or _word_within(levels.get(cell, cell), vocabulary)
        if word is None:
            options = list(dict.fromkeys(vocabulary.values()))
            _refuse_codes(name, column, options, cell)
        meaning[cell] = str(word)
    return Values(column.cells.map(meaning).astype(object))


def _sex_as_number(words: Values) -> Values:
    """Return 0 for female, 1 for male, NaN for others."""
    others = int((words.series == "other").sum())
    remarks = (f"{others} of other or unknown sex read as missing",) if others else ()
    return Values(words.series.map({"female": 0.0, "male": 1.0}).astype(float), remarks)


def _word_within(text: str, vocabulary: Mapping[str, str]) -> str | None:
    """The one word of the vocabulary in a longer description: 'female sex at birth'."""
    words = {
        vocabulary[word] for word in re.findall("[a-z]{2,}", text.lower()) if word in vocabulary
    }
    return words.pop() if len(words) == 1 else None


def _read_group(column: Column, declared: Declaration) -> Values:
    """'patient' or 'control', by declared levels or by words that leave no doubt."""
    meaning: dict[str, str] = {}
    levels = {**column.levels, **declared.levels}
    for cell in column.cells.dropna().unique():
        text = f"{levels.get(cell, cell)}".lower().replace("_", " ")
        found = {
            name
            for name, pattern in (("patient", _PATIENT), ("control", _CONTROL))
            if pattern.search(text)
        }
        if len(found) != 1:
            _refuse_codes("group", column, ["patient", "control"], cell)
        meaning[cell] = found.pop()
    return Values(column.cells.map(meaning).astype(object))


def _refuse_codes(name: str, column: Column, options: list[str], cell: str) -> NoReturn:
    cells = sorted(column.cells.dropna().unique())[:6]
    examples = {code: options[i % len(options)] for i, code in enumerate(cells)}
    line = line_to_add(name, column=column.name, levels=examples)
    raise ScoreError(
        f"{column.file}: nothing says what {cell!r} means in {column.name}. Declare its Levels in "
        f"the JSON file, or add to --scores-map, with the true meanings: {line}"
    )
