"""Numbers of people in tables: their units, ranges, and signs that they are something else."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from motor_bids_app.bids.tables.column import Column
from motor_bids_app.bids.tables.descriptions import times_in
from motor_bids_app.bids.tables.scores import Score, normalise
from motor_bids_app.bids.tables.scores_map import line_to_add
from motor_bids_app.bids.tables.words import means_missing
from motor_bids_app.errors import ScoreError

DAYS_PER_MONTH = 365.25 / 12
MONTHS_PER = {
    "hour": 1 / 24 / DAYS_PER_MONTH,
    "day": 1 / DAYS_PER_MONTH,
    "week": 7 / DAYS_PER_MONTH,
    "month": 1.0,
    "year": 12.0,
}
_UNIT_WORDS = {
    "h": "hour",
    "hr": "hour",
    "d": "day",
    "w": "week",
    "wk": "week",
    "mo": "month",
    "mon": "month",
    "mth": "month",
    "y": "year",
    "yr": "year",
    "yo": "year",
}
# Units of scores that are measured, not counted: factor to the unit of the registry.
SCALES = {
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
_ADULT, _NINES = 18, 99  # years
_MANY = 5  # others, among which a single number far from all is no chance
_COUNTED = ("points", "blocks/min")  # units of scores that come in whole numbers
# Numbers that often stand for a missing value.
_CODES = (0, -1, -9, -99, -999, -9999, 77, 88, 99, 777, 888, 999, 7777, 8888, 9999, 99999)


def singular(unit: str) -> str:
    """The unit of a text, in the singular; of several times the text itself.

    >>> singular("Number of days (since onset)"), singular("kg (best of 3)")
    ('day', 'kg')
    """
    times = times_in(unit)
    if times:
        return times.pop() if len(times) == 1 else unit
    word = re.sub("[^a-z%].*", "", unit.strip().lower())
    word = word.removesuffix("s") if len(word) > 2 else word
    return _UNIT_WORDS.get(word, word)


def unit_in_name(column: str) -> str:
    """The one unit of time in a column's name, or ''.

    >>> unit_in_name("tss_days"), unit_in_name("chronicity")
    ('day', '')
    """
    found = [unit for unit in MONTHS_PER if unit in normalise(column)]
    return found[0] if len(found) == 1 else ""


def check_range(column: Column, values: pd.Series, limits: Score, what: str) -> None:
    """Raise ScoreError for the first value outside the limits; NaN is inside."""
    outside = values[(values < limits.minimum) | (values > limits.maximum)]
    if len(outside) == 0:
        return
    who = outside.index[0]
    cell = str(column.cells[who])
    line = line_to_add(limits.name, column=column.name, missing=[cell])
    raise ScoreError(
        f"{who}: {column.file} has {cell} as {column.name}, but {what}. Correct the cell; or, if "
        f"it stands for a missing value, add to --scores-map: {line}"
    )


def is_far(code: float, n: int, others: pd.Series) -> bool:
    """Whether a number is farther from all others than they are from each other and from 0.

    Among few people, one of two digits may well be a value.
    """
    low, high = float(others.min()), float(others.max())
    rare = 0 < code < 100 and n == 1 and len(others) < _MANY
    return not rare and max(low - code, code - high) > max(high - low, abs(low), abs(high))


def is_no_age(code: float, n: int, others: pd.Series) -> bool:
    """Whether an age that n people have is none: 0 among adults, 99 of several."""
    return (code == 0 and bool(others.min() >= _ADULT)) or (code == _NINES and n > 1)


def check_codes(
    column: Column,
    values: pd.Series,
    remedy: str,
    is_odd: Callable[[float, int, pd.Series], bool] = is_far,
) -> None:
    """Raise where an odd number is one that often stands for a missing value.

    Parameters
    ----------
    column : Column
    values : Series of float
        Its numbers, NaN where missing.
    remedy : str
        What to do if it is a value, to end a sentence with.
    is_odd : callable
        Whether it is doubtful, from the number, how many cells have it, and the others.
    """
    known = values.dropna()
    for code in known[known.isin(_CODES)].unique():
        others = known[known != code]
        if others.empty:
            continue
        n = len(known) - len(others)
        if is_odd(code, n, others):
            raise ScoreError(
                f"{column.file}: {column.name} is {code:g} in {n} cell{'s' * (n > 1)}, and "
                f"{others.min():g} to {others.max():g} in the others. If it stands for a missing "
                "value, write n/a, or declare it under MissingValues in the JSON file; if not, "
                f"{remedy}"
            )


def check_uncoded(column: Column, score: Score) -> None:
    """Raise ScoreError where the levels of a column make its numbers codes of something else.

    Levels that name most values of a score, as those of the modified Rankin Scale, must name all
    cells.
    """
    levels = {
        code: meaning for code, meaning in column.levels.items() if not means_missing(meaning)
    }
    unnamed = [cell for cell in column.filled if column.level(cell) is None]
    if not levels or not column.filled:
        return
    most = len(levels) > (score.maximum - score.minimum) / 2
    if most and unnamed:
        raise ScoreError(
            f"{column.file} has {unnamed[0]!r} as {column.name}, which is not among its Levels in "
            "the JSON file. Correct the cell, or complete the Levels."
        )
    if not most and not unnamed and len(levels) > 1:
        codes = ", ".join(f"{code}: {meaning}" for code, meaning in list(levels.items())[:3])
        raise ScoreError(
            f"{column.file}: by its Levels {column.name} holds codes ({codes}), not {score.title} "
            f"from {score.range_text}. Add it to ignore of --scores-map, or correct the Levels."
        )


def check_score_values(column: Column, values: pd.Series, score: Score) -> tuple[str, ...]:
    """Look for values that are no raw points; return a remark on fractions.

    Raises
    ------
    ScoreError
        All are shares from 0 to 1, or a Barthel index of 20 points was given for one of 100.
    """
    known = values.dropna().to_numpy(dtype=np.float64)
    if score.unit not in _COUNTED or len(known) == 0 or score.maximum <= 1:
        return ()
    broken = known != np.round(known)
    span = f"{score.title} goes from {score.range_text}"
    ways = "Give the raw score, or declare a score of your own with its minimum and maximum."
    if broken.any() and (known >= 0).all() and (known <= 1).all():
        raise ScoreError(
            f"{column.file}: {column.name} holds shares from 0 to 1, but {span}. {ways}"
        )
    twenty = score.name == "barthel" and score.maximum == 100 and known.max() <= 20
    if twenty and (known % 5 != 0).any():
        raise ScoreError(
            f"{column.file}: {column.name} ends at {known.max():g} and is no multiple of 5, as an "
            f"index of 20 points, but {span}. {ways}"
        )
    if broken.any():
        return (f"{broken.sum()} values are no whole numbers: means, shares or imputed?",)
    return ()
