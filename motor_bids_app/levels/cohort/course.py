"""Sessions of a course: models see one of them, and the score is of another."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.tables.identifiers import near_miss, session_id
from motor_bids_app.bids.tables.quantities import DAYS_PER_MONTH
from motor_bids_app.errors import DataError
from motor_bids_app.levels.cohort.participants import Participants

Reasons = NDArray[np.object_]  # why a scan takes no part, "" where it does; shape (n_scans,)
_TIME = "time_since_stroke"


@dataclass(frozen=True, kw_only=True)
class Course:
    """Scans with what was known at them, and the scores that came later.

    Parameters
    ----------
    people : Participants
        With the scores of the session of each scan, which may be predictors.
    later : Participants
        The same scans, with the scores of the same people at the target session, which may not.
    session : str
        Of the target, 'ses-3month'; empty where it is that of each scan.
    exclusions : Reasons
        Scans of other sessions than models see, and people whose sessions are not in order.
    notes : tuple of str
        Remarks, one sentence each.
    """

    people: Participants
    later: Participants
    session: str
    exclusions: Reasons
    notes: tuple[str, ...]


def link_sessions(
    people: Participants, target: str | None, seen: str | None, within: Sequence[float] = ()
) -> Course:
    """Find the scores of a later session of each person, and bar scans that are not to be seen.

    Parameters
    ----------
    people : Participants
    target, seen : str or None
        Labels of the session of the score, and of that of images and predictors.
    within : sequence of float
        First and last day since the stroke of scores that count; by default all do.

    Raises
    ------
    DataError
        No scan is of the session that is to be seen, no table tells a score of the target's, or
        none its day where that matters.
    """
    if seen is None:
        nothing = np.full(len(people.table), "", dtype=object)
        return Course(people=people, later=people, session="", exclusions=nothing, notes=())
    seen = session_id(seen)
    exclusions = of_other_sessions(people, seen)
    if target is None:
        return Course(people=people, later=people, session="", exclusions=exclusions, notes=())
    target = session_id(target)
    scores = _scores_of(people, target)
    by_person = {
        name: people.table["participant_id"].map(scores[name]).astype(float)
        if name in scores
        else np.nan
        for name in people.scores
    }
    disorder, note = _not_later(people, target, seen)
    return Course(
        people=people,
        later=replace(people, table=people.table.assign(**by_person)),
        session=target,
        exclusions=first_of(exclusions, disorder, _outside(people, target, within)),
        notes=(note,),
    )


def first_of(*reasons: Reasons) -> Reasons:
    """Return the first reason of each scan that has one."""
    found = reasons[0]
    for others in reasons[1:]:
        found = np.where(found == "", others, found)
    return found


def of_other_sessions(people: Participants, seen: str) -> Reasons:
    """Say of each scan why it is not seen; "" of those of the session that is.

    Raises
    ------
    DataError
        No scan is of that session.
    """
    table, seen = people.table, session_id(seen)
    own = (table["session_id"] == seen).to_numpy(dtype=bool)
    if not own.any():
        raise DataError(
            f"[inputs] session: no images are of {seen}; sessions of the images: "
            f"{_listed(table['session_id'], seen)}"
        )
    has = table["participant_id"].isin(table.loc[own, "participant_id"]).to_numpy(dtype=bool)
    reasons = np.full(len(table), f"no images of {seen}", dtype=object)
    reasons[has] = f"of another session than {seen}, which models see"
    reasons[own] = ""
    return reasons


def of_session(people: Participants, seen: str | None) -> tuple[Participants, tuple[str, ...]]:
    """Keep the scans that a model of one session sees, of people who are to be predicted.

    People without a scan of that session are listed among those excluded; scans without the name
    of any session are kept, as there is no other.

    Returns
    -------
    Participants
    tuple of str
        Remarks.

    Raises
    ------
    DataError
        No scan can be of that session.
    """
    if seen is None:
        return people, ()
    table, seen = people.table, session_id(seen)
    unnamed = table["session_id"].isna().to_numpy(dtype=bool)
    given = table.assign(session_id=table["session_id"].where(~unnamed, seen))
    reasons = of_other_sessions(replace(people, table=given), seen)
    kept = np.flatnonzero(reasons == "")
    lost = table.loc[reasons == f"no images of {seen}", ["participant_id", "session_id"]]
    lost = lost.assign(reason=f"no images of {seen}, which the model predicts from")
    others = len(table) - len(kept) - len(lost)
    notes = (
        f"{unnamed.sum()} scans have no session, and are assigned to {seen}." * bool(unnamed.any()),
        f"{others} scans of other sessions than {seen} are not predicted." * bool(others),
    )
    doubtful = people.doubtful[people.doubtful.index.isin(kept)]
    place = {row: number for number, row in enumerate(kept.tolist())}
    chosen = replace(
        people,
        scans=tuple(people.scans[row] for row in kept),
        table=table.iloc[kept].reset_index(drop=True),
        doubtful=doubtful.rename(index=place),
        excluded=pd.concat([people.excluded, lost], ignore_index=True),
    )
    return chosen, tuple(note for note in notes if note)


def _scores_of(people: Participants, session: str) -> pd.DataFrame:
    """Scores that the tables tell of a session, by participant_id."""
    visits, names = people.visits, list(people.scores)
    if visits.empty or visits[names].isna().all(axis=None):
        raise DataError(
            f"[target] session: the tables give no scores by session, and so none for {session}. "
            "Give scores a session_id (sub-<label>_sessions.tsv, phenotype/), or name the column "
            "of the later score with --scores-map and leave session out."
        )
    scored = visits[visits[names].notna().any(axis=1)]
    at = scored[scored["session_id"] == session]
    if at.empty:
        raise DataError(
            f"[target] session: no table gives a score for {session}; sessions with scores: "
            f"{_listed(scored['session_id'], session)}"
        )
    return at.set_index("participant_id")[names]


def _listed(sessions: Iterable[object], wanted: str) -> str:
    """Name the sessions that there are, and which of them was likely meant."""
    there = sorted({str(one) for one in sessions if isinstance(one, str)})
    near = near_miss(wanted, there)
    meant = f" {near}: write it alike." if near else ""
    return f"{', '.join(there) or 'none has a name'}.{meant}"


def _outside(people: Participants, target: str, within: Sequence[float]) -> Reasons:
    """Bar people whose score was taken too early or too late, or on a day that is not told."""
    reasons = np.full(len(people.table), "", dtype=object)
    if not within:
        return reasons
    days, (first, last) = _months(people, target) * DAYS_PER_MONTH, within
    if np.isnan(days).all():
        raise DataError(
            f"[target] within: the tables give the time since stroke at {target} for nobody. Add "
            "it to the tables, as days_since_stroke, or leave within out."
        )
    reasons[~((days.round() >= first) & (days.round() <= last))] = (
        f"{target} was not between day {first:g} and day {last:g} after the stroke"
    )
    reasons[np.isnan(days)] = f"no table tells the day of {target}"
    return reasons


def _months(people: Participants, session: str) -> NDArray[np.float64]:
    """Time since stroke of a session, for each scan; NaN where no table tells it."""
    if _TIME not in people.visits:
        return np.full(len(people.table), np.nan)
    at = people.visits[people.visits["session_id"] == session]
    time = at.set_index("participant_id")[_TIME].astype(float)
    return np.asarray(people.table["participant_id"].map(time), dtype=np.float64)


def _not_later(people: Participants, target: str, seen: str) -> tuple[Reasons, str]:
    """Bar people whose target session is not after the one that is seen, as far as it is told."""
    reasons = np.full(len(people.table), "", dtype=object)
    unsaid = (
        "The tables do not give the time since stroke of both sessions: the experiment assumes "
        f"that {target} came after {seen}. If it did not, the results are invalid."
    )
    first, last = _months(people, seen), _months(people, target)
    reasons[last <= first] = f"{target} is not after {seen} by the time since stroke"
    gaps = (last - first)[last > first]
    if not gaps.size:
        return reasons, unsaid
    return reasons, (
        f"Scores are of {target}, and images and predictors of {seen}, {np.median(gaps):.2g} "
        f"months before (median; {gaps.min():.2g} to {gaps.max():.2g})."
    )
