"""What is predicted: a score of the tables, whether it is poor, or its class of several."""

import itertools
from dataclasses import dataclass

from motor_bids_app.bids.tables.scores import Cutoff, Score
from motor_bids_app.errors import DataError
from motor_bids_app.experiments.sections import Target
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
    session : str
        That the score is of, 'ses-3month'; empty where it is that of the images.
    kind : str
        "score", or what is predicted of it: "change" or "recovered".
    source : Score or None
        The score that changes; None of a score itself.
    """

    score: Score
    task: str
    cutoff: Cutoff | None
    thresholds: tuple[float, ...] = ()
    session: str = ""
    kind: str = "score"
    source: Score | None = None

    @property
    def at(self) -> str:
        """' at ses-3month', or nothing."""
        return f" at {self.session}" if self.session else ""

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
            return f"{self.score.label}{self.at} ({len(self.classes)} classes)"
        if self.cutoff is None:
            return f"{self.score.label}{self.at} ({self.score.unit})"
        return f"{self.score.label}{self.at} {self.cutoff.comparison} {self.cutoff.value:g}"

    @property
    def question(self) -> str:
        """The question that an experiment answers."""
        if self.thresholds:
            named = "; ".join(f"{k}: {name}" for k, name in enumerate(self.classes))
            return f"In which class of {self.score.title}{self.at} is each person ({named})?"
        if self.cutoff is None:
            unit = "" if self.kind == "recovered" else f", in {self.score.unit}"  # a share has none
            return f"What is the {self.score.title}{self.at} of each person{unit}?"
        poor = str(self.cutoff).split(" (")[0]
        return f"Who has a poor outcome ({self.score.title}{self.at} {poor})?"


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
