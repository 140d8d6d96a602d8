"""Tab-separated tables as BIDS has them: read strictly, or refused by name and line."""

import math
import re
from collections.abc import Callable, Hashable
from pathlib import Path

import pandas as pd

from motor_bids_app.bids.tables.spreadsheets import from_text
from motor_bids_app.bids.tables.text import MARKS, read_content, read_lines
from motor_bids_app.errors import TableError

# What stands for a missing value in any table, in any case. 'none' and 'unknown' are words.
MISSING = frozenset(
    ("", "n/a", "na", "nan", "n.a.", "#n/a", "<na>", "nat", "null", "-", "--", "---", "\u2013")
)
_Cells = tuple[str | None, ...]
PLAIN_MISSING = frozenset(("", "n/a"))  # as BIDS has it
_MOST_COLUMNS = 20_000
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9.]*[0-9],[0-9]+")
_DELIMITERS = {",": "commas", ";": "semicolons", "|": "bars"}


def read_table(path: Path, missing: frozenset[str] = MISSING) -> pd.DataFrame:
    """Read a table with every cell as text.

    Blanks around headings and cells are dropped, as are quotation marks that enclose a whole
    cell; any other quotation mark is a character. An apostrophe that marks a formula as
    text, as `files.write_table` writes it, is dropped too. Blank lines, and columns without
    heading and cells, are passed over.

    Parameters
    ----------
    path : Path
    missing : frozenset of str
        Cells, in lower case, that come as NaN.

    Returns
    -------
    DataFrame of str
        The index holds the numbers of the lines in the file, from 2 on.

    Raises
    ------
    InputMissingError, ReadWriteError
        There is no such file, or it cannot be read.
    TableError
        It is no tab-separated text, a column is there twice, or a line has another number of
        cells than the heading.
    """
    numbers, columns = _columns(path, missing)
    index = pd.Index(numbers, dtype="int64")
    named = {name: pd.Series(cells, index=index, dtype="str") for name, cells in columns.items()}
    return pd.DataFrame(named, index=index)


def read_row(path: Path, missing: frozenset[str] = MISSING) -> tuple[int, dict[str, str | None]]:
    """Read a table of one row: the number of its line, and its cells by column, None if missing.

    The same as `read_table`, in a hundredth of its time where columns are many.

    Raises
    ------
    InputMissingError, ReadWriteError, TableError
        As `read_table`; also for another number of rows than one.
    """
    numbers, columns = _columns(path, missing)
    if len(numbers) != 1:
        raise TableError(f"{path} has {len(numbers)} rows instead of one.")
    return numbers[0], {name: cells[0] for name, cells in columns.items()}


def _columns(path: Path, missing: frozenset[str]) -> tuple[list[int], dict[str, _Cells]]:
    """Numbers of the lines of rows, and the cells of columns by name."""
    heading, rows = _heading_and_rows(path)
    longest = max(map(len, missing))
    content = [
        [
            None if len(cell) <= longest and cell.lower() in missing else from_text(cell)
            for cell in cells
        ]
        for _, cells in rows
    ]
    columns: list[_Cells] = list(zip(*content, strict=True)) or [()] * len(heading)
    _check_headings(path, heading, columns)
    named = {name: cells for name, cells in zip(heading, columns, strict=True) if name}
    return [number for number, _ in rows], named


def _heading_and_rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Names of columns, and the rows that hold anything with the numbers of their lines."""
    lines = enumerate(map(_cells, read_lines(path)), start=1)
    rows = [(number, cells) for number, cells in lines if any(cells)]
    if not rows:
        raise TableError(f"{path} is empty. A table has a heading, and one line for each row.")
    heading = [from_text(cell) for cell in rows.pop(0)[1]]
    _check_delimiter(path, heading)
    for number, cells in rows:
        if len(cells) != len(heading):
            raise TableError(_unequal(path, number, cells, heading))
    return heading, rows


def _check_delimiter(path: Path, heading: list[str]) -> None:
    if len(heading) > 1:
        return
    for delimiter, name in _DELIMITERS.items():
        if delimiter in heading[0]:
            raise TableError(
                f"{path} is separated by {name}, not by tabs. Save it as tab-separated text."
            )


def _check_headings(path: Path, heading: list[str], columns: list[_Cells]) -> None:
    if len(heading) > _MOST_COLUMNS:
        raise TableError(
            f"{path} has {len(heading):,} columns; tables of up to {_MOST_COLUMNS:,} are read. "
            "Keep those that are needed."
        )
    seen: set[str] = set()
    for name, column in zip(heading, columns, strict=True):
        if name in seen:
            raise TableError(
                f"{path} has the column {name} twice: which one counts is unknown. Rename one of "
                "them, or delete it."
            )
        if name:
            seen.add(name)
        elif any(column):
            raise TableError(
                f"{path}: column {len(seen) + 1} of {len(heading)} has values, but no heading. "
                "Name it."
            )


def _unequal(path: Path, number: int, cells: list[str], heading: list[str]) -> str:
    """Sentence on a line with another number of cells than the heading, and the likely cause."""
    cause = ""
    if len(cells) > len(heading) and not any(cells[len(heading) :]):
        cause = " (it ends with a tab too many)"
    elif any(cell.count('"') % 2 for cell in cells):
        cause = " (a quotation mark does not hold tabs or line breaks together)"
    elif len(cells) == 1 and len(heading) > 1 and re.search("[,;]", cells[0]):
        cause = " (it is separated by commas or semicolons)"
    return (
        f"{path}, line {number} has {len(cells)} cell{'s' if len(cells) > 1 else ''}, but the "
        f"heading has {len(heading)}{cause}. Separate the cells by single tabs, one for each "
        "column, and write n/a where a value is missing."
    )


def _cells(line: str) -> list[str]:
    cells = list(map(str.strip, line.split("\t")))
    return [_unquoted(cell) for cell in cells] if '"' in line else cells


def _unquoted(cell: str) -> str:
    """The text of a cell that is enclosed by quotation marks; else the cell."""
    inner = cell[1:-1].replace('""', "")
    if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner:
        return cell[1:-1].replace('""', '"').strip()
    return cell


def check_for_libraries(path: Path) -> None:
    """Raise unless a table that a library reads after us means the same to it.

    Raises
    ------
    InputMissingError, ReadWriteError, TableError
        As `read_table`; also for other texts than UTF-8, and for blanks around headings.
    """
    table = read_table(path)
    data = read_content(path)
    first = data.decode("utf-8-sig", errors="replace").splitlines()[0].split("\t")
    if any(data.startswith(mark) for mark in MARKS) or not set(table.columns) <= set(first):
        raise TableError(
            f"{path} is UTF-16 or UTF-32, or has blanks, quotation marks or an empty line at its "
            f"heading. Save it as UTF-8 with the plain heading {', '.join(table.columns[:4])}."
        )


def is_number(cell: str) -> bool:
    """Whether a cell is a number as tables have it.

    >>> is_number("-1.5e3"), is_number("1,5"), is_number(">90")
    (True, False, False)
    """
    return _NUMBER.fullmatch(cell) is not None


def to_numbers(
    cells: pd.Series,
    describe: Callable[[Hashable, str], str],
    error: type[TableError] = TableError,
) -> pd.Series:
    """Numbers of cells, NaN where they are missing.

    Parameters
    ----------
    cells : Series of str
    describe : callable
        Start of the message about a cell, from its index and text: "sub-01: x.tsv has 'y' as z".
    error : type
        What to raise.

    Raises
    ------
    TableError
        A cell is no finite number, such as one with a decimal comma.
    """
    found: dict[str, float] = {}
    for cell in cells.dropna().unique():
        found[cell] = to_number(
            cell, lambda text: describe(cells.index[cells == text][0], text), error
        )
    return cells.map(found).astype(float)


def to_number(
    cell: str, describe: Callable[[str], str], error: type[TableError] = TableError
) -> float:
    """Number of a cell that is not missing; parameters and errors as of `to_numbers`."""
    number = float(cell) if _NUMBER.fullmatch(cell) else math.nan
    if not math.isfinite(number):
        hint = ""
        if _DECIMAL_COMMA.fullmatch(cell):
            hint = " (write a decimal point, and nothing between thousands)"
        raise error(
            f"{describe(cell)}, which is not a number{hint}. Correct the cell, or write n/a."
        )
    return number


def numeric_cell(cell: str, name: str, path: Path, line: int) -> float:
    """Number of a cell of `read_row` that is not missing; errors as of `numeric_column`."""
    return to_number(cell, lambda text: _place(path, line, name, text))


def _place(path: Path, line: Hashable, name: str, cell: str) -> str:
    return f"{path}, line {line}: {name} is {cell!r}"


def numeric_column(table: pd.DataFrame, name: str, path: Path) -> pd.Series:
    """Numbers of a column of `read_table`, NaN where they are missing.

    Raises
    ------
    TableError
        A cell is no number; the message has its line.
    """
    return to_numbers(table[name], lambda line, cell: _place(path, line, name, cell))


def same_code(one: str, other: str) -> bool:
    """Whether two cells are one code: '1' and '1.0', 'm' and 'M'.

    >>> same_code("-999", "-999.0"), same_code("UN", "un"), same_code("1", "11")
    (True, True, False)
    """
    if _NUMBER.fullmatch(one) and _NUMBER.fullmatch(other):
        return float(one) == float(other)
    return one.casefold() == other.casefold()
