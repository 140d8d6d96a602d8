"""All tables of a dataset that may hold scores: participants, phenotype, sessions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from motor_bids_app.bids.files import read_json, read_table
from motor_bids_app.errors import InputMissingError, ScoreError

Key = tuple[str, str | None]  # participant_id and session_id, as in 'sub-01', 'ses-pre'


@dataclass(frozen=True)
class Source:
    """One table as text, with one row per participant, or participant and session.

    Parameters
    ----------
    file : str
        Name relative to the dataset.
    table : DataFrame of str
        Columns of the file without the keys; the index says whose each row is.
    keys : dict
        Key of each index entry.
    dictionary : dict
        JSON data dictionary.
    """

    file: str
    table: pd.DataFrame
    keys: Mapping[str, Key]
    dictionary: Mapping[str, Any]


def read_sources(dataset: Path) -> list[Source]:
    """Read participants.tsv, phenotype/*.tsv and all sessions files of a dataset.

    Raises
    ------
    InputMissingError
        The dataset has none of them.
    ScoreError
        A table has no participant column, or two rows for one participant (and session).
    """
    sources = [
        _source(path.relative_to(dataset).as_posix(), read_table(path), _dictionary(path))
        for path in _whole_tables(dataset)
    ]
    sessions = list(_session_tables(dataset))
    if sessions:
        dictionary: dict[str, Any] = {}
        for path in (dataset / "sessions.json", *(path for path, _ in sessions)):
            dictionary |= _dictionary(path)
        table = pd.concat([table for _, table in sessions], ignore_index=True)
        sources.append(_source("sub-*_sessions.tsv", table, dictionary))
    if not sources:
        raise InputMissingError(
            f"{dataset} has no participants.tsv, no phenotype table and no sessions table, and so "
            "no scores. Add a participants.tsv with a participant_id column."
        )
    return sources


def _whole_tables(dataset: Path) -> list[Path]:
    participants = dataset / "participants.tsv"
    first = [participants] if participants.is_file() else []
    return [*first, *sorted((dataset / "phenotype").glob("*.tsv"))]


def _session_tables(dataset: Path) -> Iterator[tuple[Path, pd.DataFrame]]:
    for path in sorted(dataset.glob("sub-*/sub-*_sessions.tsv")):
        table = read_table(path)
        if "session_id" not in table:
            raise ScoreError(f"{path} has no column session_id. Check that it is tab-separated.")
        if "participant_id" in table:
            table = table.drop(columns="participant_id")
        table.insert(0, "participant_id", path.parent.name)
        yield path, table


def _dictionary(path: Path) -> dict[str, Any]:
    """Read the data dictionary of a table (or the file itself if it is JSON)."""
    sidecar = path.with_suffix(".json")
    return read_json(sidecar) if sidecar.is_file() else {}


def _source(file: str, table: pd.DataFrame, dictionary: Mapping[str, Any]) -> Source:
    if "participant_id" not in table:
        raise ScoreError(
            f"{file} has no column participant_id, only {', '.join(map(str, table.columns[:5]))}. "
            "Add it, and check that the file is tab-separated."
        )
    nameless = table.index[table["participant_id"].isna()]
    if len(nameless):
        raise ScoreError(f"{file}: line {nameless[0] + 2} has no participant_id. Fill it in.")
    participants = _with_prefix(table["participant_id"], "sub-")
    sessions = (
        _with_prefix(table["session_id"], "ses-")
        if "session_id" in table
        else pd.Series([None] * len(table), index=table.index, dtype=object)
    )
    keys: list[Key] = [
        (str(participant), str(session) if isinstance(session, str) else None)
        for participant, session in zip(participants, sessions, strict=True)
    ]
    names = [" ".join(filter(None, key)) for key in keys]
    doubles = (
        {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()
    )
    if doubles:
        first = min(doubles, key=names.index)
        lines = ", ".join(str(row + 2) for row, name in enumerate(names) if name == first)
        raise ScoreError(
            f"{file} has {names.count(first)} rows for {first} (lines {lines}). Keep one; repeated "
            "visits belong in sub-<label>_sessions.tsv or phenotype/, with a session_id."
        )
    values = table.drop(columns=[c for c in ("participant_id", "session_id") if c in table])
    return Source(
        file, values.set_axis(names, axis=0), dict(zip(names, keys, strict=True)), dictionary
    )


def _with_prefix(labels: pd.Series, prefix: str) -> pd.Series:
    """'01' and 'sub-01' both become 'sub-01'; missing stays missing."""
    text = labels.str.strip().str.removeprefix(prefix)
    return prefix + text
