"""The score that a person had before the one that is predicted."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.models.tables.columns import BASELINE

EARLIER = "earlier_session"
Reasons = NDArray[np.object_]  # why a scan takes no part, "" where it does; shape (n_scans,)


def with_baseline(
    people: Participants, outcome: Outcome, wanted: str
) -> tuple[Participants, Reasons, tuple[str, ...]]:
    """Add a column with the baseline score, which was measured before the target.

    Parameters
    ----------
    people : People
    outcome : Outcome
        What is predicted.
    wanted : str
        "none"; "earlier_session": the score that is predicted, at the first session of the
        person, by time since stroke, or, of a target session, at that of the images; or another
        score of the tables.

    Returns
    -------
    People
        With the column `BASELINE` where one is wanted.
    Reasons
        With "earlier_session", first sessions take no part: a score that is averaged into
        the truth cannot predict it. Nor do scans of which no earlier score is known.
    tuple of str
        Remarks.

    Raises
    ------
    DataError
        The column cannot be shown to come before the target.
    """
    exclusions = np.full(len(people.table), "", dtype=object)
    if wanted == "none":
        return people, exclusions, ()
    if wanted != EARLIER:
        values = _named(people, outcome, wanted)
        note = (
            f"The baseline score is {people.scores[wanted].label}, which the experiment says was "
            f"measured before {outcome.score.label}. If it was not, the results are void."
        )
    elif outcome.session:
        values = people.table[outcome.score.name].to_numpy(dtype=float, na_value=np.nan)
        exclusions[np.isnan(values)] = f"no {outcome.score.name} at the session of the images"
        note = f"The baseline score is {outcome.score.label} at the session of the images."
    else:
        values, exclusions = _earlier(people.table, outcome.score.name)
        n = int((exclusions == "").sum())
        note = f"{n} scans have an earlier score of the same person; the others take no part."
    table = people.table.assign(**{BASELINE: values})
    return replace(people, table=table), exclusions, (note,)


def with_known_baseline(
    people: Participants, wanted: str, score: str, *, linked: bool = False
) -> Participants:
    """Add the baseline score of people whose outcome is to be predicted, missing if unknown.

    Parameters
    ----------
    people : People
    wanted : str
        As in `with_baseline`, from the model bundle.
    score : str
        Name of the score that the model predicts.
    linked : bool
        Whether it predicts a later session than that of the scans, so that theirs is the baseline.

    Raises
    ------
    DataError
        With "earlier_session", the tables tell no time since stroke.
    """
    if wanted == "none":
        return people
    name = score if wanted == EARLIER else wanted
    known = people.table if name in people.table else people.table.assign(**{name: np.nan})
    values = (
        _earlier(known, name)[0]
        if wanted == EARLIER and not linked
        else known[name].to_numpy(dtype=float, na_value=np.nan)
    )
    return replace(people, table=people.table.assign(**{BASELINE: values}))


def _named(people: Participants, outcome: Outcome, name: str) -> NDArray[np.float64]:
    if name == outcome.score.name:
        raise DataError(
            f"[inputs] baseline_score = {name!r} is what is predicted. Name a score that was "
            f'measured before, or use "{EARLIER}".'
        )
    if name not in people.scores or people.table[name].isna().all():
        found = ", ".join(other for other in people.scores if other != outcome.score.name)
        raise DataError(
            f"[inputs] baseline_score = {name!r} is not known for anybody with derivatives; other "
            f"scores: {found or 'none'}. Name one of them, or its column with --scores-map."
        )
    values = people.table[name].to_numpy(dtype=float, na_value=np.nan)
    spread = pd.Series(values).groupby(people.table["participant_id"].to_numpy(object)).nunique()
    if (spread > 1).any() and not outcome.session:
        raise DataError(
            f"[inputs] baseline_score = {name!r} changes between sessions of "
            f"{spread.index[spread > 1][0]}, so that it may have been measured with or after "
            f'{outcome.score.name}. Use "{EARLIER}", or a score that is known once per person.'
        )
    return values


def _earlier(table: pd.DataFrame, score: str) -> tuple[NDArray[np.float64], Reasons]:
    """Score at the first session of each person, for the later ones."""
    if "time_since_stroke" not in table:
        raise DataError(
            f'[inputs] baseline_score = "{EARLIER}" needs the time since stroke of each session: '
            "the names of sessions do not tell which came first."
        )
    time = table["time_since_stroke"].to_numpy(dtype=float, na_value=np.nan)
    known = table[score].to_numpy(dtype=float, na_value=np.nan)
    values = np.full(len(table), np.nan)
    reasons = np.full(len(table), f"no earlier {score} of the same person is known", dtype=object)
    for rows in table.groupby("participant_id").indices.values():
        dated = rows[~np.isnan(time[rows]) & ~np.isnan(known[rows])]
        if not dated.size:
            continue
        first = dated[np.argmin(time[dated])]
        later = rows[time[rows] > time[first]]
        values[later], reasons[later] = known[first], ""
        if later.size:
            reasons[first] = "the first session, which gives the baseline score"
    return values, reasons
