"""What is predicted: a score of the tables, whether it is poor, or its class of several."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.tables.scores import Cutoff, Score
from motor_bids_app.errors import DataError
from motor_bids_app.experiments.schema import Target
from motor_bids_app.levels.cohort.participants import Participants


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The score that is predicted, and what counts as poor.

    Parameters
    ----------
    score : Score
        Of the registry, or as the user declared it.
    task : str
        "classification", "regression" or "ordinal".
    cutoff : Cutoff or None
        Values that are poor; None for a regression and for ordered classes.
    thresholds : tuple of float
        Lowest value of each ordered class but the first.
    """

    score: Score
    task: str
    cutoff: Cutoff | None
    thresholds: tuple[float, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of ordered classes, from the lowest values: 'below 23', '23 to below 32', ..."""
        if not self.thresholds:
            return ()
        inner = [f"{a:g} to below {b:g}" for a, b in itertools.pairwise(self.thresholds)]
        return (f"below {self.thresholds[0]:g}", *inner, f"{self.thresholds[-1]:g} or more")

    @property
    def unit(self) -> str:
        """Unit of what models give: of the score, or classes."""
        return "classes" if self.thresholds else self.score.unit

    @property
    def span(self) -> tuple[float, float]:
        """Least and greatest value that models can give."""
        if self.thresholds:
            return 0, len(self.thresholds)
        return (0, 1) if self.cutoff is not None else (self.score.minimum, self.score.maximum)

    @property
    def best_class(self) -> int:
        """Number of the ordered class without impairment."""
        return len(self.thresholds) if self.score.higher_is_better else 0

    @property
    def text(self) -> str:
        """Short name: 'FMA-UE < 27', 'FMA-UE (points)', or 'FMA-UE (4 classes)'."""
        if self.thresholds:
            return f"{self.score.label} ({len(self.classes)} classes)"
        if self.cutoff is None:
            return f"{self.score.label} ({self.score.unit})"
        return f"{self.score.label} {self.cutoff.comparison} {self.cutoff.value:g}"

    @property
    def question(self) -> str:
        """The question that an experiment answers."""
        if self.thresholds:
            named = "; ".join(f"{k}: {name}" for k, name in enumerate(self.classes))
            return f"In which class of {self.score.title} is each person ({named})?"
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


def choose_outcome(people: Participants, target: Target) -> Outcome:
    """Find the score and the cut-off that an experiment asks for.

    Raises
    ------
    DataError
        The score is not in the tables, or has no usual cut-off and none was given.
    """
    score = _score(people, target)
    if target.task == "regression":
        return Outcome(score=score, task=target.task, cutoff=None)
    if target.task == "ordinal":
        return _ordered(score, target)
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


def _ordered(score: Score, target: Target) -> Outcome:
    thresholds = target.thresholds or score.bands
    if not thresholds:
        raise DataError(
            f"{score.name} has no usual classes of severity. Give the lowest value of each class "
            "but the first in the experiment: [target] thresholds = [...]."
        )
    outside = [t for t in thresholds if not score.minimum < t <= score.maximum]
    if outside:
        raise DataError(
            f"[target] thresholds: {outside[0]:g} leaves nobody on one side, as {score.name} goes "
            f"from {score.range_text}. Use values inside that range."
        )
    return Outcome(score=score, task=target.task, cutoff=None, thresholds=tuple(thresholds))


def _class_numbers(score: NDArray[np.float64], thresholds: tuple[float, ...]) -> NDArray[Any]:
    """Number of thresholds that each score reaches; NaN where it is missing."""
    numbers = np.searchsorted(np.array(thresholds), score, side="right").astype(np.float64)
    return np.where(np.isnan(score), np.nan, numbers)


def _score(people: Participants, target: Target) -> Score:
    patients = people.table[people.table["group"] != "control"]
    if patients.empty:
        raise DataError(
            f"All {len(people.table)} scans are of healthy controls: impairment after stroke is "
            "predicted of patients. Add patients, or check the column group of the tables."
        )
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
        if n > len(patients) / 2 and _definable(people.scores[name], target)
    ]
    if not usable:
        raise DataError(
            f"No score is known for most of the {len(patients)} patients' scans; found: {found}. "
            "Set [target] score to one of them, or name a column with --scores-map."
        )
    return people.scores[usable[0]]


def _definable(score: Score, target: Target) -> bool:
    """Whether the classes that a task needs are given, or usual for the score."""
    if target.task == "regression":
        return True
    if target.task == "ordinal":
        return bool(target.thresholds or score.bands)
    return score.poor is not None or target.threshold is not None


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
    if outcome.cutoff is not None:
        values = np.where(np.isnan(score), np.nan, outcome.cutoff.is_poor(score).astype(float))
        values[is_control] = 0
    elif outcome.thresholds:
        values = _class_numbers(score, outcome.thresholds)
        values[is_control] = outcome.best_class
    else:
        values = score
    reasons = np.full(len(table), "", dtype=object)
    reasons[np.isnan(values)] = f"no {outcome.score.name}"
    if controls == "exclude":
        reasons[is_control] = "a control, whom the experiment leaves out"
    if exclusions is not None:
        reasons = np.where(reasons == "", exclusions, reasons)
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
    if outcome.thresholds and truth.nunique() < 2:
        raise DataError(
            f"All {len(truth)} people are in the class {outcome.classes[int(truth.iloc[0])]} of "
            f"{outcome.score.name}: nothing can be learned. Use other [target] thresholds."
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
