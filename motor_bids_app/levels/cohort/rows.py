"""Which row of a table belongs to which scan."""

import pandas as pd

from motor_bids_app.bids.tables.identifiers import near_miss
from motor_bids_app.bids.tables.sources import Source
from motor_bids_app.errors import DataError
from motor_bids_app.levels.cohort.participants import Participants

_NEAR = 20  # people without a row, whose names are compared with those of the table


def rows_of(people: Participants, source: Source) -> pd.Series:
    """Which row of a table belongs to each scan, by its name; missing where none does.

    A row of a session is of that session's scan, and one without a session of all scans of the
    person. Where scans have no session, the row may have one, if it is the only one.

    Raises
    ------
    DataError
        Several rows may belong to a scan.
    """
    by_person: dict[str, list[str]] = {}
    for row, (person, _) in source.keys.items():
        by_person.setdefault(person, []).append(row)
    found: list[str | None] = []
    for person, session in zip(people.table["participant_id"], _sessions(people), strict=True):
        own = by_person.get(str(person), [])
        wanted = f"{person} {session}" if session else str(person)
        if wanted in own:
            found.append(wanted)
        elif str(person) in own:
            found.append(str(person))
        elif session or len(own) < 2:
            found.append(None if session else next(iter(own), None))
        else:
            raise DataError(
                f"{source.file} has {len(own)} sessions of {person}, whose images have none: which "
                "one counts is unknown. Keep one, or name sessions in both alike."
            )
    return pd.Series(found, index=people.table.index, dtype=object)


def _sessions(people: Participants) -> list[str | None]:
    if "session_id" not in people.table:
        return [None] * len(people.table)
    return [one if isinstance(one, str) else None for one in people.table["session_id"]]


def strangers(people: Participants, source: Source, rows: pd.Series) -> list[str]:
    """Say who is in no row of a table, and whom it has beside those with derivatives.

    Raises
    ------
    DataError
        Nobody is in it, or somebody under another spelling.
    """
    scans = pd.Series(people.table["participant_id"].astype(str).to_numpy(), index=rows.index)
    listed = {person for person, _ in source.keys.values()}
    absent = sorted(set(scans) - listed)
    for person in absent[:_NEAR]:
        near = near_miss(person, listed - set(scans))
        if near:
            raise DataError(f"{source.file}: {person} is not there, but {near}. Spell them alike.")
    if rows.isna().all():
        raise DataError(
            f"{source.file} has no row of any scan with derivatives. Check that "
            "participant_id and session_id are spelled alike."
        )
    notes = []
    if absent:
        notes.append(
            f"{source.file} has no row of {len(absent)} of {scans.nunique()} people "
            f"({', '.join(absent[:3])}): their predictors are missing."
        )
    elif rows.isna().any():
        notes.append(
            f"{source.file} has no row of the session of {int(rows.isna().sum())} scans: their "
            "predictors are missing."
        )
    return notes
