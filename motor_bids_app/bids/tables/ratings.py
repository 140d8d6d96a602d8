"""Ratings of image quality by people, which say whom to leave out."""

from pathlib import Path

import pandas as pd

from motor_bids_app.bids.tables.identifiers import participant_id, session_id
from motor_bids_app.bids.tables.scores import normalise
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import DataError

LOWEST_KEPT = 2  # of MRIQC's scale: 1 exclude, 2 poor, 3 acceptable, 4 excellent
_WORDS = {
    **dict.fromkeys(("include", "included", "accept", "pass", "keep"), False),
    **dict.fromkeys(("exclude", "excluded", "reject", "fail"), True),
}
PERSON = ("participantid", "participant", "subjectid", "subject", "bidsname")
_RATING = ("rating", "qc", "decision")


def rated_exclude(path: Path) -> list[tuple[str, str | None, str]]:
    """Read who is rated to be left out.

    A row has a participant (``participant_id``, or MRIQC's ``bids_name``), maybe a
    ``session_id``, and a ``rating``: include or exclude, or a number on MRIQC's scale, of which
    those below 2 exclude. No rating (n/a) excludes nobody.

    Returns
    -------
    list of (participant, session or None, rating)
        'sub-01' and 'ses-1'; without a session the row is for all sessions.

    Raises
    ------
    InputMissingError, ReadWriteError
        There is no such file, or it cannot be read.
    DataError
        It is no tab-separated table.
        A column is missing, or a rating or participant cannot be understood.
    """
    table = read_table(path)
    person, rating, visit = (_find(table, names) for names in (PERSON, _RATING, ("sessionid",)))
    if person is None or rating is None:
        raise DataError(
            f"{path} needs the columns participant_id and rating, separated by tabs; it has "
            f"{', '.join(map(str, table.columns))}."
        )
    excluded = []
    for line, row in table.iterrows():
        where = f"{path}, line {line}"
        if pd.isna(row[rating]):
            continue
        if pd.isna(row[person]):
            raise DataError(f"{where}: the rating {row[rating]!r} has no participant.")
        if _excludes(str(row[rating]), where):
            participant, session = _labels(str(row[person]), row[visit] if visit else None)
            excluded.append((participant, session, str(row[rating])))
    return excluded


def _find(table: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    """The first column of one of these names, which capitals and punctuation do not change."""
    there = {normalise(str(column)): str(column) for column in reversed(table.columns)}
    return next((there[name] for name in names if name in there), None)


def _excludes(rating: str, where: str) -> bool:
    word = rating.strip().lower()
    if word in _WORDS:
        return _WORDS[word]
    number = pd.to_numeric(word, errors="coerce")
    if not 0 <= number <= 4:  # also NaN
        raise DataError(
            f"{where}: the rating {rating!r} is neither include nor exclude, nor a number from 0 "
            f"to 4, of which those below {LOWEST_KEPT} exclude."
        )
    return bool(number < LOWEST_KEPT)


def _labels(person: str, session: object) -> tuple[str, str | None]:
    """Participant and session; MRIQC has both in one name, 'sub-01_ses-1_T1w'."""
    label, *parts = person.split("_")
    named = next((part for part in parts if part.lower().startswith("ses-")), None)
    if isinstance(session, str):
        named = session
    return participant_id(label), session_id(named) if named else None
