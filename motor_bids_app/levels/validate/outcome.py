"""What a bundle predicts, as a score of the tables at hand."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from motor_bids_app.bids.tables.scores import Cutoff
from motor_bids_app.errors import DataError, IncompatibleModelError
from motor_bids_app.experiments.component import Component
from motor_bids_app.levels.cohort.component import with_component
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.cohort.participants import Participants


def with_outcome(people: Participants, metadata: Mapping[str, Any]) -> tuple[Participants, Outcome]:
    """Return people with the score that a model predicts, and what of it.

    Raises
    ------
    DataError
        The tables do not have that score, or mean another one by its name.
    IncompatibleModelError
        The bundle does not say where its classes begin, as earlier versions did not.
    """
    target, task = metadata["target"], metadata["task"]
    if "component" in target:
        people = with_component(people, _component(target["component"]))
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
        return people, Outcome(score=score, task=task, cutoff=None)
    if task == "ordinal":
        thresholds = tuple(target.get("thresholds") or ())
        if len(thresholds) + 1 != len(target["ordered_classes"]):
            raise _unsaid("where its classes begin")
        return people, Outcome(score=score, task=task, cutoff=None, thresholds=thresholds)
    if target.get("threshold") is None or not target.get("comparison"):
        raise _unsaid("from which score on an outcome is poor")
    cutoff = Cutoff(target["comparison"], target["threshold"], target.get("source") or "the model")
    return people, Outcome(score=score, task=task, cutoff=cutoff)


def _component(content: Mapping[str, Any]) -> Component:
    return Component(**{one.name: tuple(content[one.name]) for one in fields(Component)})


def _unsaid(what: str) -> IncompatibleModelError:
    return IncompatibleModelError(
        f"The bundle does not say {what}, so that nothing can be validated. Train it again with "
        "this version."
    )
