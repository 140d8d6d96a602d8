"""Run one experiment, from its people to its files."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from motor_bids_app.bids.files import write_text
from motor_bids_app.bids.paths import own_folder
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.cohort import Cohort, build_cohort
from motor_bids_app.levels.cohort.maps import MapLibrary
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.group.auditing import StoppedByAuditError
from motor_bids_app.levels.group.bundle import describe_model, save_model
from motor_bids_app.levels.group.checklists import LINKS, run_facts, write_checklists
from motor_bids_app.levels.group.checkpoints import FolderCheckpoints, checkpoints_of
from motor_bids_app.levels.group.estimators import Builder
from motor_bids_app.levels.group.evaluation import Evaluation, Setup
from motor_bids_app.levels.group.experiment import PARTS, evaluate
from motor_bids_app.levels.group.explanation.ahead import looks_of
from motor_bids_app.levels.group.explanation.watchers import Watchers
from motor_bids_app.levels.group.folds import fit_folds, is_costly
from motor_bids_app.levels.group.initial_weights import FolderWeights
from motor_bids_app.levels.group.ledger import enter
from motor_bids_app.levels.group.report import build_report
from motor_bids_app.levels.group.result import Result, known_ceiling, results_of
from motor_bids_app.levels.group.results import write_results
from motor_bids_app.levels.group.splitting import read_splits
from motor_bids_app.levels.group.states import describe_states
from motor_bids_app.levels.group.stopped import write_stopped
from motor_bids_app.levels.group.transfer import Inheritance, inherit
from motor_bids_app.levels.group.units import asked_of, do_apart, is_alone
from motor_bids_app.levels.hardware import choose_device
from motor_bids_app.levels.person_pages import person_pages
from motor_bids_app.reports.experiment.content import ExperimentReport
from motor_bids_app.reports.experiment.page import ExperimentLink, render_experiment
from motor_bids_app.reports.models import LABELS
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An experiment with its people, and the splits of the user where there are some."""

    experiment: Experiment
    cohort: Cohort
    given: pd.DataFrame | None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """An experiment before anything is fitted: what builds its models, and splits of the user."""

    builder: Builder
    heritage: Inheritance | None
    given: pd.DataFrame | None


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """An evaluation, what its networks began with, and what was seen of its models."""

    evaluation: Evaluation
    heritage: Inheritance | None
    watchers: Watchers


def run_experiment(
    settings: Settings, experiment: Experiment, people: Participants, library: MapLibrary
) -> tuple[list[ExperimentLink], list[Result]]:
    """Evaluate, train, and write all files of one experiment."""
    prepared = prepare(experiment, people, library)
    link, results = write(settings, evaluated(settings, prepared, people, library))
    return [link], results


def prepare(experiment: Experiment, people: Participants, library: MapLibrary) -> Prepared:
    """Find the people of an experiment, and read the splits of the user."""
    given = None
    if experiment.validation.splits is not None:
        given = read_splits(Path(experiment.validation.splits))
        # They are saved under this name beside the experiment, which can be run again there.
        experiment = with_splits(experiment, "splits.tsv")
    cohort = build_cohort(people, experiment, library)
    if experiment.inputs.table is not None:  # it may name people, and is not copied
        experiment = with_table(experiment, Path(experiment.inputs.table).name)
    _log_question(experiment, cohort)
    return Prepared(experiment=experiment, cohort=cohort, given=given)


def open_experiment(
    settings: Settings, prepared: Prepared, people: Participants, library: MapLibrary
) -> Opened:
    """Find what the networks of an experiment begin with, and where their trainings are kept."""
    experiment, cohort = prepared.experiment, prepared.cohort
    heritage = inherit(settings.init_from, experiment, people, cohort)
    if heritage is not None:
        cohort = replace(cohort, notes=(*cohort.notes, heritage.note))
    builder = make_builder(settings, experiment, cohort, heritage)
    if builder.checkpoints is None and not is_alone(settings.resources):
        place = FolderCheckpoints(library.folder / "checkpoints" / experiment.name)
        builder = replace(builder, checkpoints=place)
    return Opened(builder=builder, heritage=heritage, given=prepared.given)


def evaluated(
    settings: Settings, prepared: Prepared, people: Participants, library: MapLibrary
) -> Evaluated:
    """Evaluate an experiment; where the audit stops it, a page says why."""
    opened = open_experiment(settings, prepared, people, library)
    builder, given = opened.builder, opened.given
    experiment, cohort = builder.experiment, builder.cohort
    folder = own_folder(settings.output_dir, "experiments", experiment.name)

    watchers = Watchers.build(folder, experiment, builder)
    watchers.begin(library)

    def ahead(setup: Setup) -> None:
        if not is_alone(settings.resources):
            asked, shown = asked_of(builder, setup, given)
            do_apart(settings, experiment.name, asked, library.folder)
            looks = looks_of(watchers, shown)
            do_apart(settings, experiment.name, looks, library.folder, "explanation")

    try:
        evaluation = evaluate(builder, settings.allow, given, watchers.watch, ahead)
    except StoppedByAuditError as stop:
        write_stopped(folder, experiment, cohort, stop)
        raise
    return Evaluated(evaluation=evaluation, heritage=opened.heritage, watchers=watchers)


def write(settings: Settings, done: Evaluated) -> tuple[ExperimentLink, list[Result]]:
    """Train the final model on everyone, and write all files of an experiment."""
    evaluation = done.evaluation
    builder, experiment, cohort = evaluation.builder, evaluation.experiment, evaluation.cohort
    folder = own_folder(settings.output_dir, "experiments", experiment.name)
    members, folds = builder.train(evaluation.final), None
    if not is_costly(builder, evaluation.final):
        folds = fit_folds(builder, evaluation.final, cohort.labels.truth.index)
    n_threads = settings.processing.omp_nthreads
    blocks = [
        *done.watchers.blocks(members),
        *describe_states(folder, cohort, experiment, n_threads, builder.seed),
    ]
    ceiling = known_ceiling(settings.bids_dir, cohort)
    history = enter(settings.output_dir, evaluation)
    report = build_report(evaluation, ceiling, blocks, LINKS, history)
    write_results(folder, evaluation, PARTS)
    save_model(folder / "model", members, _description(settings, evaluation, done.heritage), folds)
    write_checklists(folder, run_facts(settings, evaluation, members))
    report = replace(report, person_pages=person_pages(settings.output_dir, "../../"))
    write_text(folder / "report.html", render_experiment(report))
    if isinstance(builder.checkpoints, FolderCheckpoints):
        builder.checkpoints.remove()
    log.info("%s: saved %s", experiment.name, folder / "report.html")
    return _link(evaluation, report), results_of(evaluation, ceiling)


def with_splits(experiment: Experiment, splits: str) -> Experiment:
    """Return the same experiment with another place of its splits."""
    return replace(experiment, validation=replace(experiment.validation, splits=splits))


def with_table(experiment: Experiment, table: str) -> Experiment:
    """Return the same experiment with another place of its table of predictors."""
    return replace(experiment, inputs=replace(experiment.inputs, table=table))


def _log_question(experiment: Experiment, cohort: Cohort) -> None:
    log.info(
        "%s: %s; %d people, %d of them controls; maps: %s",
        experiment.name,
        cohort.outcome.question,
        len(cohort.labels.truth),
        cohort.controls.sum(),
        ", ".join(cohort.maps) or "none",
    )


def make_builder(
    settings: Settings,
    experiment: Experiment,
    cohort: Cohort,
    heritage: Inheritance | None,
) -> Builder:
    """Return what builds the models of an experiment."""
    checkpoints = None
    if settings.work_dir is not None:
        work_dir = settings.work_dir.absolute()  # where workers stand is not known
        checkpoints = checkpoints_of(work_dir, experiment.name)
    return Builder(
        cohort=cohort,
        experiment=experiment,
        seed=settings.processing.random_seed,
        device=choose_device(settings.resources.device),
        checkpoints=checkpoints,
        start=None if heritage is None else heritage.start,
        weights=None if settings.weights is None else FolderWeights(settings.weights),
    )


def _description(
    settings: Settings, evaluation: Evaluation, heritage: Inheritance | None
) -> dict[str, Any]:
    """What the bundle says, with what its networks began with."""
    described = describe_model(settings, evaluation)
    if heritage is not None and evaluation.final == evaluation.experiment.model.kind:
        described["began_with"] = heritage.lineage
    if settings.weights is not None and evaluation.builder.notes:
        described["initial_weights"] = list(evaluation.builder.notes)
    return described


def _link(evaluation: Evaluation, report: ExperimentReport) -> ExperimentLink:
    return ExperimentLink(
        name=report.name,
        href=f"experiments/{report.name}/report.html",
        question=report.question,
        answer=report.answer,
        model_label=LABELS[evaluation.final],
        baseline_label=LABELS.get(report.answer.best_baseline or "", ""),
        warnings=report.warnings,
    )
