"""The change of a score since its baseline, and the share of what could be recovered."""

from dataclasses import replace

import numpy as np

from motor_bids_app.bids.tables.scores import Score
from motor_bids_app.errors import DataError
from motor_bids_app.levels.cohort.course import Course, Reasons
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.models.tables.columns import BASELINE

_LITTLE = 0.1  # of the range of a score: less to recover makes a share of it mostly noise
_SCALE = ("minimum", "maximum", "unit", "higher_is_better")


def with_outcome_of(
    people: Participants, course: Course, outcome: Outcome, kind: str, baseline: str
) -> tuple[Participants, Outcome, Reasons, tuple[str, ...]]:
    """Put what is predicted among the scores of people: the later score, or its change.

    Parameters
    ----------
    people : Participants
        With the baseline score where there is one.
    course : Course
        Has the later scores.
    outcome : Outcome
        With the later score.
    kind : str
        "score"; "change": later minus baseline; "recovered": that, divided by what separates the
        baseline from the best score.
    baseline : str
        Where the baseline is from; see `with_baseline`.

    Returns
    -------
    Participants
    Outcome
        With what is predicted as its score.
    Reasons
        Who has no such outcome.
    tuple of str
        Remarks.

    Raises
    ------
    DataError
        The baseline is on another scale, or the score has no best value.
    """
    name = outcome.score.name
    later = course.later.table[name].to_numpy(dtype=float, na_value=np.nan)
    reasons = np.full(len(later), "", dtype=object)
    outcome = replace(outcome, session=course.session)
    if kind == "score":
        return replace(people, table=people.table.assign(**{name: later})), outcome, reasons, ()
    score = changed(outcome.score, kind)
    _check_scale(people, outcome.score, baseline)
    start = people.table[BASELINE].to_numpy(dtype=float, na_value=np.nan)
    values = later - start
    reasons[np.isnan(later)] = f"no {name}{outcome.at}"
    reasons[np.isnan(start)] = f"no baseline score, which {score.name} is told from"
    notes: tuple[str, ...] = ()
    if kind == "recovered":
        room = outcome.score.best - start
        reasons[room == 0] = f"nothing to recover: {name} was at its best before"
        values = values / np.where(room == 0, np.nan, room)
        least = _LITTLE * (outcome.score.maximum - outcome.score.minimum)
        few = int(((np.abs(room) < least) & (room != 0) & ~np.isnan(values)).sum())
        if few:
            notes = (
                f"{few} scans are within {least:g} {outcome.score.unit} of the best "
                f"{outcome.score.label}: what share of so little is recovered is mostly noise.",
            )
    table = people.table.assign(**{name: later, score.name: values})
    people = replace(people, table=table, scores={**people.scores, score.name: score})
    return people, replace(outcome, score=score, kind=kind, source=outcome.score), reasons, notes


def changed(score: Score, kind: str) -> Score:
    """The change of a score, or the recovered share of it, as a score of its own.

    Raises
    ------
    DataError
        A share is asked for of a score without a best value.
    """
    span = score.maximum - score.minimum
    if kind == "change":
        return replace(
            score,
            name=f"{score.name}_change",
            title=f"change of {score.label}",
            minimum=-span,
            maximum=span,
            poor=None,
            bands=(),
        )
    if score.unit != "points":
        raise DataError(
            f'[target] outcome = "recovered": {score.label} is measured in {score.unit}, and has '
            'no best value that a share could be of. Use "change", or a score in points.'
        )
    return Score(
        name=f"{score.name}_recovered",
        title=f"recovered share of {score.label}",
        minimum=-span,
        maximum=1,
        unit="share",
    )


def _check_scale(people: Participants, score: Score, baseline: str) -> None:
    """Raise unless a baseline that is another score goes over the same range."""
    other = people.scores.get(baseline, score)  # of an earlier session: the same
    if [getattr(other, key) for key in _SCALE] != [getattr(score, key) for key in _SCALE]:
        raise DataError(
            f"[inputs] baseline_score = {baseline!r} goes from {other.range_text}, and "
            f"{score.name} from {score.range_text}: there is no change between two scales. "
            'Describe both alike in --scores-map, or use "earlier_session".'
        )
