"""Several scores in one experiment: the same people, the same splits, tests corrected for all."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from motor_bids_app.errors import DataError
from motor_bids_app.evaluation.statistics import holm
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.maps import MapLibrary
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.group.answering import answer
from motor_bids_app.levels.group.evaluation import AmongScores
from motor_bids_app.levels.group.joint_files import write_joint
from motor_bids_app.levels.group.result import Result
from motor_bids_app.levels.group.run import Evaluated, Prepared, evaluated, prepare, write
from motor_bids_app.levels.group.splitting import deal_once
from motor_bids_app.reports.experiment.page import ExperimentLink
from motor_bids_app.settings import Settings

_Found = tuple[list[ExperimentLink], list[Result]]


def run_scores(
    settings: Settings, experiment: Experiment, people: Participants, library: MapLibrary
) -> _Found:
    """Evaluate each score, correct the tests for their number, and write all files.

    Every score has the folder of an experiment of its own, NAME-SCORE; NAME has what compares
    them. An experiment that names one of its scores has that alone.

    Raises
    ------
    DataError
        As of an experiment with one score.
    """
    parts = prepare_scores(settings, experiment, people, library)
    done = [evaluated(settings, part, people, library) for part in parts]
    done = _corrected(done, experiment)
    links, results = list[ExperimentLink](), list[Result]()
    for one in done:
        link, lines = write(settings, one)
        links.append(link)
        results += lines
    if experiment.target.score != "auto":
        return links, results
    evaluations = [one.evaluation for one in done]
    write_joint(settings, experiment, evaluations, links)
    page = f"experiments/{experiment.name}/report.html"
    return [replace(link, joint=page) for link in links], results


def prepare_scores(
    settings: Settings, experiment: Experiment, people: Participants, library: MapLibrary
) -> list[Prepared]:
    """Find the people of each score that is evaluated, and the splits that all of them share.

    Raises
    ------
    DataError
        Some can take part for one score and not for another.
    """
    target = experiment.target
    named = {one.target.score: one for one in experiment.of_each_score}
    parts = [
        prepare(
            named.get(score) or replace(experiment, target=replace(target, score=score)),
            people,
            library,
        )
        for score in target.scores  # splits are dealt for all of them, also to evaluate one
    ]
    return [
        part for part in _with_splits_once(settings, parts) if part.experiment.target.score in named
    ]


def _with_splits_once(settings: Settings, parts: Sequence[Prepared]) -> list[Prepared]:
    """Deal the splits for all scores, unless the user gives them."""
    cohorts = [part.cohort for part in parts]
    _check_same(cohorts[0].labels.truth.index, [one.labels.truth.index for one in cohorts[1:]])
    if parts[0].given is not None:
        return list(parts)
    seed = settings.processing.random_seed
    splits, notes = deal_once(cohorts, parts[0].experiment, seed)
    return [
        replace(part, given=splits, cohort=replace(part.cohort, notes=(*part.cohort.notes, *notes)))
        for part in parts
    ]


def _check_same(people: pd.Index, others: Sequence[pd.Index]) -> None:
    """Raise DataError where scores have other people, so that they cannot be compared."""
    for index in others:
        if not index.equals(people):
            strange = sorted(set(people) ^ set(index))
            raise DataError(
                f"[target] scores: {strange[0]} can take part for one score and not for another; "
                f"people like this: {len(strange)}. Write an experiment for each score."
            )


def _corrected(done: Sequence[Evaluated], experiment: Experiment) -> list[Evaluated]:
    """Add p-values that are corrected for all scores, also those that are not evaluated here."""
    names = experiment.target.scores
    answers = [answer(one.evaluation) for one in done]
    chance = _over_scores([one.chance_p for one in answers], len(names))
    difference = _over_scores(
        [one.p_value if one.p_holm is None else one.p_holm for one in answers], len(names)
    )
    corrected = []
    for one, chance_p, difference_p in zip(done, chance, difference, strict=False):
        among = AmongScores(n_scores=len(names), chance_p=chance_p, difference_p=difference_p)
        evaluation = replace(
            one.evaluation, among=among, notes=(*one.evaluation.notes, _note(names, among))
        )
        corrected.append(replace(one, evaluation=evaluation))
    return corrected


def _over_scores(p_values: Sequence[float | None], n_scores: int) -> list[float | None]:
    """Correct by Holm; a score that is not known counts as a test all the same."""
    known = np.full(n_scores, np.nan)
    known[: len(p_values)] = [np.nan if one is None else one for one in p_values]
    return [None if np.isnan(one) else float(one) for one in holm(known)]


def _note(names: Sequence[str], among: AmongScores) -> str:
    """What the page of one score says of the others."""
    said = (
        f"This is one of {among.n_scores} scores ({', '.join(names)}) that are predicted of the "
        "same people on the same splits. The verdict goes by p-values that are corrected for "
        "their number (Holm)"
    )
    if among.chance_p is None:
        return f"{said}; there is no permutation test, and the interval is not corrected."
    return f"{said}."
