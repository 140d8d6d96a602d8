"""The outcome of reading a dataset's tables, and how it is shown."""

from dataclasses import dataclass, field

import pandas as pd

from motor_bids_app.bids.tables.scores import SCORES, Score
from motor_bids_app.bids.tables.sources import Source

_UNITS = {"age": "years", "sex": "0 female, 1 male", "time_since_stroke": "months"}


@dataclass(frozen=True)
class ColumnUse:
    """What became of one column.

    Parameters
    ----------
    file, column : str
        Where it stands.
    name : str or None
        Registry name; None: not used.
    n_values : int
        Cells that are filled in.
    span : str
        Smallest and largest value, or the words found.
    problem : str
        Why it cannot be used, or a remark; empty if all is well.
    """

    file: str
    column: str
    name: str | None
    n_values: int
    span: str = ""
    problem: str = ""


@dataclass(frozen=True)
class ResolvedTable:
    """Scores and demographics with known names, units and codes.

    Parameters
    ----------
    table : DataFrame
        One row per participant, or per participant and session where tables have sessions.
        Columns: participant_id ('sub-01'), session_id ('ses-1' or NaN), age (years),
        age_top_coded, sex (0 female, 1 male), time_since_stroke (months), handedness,
        lesion_side and paretic_side ('left', 'right', 'bilateral', 'none'), site, group
        ('patient' or 'control'), and one per score. Columns without data are left out,
        except group, which is 'patient' where nothing else is said.
    scores : dict of Score
        The scores that are there, in the order of the registry.
    columns : tuple of ColumnUse
        What became of each column of each file.
    visits : DataFrame
        participant_id, session_id, and the scores and time since stroke that tables tell of that
        very session; what is told once per person is not in it.
    problems : tuple of str
        Errors (only if not strict), conflicts and remarks, one sentence each.
    sources : tuple of Source
        The tables, as text.
    """

    table: pd.DataFrame
    scores: dict[str, Score]
    columns: tuple[ColumnUse, ...]
    problems: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    visits: pd.DataFrame = field(default_factory=pd.DataFrame)

    def explain(self) -> str:
        """Return the mapping as plain text, for ``--explain-columns``."""
        rows = [("file", "column", "read as", "values", "found", "remark")]
        rows += [
            (
                use.file,
                use.column,
                self._meaning(use.name),
                str(use.n_values),
                use.span,
                use.problem,
            )
            for use in self.columns
        ]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = [
            "  ".join(
                [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]]
            )
            for row in rows
        ]
        lines.insert(1, "-" * (sum(widths) + 8))
        n_people = self.table["participant_id"].nunique()
        controls = self.table.loc[self.table["group"] == "control", "participant_id"].nunique()
        lines += ["", f"{n_people} participants, {controls} of them controls"]
        for name, score in self.scores.items():
            n_scored = self.table.loc[self.table[name].notna(), "participant_id"].nunique()
            direction = "higher" if score.higher_is_better else "lower"
            poor = f"; poor is {score.poor}" if score.poor else "; no usual definition of poor"
            lines.append(f"{name}: {score.title}, {n_scored} people, {direction} is better{poor}")
        lines += ["", *(f"! {problem}" for problem in self.problems)] if self.problems else []
        return "\n".join(line.rstrip() for line in lines) + "\n"

    def _meaning(self, name: str | None) -> str:
        if name is None:
            return "not used"
        score = self.scores.get(name) or SCORES.get(name)
        limits = f"{score.range_text}" if score else _UNITS.get(name, "")
        return f"{name} ({limits})" if limits else name
