"""What a bundle predicts, as a score of the tables at hand."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from motor_bids_app.bids.tables.scores import Cutoff
from motor_bids_app.errors import DataError, IncompatibleModelError
from motor_bids_app.experiments.component import Component
from motor_bids_app.levels.cohort.baseline import with_known_baseline
from motor_bids_app.levels.cohort.component import with_component
from motor_bids_app.levels.cohort.course import Reasons, first_of, link_sessions
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.cohort.recovery import with_outcome_of


def with_outcome(
    people: Participants, metadata: Mapping[str, Any]
) -> tuple[Participants, Outcome, Reasons, tuple[str, ...]]:
    """Return people with what a model predicts, and with the baseline score that it reads.

    Returns
    -------
    Participants
    Outcome
    Reasons
        Scans that are not of the session that the model sees, and people without that outcome.
    tuple of str
        Remarks.

    Raises
    ------
    DataError
        The tables do not have that score, or mean another one by its name.
    IncompatibleModelError
        The bundle does not say where its classes begin, as earlier versions did not.
    """
    target, inputs = metadata["target"], metadata["inputs"]
    course = link_sessions(
        people, target.get("session"), inputs.get("session"), target.get("within", ())
    )
    if "component" in target:
        component = _component(target["component"])
        people = with_component(course.people, component)
        course = replace(course, people=people, later=with_component(course.later, component))
    source = {**target, **target.get("outcome", {})}
    outcome = _outcome(course.later, source, metadata["task"])
    baseline, kind = inputs["baseline_score"], target.get("outcome", {}).get("kind", "score")
    linked = bool(course.session)
    people = with_known_baseline(course.people, baseline, outcome.score.name, linked=linked)
    people, outcome, reasons, notes = with_outcome_of(people, course, outcome, kind, baseline)
    return people, outcome, first_of(course.exclusions, reasons), (*course.notes, *notes)


def _outcome(people: Participants, target: Mapping[str, Any], task: str) -> Outcome:
    """The score of the tables that a model predicts, and what of it."""
    name = target["score"]
    if name not in people.scores or people.table[name].isna().all():
        found = ", ".join(people.scores) or "none"
        raise DataError(
            f"The model predicts {target['title']} ({name}), which is not known for anybody with "
            f"derivatives; scores found: {found}. Name its column with --scores-map, or use "
            "predict, which needs no scores."
        )
    score = people.scores[name]
    if score.title != target["title"] or (task == "regression" and score.unit != target["unit"]):
        raise DataError(
            f"The model predicts {name} as {target['title']} ({target['unit']}), and the tables "
            f"have it as {score.title} ({score.unit}). Describe it alike in --scores-map."
        )
    if task == "regression":
        return Outcome(score=score, task=task, cutoff=None)
    if task == "ordinal":
        thresholds = tuple(target.get("thresholds") or ())
        if len(thresholds) + 1 != len(target["ordered_classes"]):
            raise _unsaid("where its classes begin")
        return Outcome(score=score, task=task, cutoff=None, thresholds=thresholds)
    if target.get("threshold") is None or not target.get("comparison"):
        raise _unsaid("from which score on an outcome is poor")
    cutoff = Cutoff(target["comparison"], target["threshold"], target.get("source") or "the model")
    return Outcome(score=score, task=task, cutoff=cutoff)


def _component(content: Mapping[str, Any]) -> Component:
    return Component(**{one.name: tuple(content[one.name]) for one in fields(Component)})


def _unsaid(what: str) -> IncompatibleModelError:
    return IncompatibleModelError(
        f"The bundle does not say {what}, so that nothing can be validated. Train it again with "
        "this version."
    )
