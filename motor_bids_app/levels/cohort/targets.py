"""Whose outcome is known, and which: a score, whether it is poor, or its class of several."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.cohort.participants import Participants


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Who takes part, and with which class or score.

    Parameters
    ----------
    rows : array of int
        Rows of the people's table that take part.
    y : array, shape (n_rows,), float64
        1 poor and 0 good, the score, or the number of the ordered class, of each scan.
    truth : Series
        The same per person, by participant_id, in order of label: of a person with several
        scans, the mean score decides.
    excluded : DataFrame
        Columns participant_id, session_id, reason.
    notes : tuple of str
        Remarks, one sentence each.
    """

    rows: NDArray[np.intp]
    y: NDArray[np.float64]
    truth: "pd.Series[float]"
    excluded: pd.DataFrame
    notes: tuple[str, ...]


def _class_numbers(score: NDArray[np.float64], thresholds: tuple[float, ...]) -> NDArray[Any]:
    """Number of thresholds that each score reaches; NaN where it is missing."""
    numbers = np.searchsorted(np.array(thresholds), score, side="right").astype(np.float64)
    return np.where(np.isnan(score), np.nan, numbers)


def label(
    people: Participants,
    outcome: Outcome,
    controls: str,
    exclusions: NDArray[np.object_] | None = None,
) -> Labels:
    """Give every scan its class or score, and list those that cannot take part.

    Parameters
    ----------
    people : People
        Scans with their tables.
    outcome : Outcome
        What is predicted.
    controls : str
        "good": healthy people are in the good class, whatever their score (of ordered classes,
        in the one without impairment); "exclude".
        They take part in a regression only with a score of their own.
    exclusions : array of str, shape (n_scans,), optional
        Why a scan cannot take part, "" where it can.

    Raises
    ------
    DataError
        Nobody is left, or a score does not vary.
    """
    table = people.table
    is_control = (table["group"] == "control").to_numpy(dtype=bool)
    score = table[outcome.score.name].to_numpy(dtype=float, na_value=np.nan)
    values = _values(score, is_control, outcome)
    reasons = np.full(len(table), "", dtype=object)
    reasons[np.isnan(values)] = f"no {outcome.score.name}{outcome.at}"
    if controls == "exclude":
        reasons[is_control] = "a control, whom the experiment leaves out"
    if exclusions is not None:
        reasons = np.where(exclusions == "", reasons, exclusions)
    rows = np.flatnonzero(reasons == "")
    if len(rows) == 0:
        raise DataError(
            f"Nobody can take part: {table['participant_id'].nunique()} people, and "
            f"{pd.Series(reasons).mode().iloc[0]}."
        )
    excluded = table.loc[reasons != "", ["participant_id", "session_id"]]
    excluded = excluded.assign(reason=reasons[reasons != ""])
    truth, notes = _by_person(
        table.iloc[rows], values[rows], score[rows], is_control[rows], outcome
    )
    _check_varied(truth, outcome)
    return Labels(rows=rows, y=values[rows], truth=truth, excluded=excluded, notes=notes)


def _values(
    score: NDArray[np.float64], is_control: NDArray[np.bool_], outcome: Outcome
) -> NDArray[np.float64]:
    """Class or score of each scan, NaN where it is not known."""
    if outcome.cutoff is not None:
        values = np.where(np.isnan(score), np.nan, outcome.cutoff.is_poor(score).astype(float))
        values[is_control] = 0
        return values
    if outcome.thresholds:
        values = _class_numbers(score, outcome.thresholds)
        values[is_control] = outcome.best_class
        return values
    return score


def _check_varied(truth: "pd.Series[float]", outcome: Outcome) -> None:
    """Raise DataError where all have one score, or one of several ordered classes."""
    if outcome.cutoff is not None or truth.nunique() >= 2:
        return
    if outcome.thresholds:
        raise DataError(
            f"All {len(truth)} people are in the class {outcome.classes[int(truth.iloc[0])]} of "
            f"{outcome.score.name}: nothing can be learned. Use other [target] thresholds."
        )
    raise DataError(
        f"All {len(truth)} people have the same {outcome.score.name}: nothing can be learned."
    )


def _by_person(
    table: pd.DataFrame,
    values: NDArray[np.float64],
    score: NDArray[np.float64],
    is_control: NDArray[np.bool_],
    outcome: Outcome,
) -> tuple["pd.Series[float]", tuple[str, ...]]:
    """Truth of each person: by the mean score over scans."""
    people = table["participant_id"].to_numpy(dtype=object)
    by_scan = pd.DataFrame({"value": values, "score": score, "control": is_control}, index=people)
    grouped = by_scan.groupby(level=0, sort=True)
    if outcome.thresholds:
        return _classes_of_people(grouped, outcome)
    if outcome.cutoff is None:
        return grouped["score"].mean().rename("truth"), ()
    mean = grouped["score"].mean()
    poor = outcome.cutoff.is_poor(mean) & ~grouped["control"].any().to_numpy(dtype=bool)
    truth = pd.Series(poor.astype(np.float64), index=mean.index, name="truth")
    mixed = int((grouped["value"].max() > grouped["value"].min()).sum())
    note = f"{mixed} people change class between sessions; their mean score decides how they count."
    return truth, (note,) if mixed else ()


def _classes_of_people(
    grouped: Any, outcome: Outcome
) -> tuple["pd.Series[float]", tuple[str, ...]]:
    """Ordered class of each person, by the mean score; controls are without impairment."""
    mean = grouped["score"].mean()
    numbers = _class_numbers(mean.to_numpy(np.float64), outcome.thresholds)
    control = grouped["control"].any().to_numpy(dtype=bool)
    numbers = np.where(control, outcome.best_class, numbers)
    truth = pd.Series(numbers, index=mean.index, name="truth")
    counts = {name: int((truth == k).sum()) for k, name in enumerate(outcome.classes)}
    empty = [name for name, count in counts.items() if count == 0]
    if not empty:
        return truth, ()
    return truth, (f"Nobody is in the class {' or '.join(empty)}: it cannot be predicted.",)
