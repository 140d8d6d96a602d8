"""Columns of a table as numbers, by rules that need no training data."""

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.features.disconnection_columns import disconnection_columns
from motor_bids_app.features.samples import Samples

DEMOGRAPHICS = ("age", "sex", "time_since_stroke")
BASELINE = "baseline_score"  # of the same person, measured before the target
LESION_COLUMNS = frozenset(
    {"lesion_volume"}
    | {
        f"tract_load{space}{kind}"
        for space in ("", "_native")
        for kind in ("", "_weighted", "_left", "_right")
    }
    | {name for name, _ in disconnection_columns()}
)
OWN = r"own_.+|baseline_score"  # columns of predictors that an experiment names
MEMBER = ": "  # between what an experiment names and one of several columns that it stands for
_SEX = {"female": 0.0, "f": 0.0, "male": 1.0, "m": 1.0}


def own_column(name: str, member: str = "") -> str:
    """Name the column of a predictor of the user's own, which no feature can have.

    >>> own_column("nihss"), own_column("chaco_*", "chaco_17"), own_column("side", "left")
    ('own_nihss', 'own_chaco_*: chaco_17', 'own_side: left')
    """
    return f"own_{name}{MEMBER}{member}" if member else f"own_{name}"


def with_matching(table: pd.DataFrame, columns: tuple[str, ...], pattern: str) -> tuple[str, ...]:
    """Return `columns`, and after them those with a value that match `pattern` in full."""
    found: list[str] = []
    if pattern:
        names = [str(name) for name in table.columns if re.fullmatch(pattern, str(name))]
        found = [n for n, known in zip(names, table[names].notna().any(), strict=True) if known]
    return tuple(dict.fromkeys([*columns, *found]))


def names_of(given: Any) -> tuple[str, ...]:
    """Return names of columns from a bundle; raises TypeError where they are none."""
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise TypeError("columns are no list of names")
    return tuple(given)


def numeric_columns(samples: Samples, columns: tuple[str, ...]) -> NDArray[np.float64]:
    """Return columns as numbers, shape (n_scans, n_columns), NaN where missing.

    Lesion volumes, which span three decades, enter as ln(1 + ml). Sex is 0 for female and 1
    for male. A control has no lesion, so that a missing volume or load is 0, not unknown; the
    time since a stroke that never was stays missing.

    Raises
    ------
    DataError
        A column is not in the table, or holds text.
    """
    missing = [name for name in columns if name not in samples.table]
    if missing:
        raise DataError(
            f"The table lacks {', '.join(missing)}: the model needs "
            f"{', '.join(columns)}. Add the columns, or leave this model out."
        )
    numbers = [_numbers(samples.table[name]) for name in columns]
    for name, values in zip(columns, numbers, strict=True):
        if name in LESION_COLUMNS:
            values[samples.controls & np.isnan(values)] = 0
        if name == "lesion_volume":
            np.log1p(values, out=values)
    return np.column_stack(numbers)


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    if column.dtype == np.float64:  # most are, and a cross-validation asks thousands of times
        return column.to_numpy(dtype=np.float64, copy=True)
    if column.name == "sex" and not pd.api.types.is_numeric_dtype(column):
        column = column.map(lambda value: _SEX.get(str(value).lower(), value))
    try:
        return np.array(column.astype("float64"), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"Column {column.name} holds values that are not numbers: {error}"
        ) from error
