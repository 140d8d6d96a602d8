"""What an experiment predicts, of whom, and from which scores."""

from dataclasses import replace

import numpy as np

from motor_bids_app.bids.tables.predictors import Predictor
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.baseline import with_baseline
from motor_bids_app.levels.cohort.component import with_component
from motor_bids_app.levels.cohort.course import Reasons, first_of, link_sessions
from motor_bids_app.levels.cohort.outcome import Outcome, choose_outcome
from motor_bids_app.levels.cohort.own import with_own
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.cohort.recovery import with_outcome_of
from motor_bids_app.levels.cohort.targets import label

_Question = tuple[Participants, Outcome, tuple[Predictor, ...], Reasons, tuple[str, ...]]


def find_outcome(people: Participants, experiment: Experiment) -> _Question:
    """Find what is predicted and the scores that it is predicted from, each at its session.

    Of several scores, the scans that lack one are barred from the others too.
    """
    people_of, outcome, own, exclusions, remarks = _of_one(people, experiment)
    target = experiment.target
    others = [name for name in target.scores if name != target.score]
    if others:  # who cannot take part anyhow has a reason of their own
        out = label(people_of, outcome, target.controls, exclusions).excluded
        for name in others:
            lacking = _lacking(people, experiment, name)
            lacking[out.index] = ""
            exclusions = first_of(exclusions, lacking)
    return people_of, outcome, own, exclusions, remarks


def _of_one(people: Participants, experiment: Experiment) -> _Question:
    """The same of the one score that is named."""
    target, inputs, component = experiment.target, experiment.inputs, experiment.component
    course = link_sessions(people, target.session, inputs.session, target.within)
    course = replace(
        course,
        people=with_component(course.people, component),
        later=with_component(course.later, component),
    )
    outcome = replace(choose_outcome(course.later, target), session=course.session)
    people, first, remarks = with_baseline(course.people, outcome, inputs.baseline_score)
    people, own, said = with_own(people, outcome, inputs, component.columns)
    people, outcome, last, more = with_outcome_of(
        people, course, outcome, target.outcome, inputs.baseline_score
    )
    exclusions = first_of(course.exclusions, first, last)
    return people, outcome, own, exclusions, (*course.notes, *remarks, *said, *more)


def _lacking(people: Participants, experiment: Experiment, score: str) -> Reasons:
    """Why scans could not take part if another score were predicted; "" where they could."""
    target = replace(experiment.target, score=score, scores=())
    found, outcome, _, exclusions, _ = _of_one(people, replace(experiment, target=target))
    out = label(found, outcome, target.controls, exclusions).excluded
    reasons = np.full(len(found.table), "", dtype=object)
    reasons[out.index] = [f"{reason} ({score} is predicted too)" for reason in out["reason"]]
    return reasons
