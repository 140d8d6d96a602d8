"""All tables of a dataset that may hold scores: participants, phenotype, sessions."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.tables.identifiers import participant_id, session_id
from motor_bids_app.bids.tables.tsv import MISSING, PLAIN_MISSING, read_table
from motor_bids_app.errors import InputMissingError, ScoreError

Key = tuple[str, str | None]  # participant_id and session_id, as in 'sub-01', 'ses-pre'
_KEYS = ("participant_id", "session_id")


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

    def describes(self, column: str) -> dict[str, Any]:
        """Entry of a column in the dictionary; capitals and blanks do not matter."""
        found = self.dictionary.get(column)
        if not isinstance(found, dict):
            alike = [
                entry
                for name, entry in self.dictionary.items()
                if name.strip().lower() == column.lower() and isinstance(entry, dict)
            ]
            found = alike[0] if len(alike) == 1 else {}
        return found


def read_sources(dataset: Path) -> list[Source]:
    """Read participants.tsv, phenotype/*.tsv and all sessions files of a dataset.

    Raises
    ------
    InputMissingError
        The dataset has none of them.
    TableError
        One is no tab-separated table.
    ScoreError
        A table has no participant column, or two rows for one participant (and session).
    """
    sources = [
        _source(
            path.relative_to(dataset).as_posix(),
            read_table(path, PLAIN_MISSING),
            _dictionary(path),
        )
        for path in _whole_tables(dataset)
    ]
    sessions = sorted(dataset.glob("sub-*/sub-*_sessions.tsv"))
    if sessions:
        parts = [_sessions_of(dataset, path) for path in sessions]
        table = pd.concat([part.table for part in parts])
        keys = {name: key for part in parts for name, key in part.keys.items()}
        dictionary = _joint_dictionary([dataset / "sessions.tsv", *sessions])
        sources.append(Source("sub-*_sessions.tsv", table, keys, dictionary))
    if not any(len(source.keys) for source in sources):
        what = "no participants.tsv, no phenotype table and no sessions table"
        if sources:
            what = f"no rows in {', '.join(s.file for s in sources)}"
        others = [path.name for path in dataset.glob("participants.*") if path.suffix != ".json"]
        found = "" if sources or not others else f" ({others[0]} is not read)"
        raise InputMissingError(
            f"{dataset} has {what}{found}, and so no scores. Add a participants.tsv with a "
            "participant_id column and one line for each participant."
        )
    return sources


def read_source(path: Path) -> Source:
    """Read one table of participants that lies anywhere, with its JSON file where there is one.

    Raises
    ------
    InputMissingError, TableError
        It is not there, or no tab-separated table.
    ScoreError
        It has no participant column, or two rows for one participant (and session).
    """
    return _source(path.name, read_table(path, PLAIN_MISSING), _dictionary(path))


def participants_table(dataset: Path) -> pd.DataFrame | None:
    """participants.tsv as text, identifiers as in folders; None where there is none.

    Raises
    ------
    TableError
        It is no tab-separated table.
    """
    path = dataset / "participants.tsv"
    table = read_table(path, PLAIN_MISSING) if _is_there(path) else None
    if table is None or "participant_id" not in table:
        return None
    table = table[table["participant_id"].notna()]
    return table.assign(participant_id=table["participant_id"].map(participant_id))


def _whole_tables(dataset: Path) -> list[Path]:
    participants = dataset / "participants.tsv"
    first = [participants] if _is_there(participants) else []
    return [*first, *sorted((dataset / "phenotype").glob("*.tsv"))]


def _is_there(path: Path) -> bool:
    """Whether a file is there; also a broken link, which reading names."""
    return path.is_file() or path.is_symlink()


def _sessions_of(dataset: Path, path: Path) -> Source:
    """The sessions of one participant, whose name is that of the folder."""
    table, file = read_table(path, PLAIN_MISSING), path.relative_to(dataset).as_posix()
    if "session_id" not in table:
        raise ScoreError(f"{file} has no column session_id. Check that it is tab-separated.")
    owner = path.parent.name
    if path.name != f"{owner}_sessions.tsv":
        raise ScoreError(f"{file} lies in the folder of {owner}. Move or rename it.")
    if "participant_id" in table:
        others = [
            name for name in table["participant_id"].dropna() if participant_id(name) != owner
        ]
        if others:
            raise ScoreError(f"{file} is of {owner}, but has a row of {others[0]}. Correct either.")
        table = table.drop(columns="participant_id")
    table.insert(0, "participant_id", owner)
    return _source(file, table, {})


def _dictionary(path: Path) -> dict[str, Any]:
    """Read the data dictionary of a table."""
    sidecar = path.with_suffix(".json")
    return read_json(sidecar) if _is_there(sidecar) else {}


def _joint_dictionary(paths: list[Path]) -> dict[str, Any]:
    """The dictionaries of several tables in one, unless they give a column two meanings."""
    joint: dict[str, Any] = {}
    for path in paths:
        for column, entry in _dictionary(path).items():
            held = joint.get(column)
            if not isinstance(held, dict) or not isinstance(entry, dict):
                joint[column] = entry
                continue
            if any(held[key] != entry[key] for key in {"Levels", "Units"} & {*held} & {*entry}):
                raise ScoreError(
                    f"{path.with_suffix('.json')} gives {column} other Units or Levels than the "
                    "dictionary of another sessions table. Make them alike."
                )
            joint[column] = {**held, **entry}
    return joint


def _source(file: str, table: pd.DataFrame, dictionary: Mapping[str, Any]) -> Source:
    if "participant_id" not in table:
        raise ScoreError(
            f"{file} has no column participant_id, only {', '.join(map(repr, table.columns[:5]))}. "
            "Add it, and check that the file is tab-separated."
        )
    keys: list[Key] = []
    visits = table["session_id"] if "session_id" in table else [None] * len(table)
    for line, person, visit in zip(table.index, table["participant_id"], visits, strict=True):
        if not isinstance(person, str) or person.lower() in MISSING:
            raise ScoreError(f"{file}: line {line} has no participant_id. Fill it in.")
        given = isinstance(visit, str) and visit.lower() not in MISSING
        keys.append((participant_id(person), session_id(str(visit)) if given else None))
    names = [" ".join(filter(None, key)) for key in keys]
    _check_doubles(file, names, list(table.index))
    values = table.drop(columns=[name for name in _KEYS if name in table])
    return Source(
        file, values.set_axis(names, axis=0), dict(zip(names, keys, strict=True)), dictionary
    )


def _check_doubles(file: str, names: list[str], lines: list[int]) -> None:
    first, n_rows = next(iter(Counter(names).most_common(1)), ("", 0))
    if n_rows > 1:
        where = ", ".join(
            str(line) for line, name in zip(lines, names, strict=True) if name == first
        )
        raise ScoreError(
            f"{file} has {n_rows} rows for {first} (lines {where}). Keep one; repeated visits "
            "belong in sub-<label>_sessions.tsv or phenotype/, with a session_id."
        )
