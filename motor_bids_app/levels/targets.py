"""What is predicted: a score of the tables, or whether it is poor."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.scores import Cutoff, Score
from motor_bids_app.errors import DataError
from motor_bids_app.experiments.schema import Target
from motor_bids_app.levels.people import People


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The score that is predicted, and what counts as poor.

    Parameters
    ----------
    score : Score
        Of the registry, or as the user declared it.
    task : str
        "classification" or "regression".
    cutoff : Cutoff or None
        Values that are poor; None for a regression.
    """

    score: Score
    task: str
    cutoff: Cutoff | None

    @property
    def text(self) -> str:
        """Short name: 'FMA-UE < 27', or 'FMA-UE (points)'."""
        if self.cutoff is None:
            return f"{self.score.label} ({self.score.unit})"
        return f"{self.score.label} {self.cutoff.comparison} {self.cutoff.value:g}"

    @property
    def question(self) -> str:
        """The question that an experiment answers."""
        if self.cutoff is None:
            return f"What is the {self.score.title} of each person, in {self.score.unit}?"
        return f"Who has a poor outcome ({self.score.title} {str(self.cutoff).split(' (')[0]})?"


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Who takes part, and with which class or score.

    Parameters
    ----------
    rows : array of int
        Rows of the people's table that take part.
    y : array, shape (n_rows,), float64
        1 poor and 0 good, or the score, of each scan.
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


def choose_outcome(people: People, target: Target) -> Outcome:
    """Find the score and the cut-off that an experiment asks for.

    Raises
    ------
    DataError
        The score is not in the tables, or has no usual cut-off and none was given.
    """
    score = _score(people, target)
    if target.task == "regression":
        return Outcome(score=score, task=target.task, cutoff=None)
    usual = score.poor
    if target.threshold is None and usual is None:
        raise DataError(
            f"{score.name} has no usual definition of a poor outcome. Give one in the experiment: "
            '[target] threshold = ..., or set task = "regression".'
        )
    comparison = target.poor_when
    if comparison == "auto":
        default = "<" if score.higher_is_better else ">="
        comparison = usual.comparison if usual is not None else default
    value, source = target.threshold, "set in the experiment"
    if value is None and usual is not None:
        value, source = usual.value, usual.source
    assert value is not None
    return Outcome(score=score, task=target.task, cutoff=Cutoff(comparison, value, source))


def _score(people: People, target: Target) -> Score:
    patients = people.table[people.table["group"] != "control"]
    counts = {name: int(patients[name].notna().sum()) for name in people.scores if name in patients}
    found = ", ".join(f"{name} ({n} of {len(patients)} scans)" for name, n in counts.items())
    found = found or "none"
    if target.score != "auto":
        if counts.get(target.score, 0) == 0:
            raise DataError(
                f"The score {target.score} is not known for any patient with derivatives; scores "
                f"found: {found}. Choose another, or name its column with --scores-map."
            )
        return people.scores[target.score]
    usable = [
        name
        for name, n in counts.items()
        if n > len(patients) / 2
        and (target.task == "regression" or people.scores[name].poor or target.threshold)
    ]
    if not usable:
        raise DataError(
            f"No score is known for most of the {len(patients)} patients' scans; found: {found}. "
            "Set [target] score to one of them, or name a column with --scores-map."
        )
    return people.scores[usable[0]]


def label(
    people: People, outcome: Outcome, controls: str, barred: NDArray[np.object_] | None = None
) -> Labels:
    """Give every scan its class or score, and list those that cannot take part.

    Parameters
    ----------
    people : People
        Scans with their tables.
    outcome : Outcome
        What is predicted.
    controls : str
        "good": healthy people are in the good class, whatever their score; "exclude".
        They take part in a regression only with a score of their own.
    barred : array of str, shape (n_scans,), optional
        Why a scan cannot take part, "" where it can.

    Raises
    ------
    DataError
        Nobody is left, or a score does not vary.
    """
    table = people.table
    is_control = (table["group"] == "control").to_numpy(dtype=bool)
    score = table[outcome.score.name].to_numpy(dtype=float, na_value=np.nan)
    if outcome.cutoff is not None:
        values = np.where(np.isnan(score), np.nan, outcome.cutoff.is_poor(score).astype(float))
        values[is_control] = 0
    else:
        values = score
    reasons = np.full(len(table), "", dtype=object)
    reasons[np.isnan(values)] = f"no {outcome.score.name}"
    if controls == "exclude":
        reasons[is_control] = "a control, whom the experiment leaves out"
    if barred is not None:
        reasons = np.where(reasons == "", barred, reasons)
    rows = np.flatnonzero(reasons == "")
    if len(rows) == 0:
        raise DataError(
            f"Nobody can take part: {table['participant_id'].nunique()} people, and {reasons[0]}."
        )
    excluded = table.loc[reasons != "", ["participant_id", "session_id"]]
    excluded = excluded.assign(reason=reasons[reasons != ""])
    truth, notes = _by_person(
        table.iloc[rows], values[rows], score[rows], is_control[rows], outcome
    )
    if outcome.cutoff is None and truth.nunique() < 2:
        raise DataError(
            f"All {len(truth)} people have the same {outcome.score.name}: nothing can be learned."
        )
    return Labels(rows=rows, y=values[rows], truth=truth, excluded=excluded, notes=notes)


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
    if outcome.cutoff is None:
        return grouped["score"].mean().rename("truth"), ()
    mean = grouped["score"].mean()
    poor = outcome.cutoff.is_poor(mean) & ~grouped["control"].any().to_numpy(dtype=bool)
    truth = pd.Series(poor.astype(np.float64), index=mean.index, name="truth")
    mixed = int((grouped["value"].max() > grouped["value"].min()).sum())
    note = f"{mixed} people change class between sessions; their mean score decides how they count."
    return truth, (note,) if mixed else ()
