"""From the cells of one column to numbers and words with a known meaning."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

import pandas as pd

from motor_bids_app.bids.tables.column import Column
from motor_bids_app.bids.tables.descriptions import missing_codes, text_of, unit_told
from motor_bids_app.bids.tables.groups import group_of
from motor_bids_app.bids.tables.quantities import (
    MONTHS_PER,
    SCALES,
    check_codes,
    check_range,
    check_score_values,
    check_uncoded,
    is_far,
    is_no_age,
    singular,
    unit_in_name,
)
from motor_bids_app.bids.tables.scores import Score
from motor_bids_app.bids.tables.scores_map import Declaration, line_to_add
from motor_bids_app.bids.tables.tsv import MISSING, same_code
from motor_bids_app.bids.tables.words import VOCABULARIES, is_missing, word_of
from motor_bids_app.errors import ScoreError

_MANY = 10  # people who are hardly all of one age
_PLAIN_GROUPS = ("patient", "patients", "stroke", "control", "controls")


@dataclass(frozen=True)
class Values:
    """Values of one variable, indexed as the cells they come from, and remarks on them."""

    series: pd.Series
    remarks: tuple[str, ...] = ()


def read_variable(name: str, column: Column, declared: Declaration) -> Values:
    """Read a column as the score or demographic variable `name`.

    Raises
    ------
    TableError
        A value is no number or out of range, or means nothing without a declaration that is not
        there; the message names the cell and the line to add to the scores map.
    """
    column = replace(column, levels={**column.levels, **declared.levels})
    column, missing = _without_missing(name, column, declared)
    values = _read(name, column, declared)
    return Values(values.series, (*missing, *values.remarks))


def _read(name: str, column: Column, declared: Declaration) -> Values:
    if declared.score is not None:
        return _read_score(declared.score, column, declared)
    if name in VOCABULARIES:
        words = _read_words(name, column, declared)
        return _sex_as_number(words) if name == "sex" else words
    readers: dict[str, Callable[[Column, Declaration], Values]] = {
        "age": _read_age,
        "time_since_stroke": _read_time,
        "group": _read_group,
        "site": _read_site,
    }
    return readers[name](column, declared)


def _without_missing(
    name: str, column: Column, declared: Declaration
) -> tuple[Column, tuple[str, ...]]:
    """Drop the cells that stand for a missing value; and say which, if not n/a or blank."""
    codes = (*missing_codes(column.description), *(declared.missing or ()))
    dropped = [
        cell
        for cell in column.filled
        if any(same_code(cell, code) for code in codes)
        or (column.level(cell) is None and _says_missing(name, cell))
    ]
    if not dropped:
        return column, ()
    gone = column.cells.isin(dropped)
    examples = " and ".join(repr(cell) for cell in dropped[:3])
    remark = f"{gone.sum()} cell{'s' if gone.sum() > 1 else ''} {examples} read as missing"
    return replace(column, cells=column.cells.mask(gone)), (remark,)


def _says_missing(name: str, cell: str) -> bool:
    if cell.lower() == "none" and name in ("lesion_side", "paretic_side", "group"):
        return False  # no lesion, or no diagnosis
    return cell.lower() in MISSING or (is_missing(cell) and name != "group")


def _read_score(score: Score, column: Column, declared: Declaration) -> Values:
    check_uncoded(column, score)
    numbers = values = column.numbers()
    scales = SCALES.get(score.name)
    if scales and values.notna().any():
        units = declared.units or column.units
        if singular(units) not in scales:
            line = line_to_add(score.name, column=column.name, units=score.unit)
            raise ScoreError(
                f"{column.file}: the unit of {column.name} is {units or 'not declared'}, and "
                f"{score.title} must be in one of {', '.join(scales)}. State Units in the JSON "
                f"file, or add to --scores-map: {line}"
            )
        values = values * scales[singular(units)]
    what = f"{score.title} goes from {score.range_text}"
    check_range(column, values, score, what)
    _check_codes(score.name, column, declared, numbers)
    return Values(values, check_score_values(column, values, score))


def _check_codes(name: str, column: Column, declared: Declaration, values: pd.Series) -> None:
    """Raise for what looks like a code for missing, unless the user says which codes are."""
    if declared.missing is None:
        line = line_to_add(name, column=column.name, missing=[])
        is_odd = is_no_age if name == "age" else is_far
        check_codes(column, values, f"add to --scores-map: {line}", is_odd)


def _read_age(column: Column, declared: Declaration) -> Values:
    """Age in years; '89+' is read as 89, and said to be."""
    years = Score(name="age", title="Age", minimum=0, maximum=120, unit="years")
    check_uncoded(column, years)
    top_coded = column.cells.str.fullmatch(r"\d+\s*\+").fillna(False).astype(bool)
    plain = column.cells.mask(top_coded, column.cells.str.replace(r"\s*\+", "", regex=True))
    values = replace(column, cells=plain).numbers()
    told = declared.units or column.units
    unit = singular(told) or unit_told(text_of(column.description)) or "year"
    remarks: list[str] = []
    if unit in MONTHS_PER:
        values = values * MONTHS_PER[unit] / 12
    else:
        remarks.append(f"unit {told!r} is none of time: read as years")
    what = f"age goes from {years.range_text}"
    check_range(column, values, years, what)
    _check_codes("age", column, declared, values)
    oldest = ", ".join(column.cells[top_coded].unique())
    if oldest:
        remarks.append(f"{top_coded.sum()} ages such as {oldest} read as the number")
    known = values.dropna()
    if len(known) >= _MANY and (known == known.iloc[0]).all():
        remarks.append(f"all {len(known)} are the same: a placeholder?")
    return Values(values, tuple(remarks))


def _read_time(column: Column, declared: Declaration) -> Values:
    """Time since stroke in months, from a declared unit or one that is part of the name."""
    months = Score(name="time_since_stroke", title="Time since stroke", minimum=0, maximum=1440)
    check_uncoded(column, months)
    numbers = values = column.numbers()
    if values.isna().all():
        return Values(values)
    in_name = unit_in_name(column.name)
    declared_unit = singular(declared.units or column.units)
    in_text = unit_told(text_of(column.description))
    unit = declared_unit or in_name or in_text
    if unit not in MONTHS_PER or (in_name and not declared.units and unit != in_name):
        problem = (
            f"is called {declared_unit}, but its name says {in_name}"
            if declared_unit and in_name
            else f"is {declared_unit or 'not declared'}"
        )
        line = line_to_add("time_since_stroke", column=column.name, units="days")
        raise ScoreError(
            f"{column.file}: the unit of {column.name} {problem}. State Units (days, weeks, months "
            f"or years) in the JSON file, or add to --scores-map, with the true unit: {line}"
        )
    values = values * MONTHS_PER[unit]
    what = "time since stroke is 0 to 120 years"
    check_range(column, values, months, what)
    _check_codes("time_since_stroke", column, declared, numbers)
    return Values(values)


def _read_words(name: str, column: Column, declared: Declaration) -> Values:
    """Translate words, and codes with declared levels; never a bare number."""
    meaning: dict[str, str] = {}
    for cell in column.filled:
        level = column.level(cell)
        word = word_of(name, level or cell)
        _check_level(column, declared, cell, word, word_of(name, cell))
        # A single letter that is not among the declared ones may be a slip or a code of its own.
        if word is None or (column.levels and level is None and len(cell) == 1):
            _refuse_codes(name, column, list(dict.fromkeys(VOCABULARIES[name].values())), cell)
        meaning[cell] = word
    return Values(column.cells.map(meaning).astype(object))


def _check_level(
    column: Column, declared: Declaration, cell: str, told: str | None, plain: str | None
) -> None:
    """Raise where the dictionary gives a plain word another meaning, such as 'M' for female."""
    if told and plain and told != plain and cell not in declared.levels:
        raise ScoreError(
            f"{column.file}: by the JSON file {cell!r} means {column.level(cell)!r} in "
            f"{column.name}. Correct its Levels, or declare the levels in --scores-map."
        )


def _sex_as_number(words: Values) -> Values:
    """Return 0 for female, 1 for male, NaN for others."""
    others = int((words.series == "other").sum())
    remarks = (f"{others} of other or unknown sex read as missing",) if others else ()
    return Values(words.series.map({"female": 0.0, "male": 1.0}).astype(float), remarks)


def _read_group(column: Column, declared: Declaration) -> Values:
    """'patient' or 'control', by declared levels or by words that leave no doubt."""
    pair = {cell.lower() for cell in column.filled} == {"p", "c"}
    meaning: dict[str, str] = {}
    for cell in column.filled:
        found = group_of(column.level(cell) or cell)
        _check_level(column, declared, cell, found, group_of(cell))
        if found is None and pair and not column.levels:
            found = {"p": "patient", "c": "control"}[cell.lower()]
        if found is None:
            _refuse_codes("group", column, ["patient", "control"], cell)
        meaning[cell] = found
    said = [f"{c!r} as {word}" for c, word in meaning.items() if c.lower() not in _PLAIN_GROUPS]
    remarks = (f"read {', '.join(said[:6])}",) if said else ()
    return Values(column.cells.map(meaning).astype(object), remarks)


def _read_site(column: Column, _: Declaration) -> Values:
    """Labels, whatever they are; 'Bonn' and 'bonn' are one, as are '1' and '1.0'."""
    first: dict[str, str] = {}
    for cell in column.filled:
        if cell.startswith("#"):
            raise ScoreError(
                f"{column.file} has {cell!r} as {column.name}, the error of a spreadsheet. Correct "
                "the cell, or write n/a."
            )
        first[cell] = next((seen for seen in first.values() if same_code(seen, cell)), cell)
    merged = [f"{cell!r} as {label!r}" for cell, label in first.items() if cell != label]
    remarks = (f"read {', '.join(merged[:6])}",) if merged else ()
    return Values(column.cells.map(first).astype(object), remarks)


def _refuse_codes(name: str, column: Column, options: list[str], cell: str) -> NoReturn:
    cells = [code for code in sorted(column.filled) if column.is_code(code)][:6] or ["..."]
    examples = {code: options[i % len(options)] for i, code in enumerate(cells)}
    line = line_to_add(name, column=column.name, levels=examples)
    raise ScoreError(
        f"{column.file}: nothing says what {column.quoted(cell)} means in {column.name}. Declare "
        f"its Levels in the JSON file, or add to --scores-map, with the true meanings: {line}"
    )
