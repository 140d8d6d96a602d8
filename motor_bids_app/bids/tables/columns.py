"""Scores and demographics of a dataset under the names of the registry, or the reason why not."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from motor_bids_app.bids.tables.cells import read_variable
from motor_bids_app.bids.tables.column import Column
from motor_bids_app.bids.tables.meanings import check_raw, meaning_of
from motor_bids_app.bids.tables.resolved import ColumnUse, ResolvedTable
from motor_bids_app.bids.tables.scores import (
    DEMOGRAPHICS,
    SCORES,
)
from motor_bids_app.bids.tables.scores_map import ScoresMap, line_to_add, load_scores_map
from motor_bids_app.bids.tables.sources import Key, Source, read_sources
from motor_bids_app.errors import ScoreError, TableError
from motor_bids_app.privacy import shown_age

_OPPOSITE = {"left": "right", "right": "left"}


@dataclass
class _Collector:
    """Values by variable and key, as columns are read one after the other."""

    values: dict[str, dict[Key, Any]] = field(default_factory=lambda: defaultdict(dict))
    origin: dict[str, str] = field(default_factory=dict)
    uses: list[ColumnUse] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    top_coded: set[Key] = field(default_factory=set)


def resolve_columns(
    dataset: Path, scores_map: Path | None = None, *, strict: bool = True
) -> ResolvedTable:
    """Find out what the columns of a dataset's tables mean, and read them.

    Parameters
    ----------
    dataset : Path
        Folder with participants.tsv, phenotype/ and sessions files.
    scores_map : Path or None
        TOML file with the user's declarations, which win over names.
    strict : bool
        Raise the first error. Otherwise errors are listed in `problems` and their columns
        are left out.

    Raises
    ------
    InputMissingError
        There is no table.
    TableError
        A table is none, or a value of it is no number, out of range, undeclared or contradictory.
    UsageError
        The scores map cannot be understood.
    """
    declarations = load_scores_map(scores_map)
    sources = read_sources(dataset)
    collector = _read_columns(sources, declarations, strict)
    _check_declared(declarations, collector, strict)
    table = _assemble([key for source in sources for key in source.keys.values()], collector)
    table = _with_group(table, collector)
    conflicts = _reconcile_sides(table)
    table = _without_time_for_controls(table, collector)
    _check_times(table, collector, strict)
    declared = {name: entry.score for name, entry in declarations.declarations.items()}
    known = {**SCORES, **{name: score for name, score in declared.items() if score}}
    return ResolvedTable(
        table=table,
        scores={name: score for name, score in known.items() if name in table},
        columns=tuple(collector.uses),
        problems=(*collector.errors, *conflicts, *collector.remarks),
        sources=tuple(sources),
        visits=_visits(collector),
    )


def _read_columns(sources: Sequence[Source], declarations: ScoresMap, strict: bool) -> _Collector:
    collector = _Collector()
    for source in sources:
        for column in source.table.columns:
            try:
                _read_column(source, str(column), declarations, collector)
            except TableError as error:
                if strict:
                    raise
                collector.errors.append(str(error))
    return collector


def _read_column(
    source: Source, column: str, declarations: ScoresMap, collector: _Collector
) -> None:
    """Read one column into the collector, and note what became of it."""
    cells, description = source.table[column], source.describes(column)
    name, remark = meaning_of(column, description, declarations)
    unused = ColumnUse(source.file, column, None, int(cells.notna().sum()), "", remark)
    if name is None:
        collector.uses.append(unused)
        if remark.startswith("its description"):
            collector.remarks.append(f"{source.file}: {column} is not used; {remark}")
        return
    described = Column.described(source.file, column, cells, description)
    try:
        check_raw(name, column, declarations)
        values = read_variable(name, described, declarations.get(name))
        _add_values(name, values.series, source, column, collector)
    except TableError:
        collector.uses.append(replace(unused, name=name, problem="ERROR, see below"))
        raise
    if name == "age":
        plus = cells[cells.str.contains("+", regex=False, na=False)].index
        collector.top_coded |= {source.keys[who] for who in plus}
    collector.uses.append(
        replace(
            unused, name=name, span=_span(name, values.series), problem="; ".join(values.remarks)
        )
    )


def _add_values(
    name: str, series: pd.Series, source: Source, column: str, collector: _Collector
) -> None:
    """Add values that are there; two columns may repeat a value, but not contradict."""
    held = collector.values[name]
    for who, value in series.dropna().items():
        key = source.keys[str(who)]
        if held.get(key, value) != value:
            line = line_to_add(name, column=column)
            raise ScoreError(
                f"{who}: {source.file} {column} is {source.table[column][str(who)]!r}, but "
                f"{collector.origin[name]} says otherwise; both are read as {name}. Correct one, "
                f"or choose the column in --scores-map: {line}"
            )
        held[key] = value
    collector.origin.setdefault(name, f"{source.file} {column}")


def _span(name: str, series: pd.Series) -> str:
    """'3 to 61', or the words found: 'female, male'."""
    present = series.dropna()
    if present.empty:
        return ""
    if pd.api.types.is_numeric_dtype(present):
        if name == "age":
            return f"{shown_age(present.min())} to {shown_age(present.max())}"
        return f"{present.min():.4g} to {present.max():.4g}"
    words = sorted({str(value) for value in present})
    return ", ".join(words[:4]) + (f" and {len(words) - 4} more" if len(words) > 4 else "")


def _check_declared(declarations: ScoresMap, collector: _Collector, strict: bool) -> None:
    """Every column that the scores map names must be there."""
    there = {use.column for use in collector.uses}
    for name, entry in declarations.declarations.items():
        if entry.column is not None and entry.column not in there:
            message = (
                f"--scores-map takes {name} from the column {entry.column}, which no table has. "
                f"There are: {', '.join(sorted(there))}."
            )
            if strict:
                raise ScoreError(message)
            collector.errors.append(message)


def _assemble(keys: Sequence[Key], collector: _Collector) -> pd.DataFrame:
    """One row per participant and session; what is said without a session holds for all.

    A score is an exception: where a participant has it by session, the value without a
    session is of an unknown day, and is not spread over the sessions.
    """
    sessions: dict[str, dict[str | None, None]] = {}
    for participant, session in keys:
        sessions.setdefault(participant, {})[session] = None
    rows = []
    for participant, own in sessions.items():
        visits: list[str | None] = [label for label in own if label]
        for session in visits or [None]:
            row: dict[str, Any] = {"participant_id": participant, "session_id": session}
            for name, held in collector.values.items():
                if not held:
                    continue
                by_session = any((participant, label) in held for label in own if label)
                general = None if by_session and name not in DEMOGRAPHICS else (participant, None)
                row[name] = held.get((participant, session), held.get(general) if general else None)
            row["age_top_coded"] = not collector.top_coded.isdisjoint(
                {(participant, session), (participant, None)}
            )
            rows.append(row)
    order = ["participant_id", "session_id", *_ordered(collector)]
    return pd.DataFrame(rows, columns=order)


def _visits(collector: _Collector) -> pd.DataFrame:
    """What tables tell of a session by its name: scores and the time since stroke."""
    others = {*DEMOGRAPHICS, "age_top_coded"} - {"time_since_stroke"}
    names = [name for name in _ordered(collector) if name not in others]
    rows: dict[Key, dict[str, Any]] = {}
    for name in names:
        for key, value in collector.values[name].items():
            if key[1] is not None:
                rows.setdefault(key, {})[name] = value
    told = [{"participant_id": who, "session_id": when, **row} for (who, when), row in rows.items()]
    return pd.DataFrame(told, columns=["participant_id", "session_id", *names])


def _with_group(table: pd.DataFrame, collector: _Collector) -> pd.DataFrame:
    """Who is in no group is a patient; where others are in one, that is said."""
    if "group" not in table:
        return table.assign(group="patient")
    people = table.groupby("participant_id")["group"].count()
    without = sorted(str(name) for name in people.index[people == 0])
    if without:
        some = ", ".join(without[:3]) + (f" and {len(without) - 3} more" if without[3:] else "")
        collector.remarks.append(
            f"Without a group in the tables, taken as patients: {len(without)} ({some})"
        )
    return table.assign(group=table["group"].fillna("patient"))


def _ordered(collector: _Collector) -> list[str]:
    names = [name for name in (*DEMOGRAPHICS, *SCORES) if collector.values.get(name)]
    names += [name for name, held in collector.values.items() if held and name not in names]
    if "age" in names:
        names.insert(names.index("age") + 1, "age_top_coded")
    return names


def _reconcile_sides(table: pd.DataFrame) -> list[str]:
    """Fill the lesion side (brain) from the paretic side (body, opposite), and report conflicts."""
    if "paretic_side" not in table:
        return []
    expected = table["paretic_side"].map(_OPPOSITE)
    if "lesion_side" not in table:
        table["lesion_side"] = expected
        return ["lesion_side is taken as the side opposite to paretic_side"]
    clash = table[(table["lesion_side"] == table["paretic_side"]) & expected.notna()]
    table["lesion_side"] = table["lesion_side"].fillna(expected)
    return [
        f"{row.participant_id}: lesion and paresis are both on the {row.lesion_side}; the lesion "
        "is a side of the brain, the paresis of the body, and they should be opposite"
        for row in clash.itertuples()
    ]


def _check_times(table: pd.DataFrame, collector: _Collector, strict: bool) -> None:
    """Nobody had a stroke before birth: the unit of the time is another one, then."""
    if not {"age", "time_since_stroke"} <= set(table):
        return
    years = table["time_since_stroke"].astype(float) / 12
    late = table[years > table["age"].astype(float) + 1]
    if late.empty:
        return
    first = late.iloc[0]
    message = (
        f"{first['participant_id']}: by {collector.origin['time_since_stroke']} the stroke was "
        f"{first['time_since_stroke'] / 12:.0f} years ago, and by {collector.origin['age']} the "
        f"age is {shown_age(first['age'])} ({len(late)} such rows). Correct the unit of the time, "
        "or the values."
    )
    if strict:
        raise ScoreError(message)
    collector.errors.append(message)


def _without_time_for_controls(table: pd.DataFrame, collector: _Collector) -> pd.DataFrame:
    """Time since stroke of a person without a stroke is missing, not 0."""
    if "time_since_stroke" not in table:
        return table
    controls = (table["group"] == "control") & table["time_since_stroke"].notna()
    if controls.any():
        collector.remarks.append(f"time_since_stroke of {controls.sum()} controls read as missing")
        table["time_since_stroke"] = table["time_since_stroke"].mask(controls)
    return table
