"""Columns that a user names as predictors: numbers, yes or no, or categories."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from motor_bids_app.bids.tables.column import Column
from motor_bids_app.bids.tables.descriptions import missing_codes
from motor_bids_app.bids.tables.quantities import check_codes
from motor_bids_app.bids.tables.tsv import MISSING, is_number, same_code
from motor_bids_app.bids.tables.words import is_missing
from motor_bids_app.errors import ScoreError
from motor_bids_app.privacy import holds_date

SCORE, NUMBER, YES_NO, CATEGORIES = "score", "number", "yes or no", "categories"
TYPES = (SCORE, NUMBER, YES_NO, CATEGORIES)
MOST_CATEGORIES = 20
FEW = 3  # people: a category of fewer teaches nothing, and might tell who they are
_YES = {
    **dict.fromkeys(("yes", "y", "true", "present", "positive", "pos", "+", "1", "1.0"), 1.0),
    **dict.fromkeys(
        ("no", "n", "false", "absent", "negative", "neg", "-", "\u2212", "0", "0.0"), 0.0
    ),
}
_ZEROS = re.compile("0[0-9]+")
_NEARLY_NUMBER = re.compile("[+-]?[0-9][0-9., ]*%?")  # also with a decimal comma, or in per cent
_NOT_MISSING = "declare the column with its minimum and maximum in --scores-map."


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """A column that models predict from, as it was where they learned.

    Parameters
    ----------
    name : str
        Heading of the column; of a score, its name.
    group : str
        The wildcard that named it, or "".
    file : str
        Table that it was in; "" for a score.
    type : str
        One of `TYPES`.
    categories : tuple of str
        In small letters, those that have a column each.
    units : str
        Declared units, or "".
    """

    name: str
    group: str = ""
    file: str = ""
    type: str = SCORE
    categories: tuple[str, ...] = ()
    units: str = ""


def learn_predictor(column: Column, group: str = "") -> Predictor:
    """Find out what a column holds.

    Raises
    ------
    ScoreError
        It holds texts of all sorts, numbers and texts, or nothing.
    """
    column = _without_missing(column)
    known = Predictor(name=column.name, group=group, file=column.file, units=column.units)
    if not column.filled:
        raise ScoreError(f"{column.file}: {column.name} has no value. Leave it out.")
    if any(map(holds_date, column.filled)):
        raise ScoreError(
            f"{column.file}: {column.name} holds dates. Leave it out, or give days or years since "
            "then as numbers."
        )
    words = _words(column)
    if words is None:
        check_codes(column, column.numbers(), _NOT_MISSING)
        return replace(known, type=NUMBER)
    if set(words.values()) <= set(_YES):
        return replace(known, type=YES_NO)
    return replace(known, type=CATEGORIES, categories=_categories(column, words))


def read_predictor(column: Column, known: Predictor) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read a column as the predictor that it was where a model learned.

    Returns
    -------
    DataFrame of float
        Indexed as the cells; one column, or one for each category with its name: 1 where it is
        that one, 0 where it is another. NaN where missing.
    tuple of str
        Of whom the category is none of those.

    Raises
    ------
    ScoreError
        A value is no number, neither yes nor no, or in other units.
    """
    column = _without_missing(column)
    if known.units and column.units and known.units != column.units:
        raise ScoreError(
            f"{column.file}: {column.name} is in {column.units}, and the model learned from it in "
            f"{known.units}. Convert it, and correct Units in the JSON file."
        )
    if known.type in (SCORE, NUMBER):
        return column.numbers().to_frame(column.name), ()
    words = _meanings(column)
    if known.type == YES_NO:
        for cell, word in words.items():
            if word not in _YES:
                raise ScoreError(
                    f"{column.file} has {column.quoted(cell)} as {column.name}, which is neither "
                    "yes nor no. Correct the cell, or declare its Levels in the JSON file."
                )
        answers = column.cells.map({cell: _YES[word] for cell, word in words.items()})
        return answers.astype(float).to_frame(column.name), ()
    told = column.cells.map(words)
    values = {name: np.where(told.isna(), np.nan, told == name) for name in known.categories}
    strange = told.index[told.notna() & ~told.isin(known.categories)]
    return pd.DataFrame(values, index=told.index, dtype=float), tuple(map(str, strange))


def _words(column: Column) -> dict[str, str] | None:
    """What each cell means, in small letters; None where cells are numbers.

    Numbers are codes where all are among the declared levels, or one begins with a zero.
    """
    declared = all(column.level(cell) is not None for cell in column.filled)
    if not declared and any(map(_NEARLY_NUMBER.fullmatch, column.filled)):
        _check_written(column)
    numbers = [cell for cell in column.filled if is_number(cell)]
    coded = declared or any(_ZEROS.fullmatch(cell) for cell in numbers)
    if len(numbers) == len(column.filled):
        return _meanings(column) if coded else None
    if numbers and not declared and not set(column.filled) <= set(_YES):
        text = next(cell for cell in column.filled if not is_number(cell))
        raise ScoreError(
            f"{column.file} has {column.quoted(text)} as {column.name}, and numbers in other "
            "cells. Correct the cell or write n/a; or, if they are categories, declare all their "
            "Levels in the JSON file."
        )
    return _meanings(column)


def _check_written(column: Column) -> None:
    """Raise for a number that is written in another way: '0,5' or '5 %' would be a category."""
    nearly = column.cells.map(lambda cell: bool(_NEARLY_NUMBER.fullmatch(cell)), na_action="ignore")
    replace(column, cells=column.cells.where(nearly.fillna(False).astype(bool))).numbers()


def _meanings(column: Column) -> dict[str, str]:
    """Declared meaning of each cell, or the cell, in small letters."""
    return {
        cell: " ".join((column.level(cell) or cell).casefold().split()) for cell in column.filled
    }


def _categories(column: Column, words: Mapping[str, str]) -> tuple[str, ...]:
    """Categories of enough people, in order."""
    told = column.cells.map(words)
    people = pd.Series(told.index, index=told.index).str.split(" ").str[0]
    counts = people[told.notna()].groupby(told.dropna()).nunique()
    if len(counts) > MOST_CATEGORIES:
        raise ScoreError(
            f"{column.file}: {column.name} holds {len(counts)} different texts, and a predictor "
            f"has {MOST_CATEGORIES} categories at most. Leave it out, or put some together."
        )
    kept = tuple(sorted(str(name) for name in counts.index[counts >= FEW]))
    if not kept:
        raise ScoreError(
            f"{column.file}: no category of {column.name} is that of {FEW} people or more, so "
            "that nothing can be learned from it. Leave it out."
        )
    return kept


def _without_missing(column: Column) -> Column:
    """Drop the cells that stand for a missing value, as for scores; "none" is a category.

    A "-" beside a "+" is an answer.
    """
    codes = missing_codes(column.description)
    answers = "+" in column.filled
    gone = [
        cell
        for cell in column.filled
        if any(same_code(cell, code) for code in codes)
        or (column.level(cell) is None and _says_missing(cell) and not (answers and cell == "-"))
    ]
    return replace(column, cells=column.cells.mask(column.cells.isin(gone))) if gone else column


def _says_missing(cell: str) -> bool:
    return cell.lower() in MISSING or (is_missing(cell) and cell.lower() != "none")


def is_wildcard(entry: str) -> bool:
    """Whether what an experiment names stands for several columns."""
    return "*" in entry or "?" in entry


def matching(entry: str, headings: Sequence[str]) -> list[str]:
    """Headings that an entry names: the one of that name, or those that fit its * and ?.

    >>> matching("chaco_*", ["age", "chaco_1", "chaco_2"])
    ['chaco_1', 'chaco_2']
    """
    if entry in headings:
        return [entry]
    if not is_wildcard(entry):
        return []
    pattern = re.escape(entry).replace(r"\*", ".*").replace(r"\?", ".")
    return [name for name in headings if re.fullmatch(pattern, name)]
