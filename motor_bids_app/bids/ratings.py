"""Ratings of image quality by people, which say whom to leave out."""

from pathlib import Path

import pandas as pd

from motor_bids_app.bids.tsv import read_table
from motor_bids_app.errors import DataError

LOWEST_KEPT = 2  # of MRIQC's scale: 1 exclude, 2 poor, 3 acceptable, 4 excellent
_WORDS = {
    **dict.fromkeys(("include", "included", "accept", "pass", "keep"), False),
    **dict.fromkeys(("exclude", "excluded", "reject", "fail"), True),
}
_PERSON = ("participant_id", "subject_id", "subject", "bids_name")
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
        There is no such file, or it is no table.
    DataError
        A column is missing, or a rating or participant cannot be understood.
    """
    table = read_table(path)
    person = next((name for name in _PERSON if name in table), None)
    rating = next((name for name in _RATING if name in table), None)
    if person is None or rating is None:
        raise DataError(
            f"{path} needs the columns participant_id and rating, separated by tabs; it has "
            f"{', '.join(map(str, table.columns))}."
        )
    excluded = []
    for number, row in enumerate(table.to_dict("records"), start=2):
        where = f"{path}, line {number}"
        if pd.isna(row[rating]):
            continue
        if pd.isna(row[person]):
            raise DataError(f"{where}: the rating {row[rating]!r} has no participant.")
        if _excludes(str(row[rating]), where):
            participant, session = _labels(str(row[person]), row.get("session_id"))
            excluded.append((participant, session, str(row[rating])))
    return excluded


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
    parts = person.strip().removeprefix("sub-").split("_")
    named = next((part for part in parts[1:] if part.startswith("ses-")), None)
    if isinstance(session, str):
        named = f"ses-{session.strip().removeprefix('ses-')}"
    return f"sub-{parts[0]}", named
