"""The row of the tables that belongs to a scan."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from motor_bids_app.bids.tables.identifiers import near_miss
from motor_bids_app.errors import DataError


def row_of(
    rows: pd.DataFrame | None, session: str | None, visits: pd.DataFrame
) -> dict[str, object]:
    """Demographics and scores of one scan."""
    if rows is None:
        return {"group": None}
    others = set(rows["session_id"].dropna())
    if session and len(others) == len(rows) and not _spelled_alike(session, others):
        # A session of images alone: it has what is told once per person, and no score of a day.
        dated = visits[visits["participant_id"] == rows["participant_id"].iloc[0]]
        rows = rows.head(1).assign(session_id=session)
        rows = rows.assign(**dict.fromkeys(dated.columns[dated.notna().any()][2:], np.nan))
    same = rows[rows["session_id"] == session] if session else rows[rows["session_id"].isna()]
    if same.empty:  # one side has sessions, the other has none
        same = rows[rows["session_id"].isna()] if session else rows
    if len(same) != 1:
        raise DataError(
            f"The tables have {len(same)} rows that may belong to this scan, so that its score is "
            "unknown. Name the session in the tables and in the images alike."
        )
    return {str(key): value for key, value in same.iloc[0].items()}


def _spelled_alike(session: str, others: Collection[str]) -> bool:
    """Whether a session is among others, or one of them may be meant by its name."""
    return session in others or bool(near_miss(session, others))
