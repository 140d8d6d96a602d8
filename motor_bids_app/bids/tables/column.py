"""One column of a table as text, with what its data dictionary declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from motor_bids_app.bids.tables.descriptions import levels_of, units_of
from motor_bids_app.bids.tables.tsv import same_code, to_numbers
from motor_bids_app.errors import ScoreError
from motor_bids_app.privacy import is_code, is_short, quoted


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    file, name : str
        Where it stands.
    cells : Series of str
        Missing as NaN; the index says whose each is, 'sub-01' or 'sub-01 ses-1'.
    description : dict
        Its entry in the JSON data dictionary.
    levels : dict of str
        Declared codes with their meaning.
    """

    file: str
    name: str
    cells: pd.Series
    description: Mapping[str, Any] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def described(
        cls, file: str, name: str, cells: pd.Series, description: Mapping[str, Any]
    ) -> "Column":
        """The column with the levels of its description."""
        return cls(file, name, cells, description, levels_of(description))

    @property
    def filled(self) -> list[str]:
        """The different cells that are not missing, in their order."""
        return [str(cell) for cell in self.cells.dropna().unique()]

    @property
    def units(self) -> str:
        """Declared units, or ''."""
        return units_of(self.description)

    def level(self, cell: str) -> str | None:
        """Declared meaning of a code, also of '1.0' where '1' is; None where there is none."""
        if cell in self.levels:
            return self.levels[cell]
        alike = {meaning for code, meaning in self.levels.items() if same_code(code, cell)}
        return alike.pop() if len(alike) == 1 else None

    def numbers(self) -> pd.Series:
        """The cells as numbers.

        Raises
        ------
        ScoreError
            A cell is no number.
        """
        return to_numbers(
            self.cells,
            lambda who, cell: f"{who}: {self.file} has {self.quoted(cell)} as {self.name}",
            ScoreError,
        )

    def quoted(self, cell: str) -> str:
        """A cell as messages may quote it: see `privacy.quoted`."""
        return repr(cell) if self.is_code(cell) else quoted(cell)

    def is_code(self, cell: str) -> bool:
        """Whether a cell is a code, and no name of a person: it looks like one, or several have it.

        `cell` counts by person, not by row: a person's sessions all have their name.
        """
        people = {str(who).split(" ")[0] for who in self.cells.index[self.cells == cell]}
        return is_code(cell) or (is_short(cell) and len(people) > 1)
