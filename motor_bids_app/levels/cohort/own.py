"""Predictors of the user's own: columns of tables that an experiment names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from motor_bids_app.bids.tables.column import Column
from motor_bids_app.bids.tables.predictors import (
    CATEGORIES,
    SCORE,
    Predictor,
    learn_predictor,
    read_predictor,
)
from motor_bids_app.bids.tables.sources import Source, read_source
from motor_bids_app.errors import DataError, InputMissingError
from motor_bids_app.experiments.sections import Inputs
from motor_bids_app.levels.cohort.named_columns import Named, column_at, named_columns
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.cohort.rows import rows_of, strangers
from motor_bids_app.models.tables.columns import own_column

MOST = 5_000  # columns
_SIDE = re.compile(r"(?<![a-z])(left|right|lh|rh|l|r)(?![a-z])", re.IGNORECASE)
_Found = tuple[Participants, tuple[Predictor, ...], tuple[str, ...]]


def with_own(
    people: Participants, outcome: Outcome, inputs: Inputs, parts: Sequence[str] = ()
) -> _Found:
    """Add the columns that models are to predict from.

    Parameters
    ----------
    people : Participants
    outcome : Outcome
        What is predicted, which no predictor can be.
    inputs : Inputs
        Names columns of the tables: scores of the registry and those that `--scores-map`
        declares, headings, and headings with * and ?; and a table of its own.
    parts : sequence of str
        Scores that the outcome is made of, which no predictor can be either.

    Returns
    -------
    Participants
        With the columns.
    tuple of Predictor
        What they are, for a bundle.
    tuple of str
        Remarks.

    Raises
    ------
    DataError
        A column is what is predicted or a part of it, not there, in two tables, or of nobody.
    TableError
        A value cannot be understood.
    InputMissingError
        There is no such table.
    """
    if not inputs.columns:
        return people, (), ()
    sources = _sources(people, inputs.table)
    named, skipped = named_columns(people, sources, inputs, (outcome.score.name, *parts))
    files = {one.source.file: one.source for one in named if one.source is not None}
    rows = {file: rows_of(people, source).dropna().unique() for file, source in files.items()}
    found = [_learned(one, rows) for one in named]
    known = [one for one in found if one is not None]
    if not known:
        raise DataError("[inputs] columns: nobody with derivatives has any value of them.")
    people, said = with_known_own(people, known, sources)
    n_columns = sum(str(name).startswith(own_column("")) for name in people.table)
    if n_columns > MOST:
        raise DataError(f"[inputs] columns are {n_columns}, and {MOST} at most are read.")
    notes = [_what(known, people, outcome), *skipped, *said, *_gaps(known, people)]
    if inputs.mirror_lesion_to != "none" and any(_SIDE.search(one.name) for one in known):
        notes.append(
            "Predictors of your own are not mirrored with the images ([inputs] mirror_lesion_to): "
            "give those with a side by ipsilesional and contralesional instead."
        )
    return people, tuple(known), tuple(notes)


def with_known_own(
    people: Participants, known: Sequence[Predictor], sources: Sequence[Source]
) -> tuple[Participants, tuple[str, ...]]:
    """Add columns that are known from where a model learned; missing where a person has no value.

    Returns
    -------
    Participants
    tuple of str
        Remarks: who is in no row, or has a category that the model does not know.

    Raises
    ------
    DataError, TableError
        No table has the column, or several; a value cannot be understood.
    """
    places: dict[str, pd.Series] = {}
    columns: dict[str, Any] = {}
    notes: dict[str, None] = {}
    for one in known:
        if one.type == SCORE:
            columns[own_column(one.name)] = _score(people, one.name)
            continue
        source = column_at(one, sources)
        if source.file not in places:
            places[source.file] = rows_of(people, source)
            notes |= dict.fromkeys(strangers(people, source, places[source.file]))
        values, strange = read_predictor(_column(source, one.name), one)
        placed = values.reindex(places[source.file].tolist()).to_numpy(dtype=np.float64)
        columns |= dict(zip(columns_of(one), placed.T, strict=True))
        if strange:
            here = set(places[source.file])
            strange = tuple(who for who in strange if who in here)
        if strange and one.categories:
            notes[
                f"{one.name} of {len(strange)} ({', '.join(strange[:3])}) is a category that too "
                "few people had to learn from: it counts as none of the others."
            ] = None
    if not columns:
        return people, ()
    table = pd.DataFrame(columns, index=people.table.index, dtype=float)
    return replace(people, table=pd.concat([people.table, table], axis=1)), tuple(notes)


def known_predictors(described: Sequence[Any]) -> list[Predictor]:
    """Predictors that a bundle describes."""
    names = [f.name for f in fields(Predictor)]
    return [
        Predictor(**{**{name: one[name] for name in names}, "categories": tuple(one["categories"])})
        for one in described
    ]


def described_predictors(known: Sequence[Predictor]) -> list[dict[str, Any]]:
    """Describe predictors for a bundle; the inverse of `known_predictors`."""
    return [{**asdict(one), "categories": list(one.categories)} for one in known]


def with_own_of(
    people: Participants, inputs: Mapping[str, Any], table: Path | None
) -> tuple[Participants, tuple[str, ...]]:
    """Add the predictors that a bundle reads to people who are to be predicted.

    Parameters
    ----------
    inputs : mapping
        Of the metadata of the bundle.
    table : Path or None
        See `--predictors`.

    Raises
    ------
    DataError, TableError, InputMissingError
        As `with_known_own`.
    """
    known = known_predictors(inputs.get("columns", ()))
    if not known:
        return people, ()
    return with_known_own(people, known, _sources(people, table))


def check_table_is_read(table: Path | None, inputs: Iterable[Mapping[str, Any]]) -> None:
    """Raise DataError for a table where no model, by the inputs of each, reads predictors.

    Of several models that are compared, some may do without.
    """
    if table is not None and not any(one.get("columns") for one in inputs):
        raise DataError(f"--predictors {table.name}: no model reads predictors of tables.")


def _sources(people: Participants, table: str | Path | None) -> list[Source]:
    """The table of its own, and those of the dataset."""
    own = [] if people.tables is None else list(people.tables.sources)
    if table is None:
        return own
    try:
        given = read_source(Path(table))
    except InputMissingError as error:
        raise InputMissingError(f"There is no table of predictors {Path(table).name}.") from error
    if any(one.file == given.file for one in own):
        raise DataError(
            f"The table of predictors is called {given.file}, as one of the dataset. Rename it; or "
            "leave it out, if it is that one: it is read anyway."
        )
    return [given, *own]


def _column(source: Source, name: str) -> Column:
    return Column.described(source.file, name, source.table[name], source.describes(name))


def _learned(named: Named, rows: Mapping[str, Any]) -> Predictor | None:
    """What a column holds, of people with derivatives; None where a wildcard met an empty one.

    `rows` are theirs, by table.
    """
    if named.source is None:
        return Predictor(name=named.name)
    column = _column(named.source, named.name)
    column = replace(column, cells=column.cells.loc[rows[named.source.file]])
    if column.cells.isna().all():
        if named.group:
            return None
        raise DataError(
            f"[inputs] columns: {named.name} of {named.source.file} is not known for anybody with "
            "derivatives. Leave it out, or check that participant_id is spelled alike."
        )
    return learn_predictor(column, named.group)


def columns_of(one: Predictor) -> list[str]:
    """Columns of a predictor in the table of samples."""
    plain = own_column(one.group, one.name) if one.group else own_column(one.name)
    if one.type != CATEGORIES:
        return [plain]
    if one.group:
        return [f"{plain} = {category}" for category in one.categories]
    return [own_column(one.name, category) for category in one.categories]


def _score(people: Participants, name: str) -> Any:
    if name not in people.table:
        raise DataError(
            f"The model predicts from {name}, which no table has. Add it to the tables, or name "
            "its column with --scores-map."
        )
    return people.table[name].to_numpy(dtype=float, na_value=np.nan)


def _what(known: Sequence[Predictor], people: Participants, outcome: Outcome) -> str:
    """Say what models predict from, and on whose word."""
    groups: dict[str, list[Predictor]] = {}
    for one in known:
        groups.setdefault(one.group or one.name, []).append(one)
    told = [
        f"{len(ones)} columns {label}" if ones[0].group else _in_words(ones[0], people)
        for label, ones in groups.items()
    ]
    return (
        f"Models may predict from {', '.join(told)}, which the experiment assumes are known before "
        f"{outcome.score.label}. If they are not, the results are invalid."
    )


def _in_words(one: Predictor, people: Participants) -> str:
    if one.type == SCORE:
        return people.scores[one.name].label
    return f"{one.name} ({', '.join(one.categories) or one.type})"


def _gaps(known: Sequence[Predictor], people: Participants) -> list[str]:
    """Say which predictors most people lack."""
    scarce = []
    for one in known:
        missing = people.table[columns_of(one)[0]].isna()
        n_people = people.table["participant_id"].nunique()
        lacking = n_people - people.table.loc[~missing, "participant_id"].nunique()
        if 2 * lacking > n_people:
            scarce.append(f"{one.name} ({lacking} of {n_people} people)")
    if not scarce:
        return []
    more = f" and {len(scarce) - 3} more" if len(scarce) > 3 else ""
    return [
        f"Most people lack {', '.join(scarce[:3])}{more}: more values are imputed than measured."
    ]
