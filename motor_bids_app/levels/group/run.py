"""Run one experiment, from its people to its files."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from motor_bids_app.bids.files import write_text
from motor_bids_app.bids.paths import own_folder
from motor_bids_app.evaluation.fitting import Fit, fit_in_turn
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.cohort import Cohort, build_cohort
from motor_bids_app.levels.cohort.maps import MapLibrary
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.group.auditing import StoppedByAuditError
from motor_bids_app.levels.group.bundle import describe_model, save_model
from motor_bids_app.levels.group.checklists import LINKS, run_facts, write_checklists
from motor_bids_app.levels.group.checkpoints import FolderCheckpoints
from motor_bids_app.levels.group.estimators import Builder
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.experiment import PARTS, evaluate
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
from motor_bids_app.levels.hardware import choose_device
from motor_bids_app.levels.person_pages import person_pages
from motor_bids_app.reports.experiment.content import ExperimentReport
from motor_bids_app.reports.experiment.page import ExperimentLink, render_experiment
from motor_bids_app.reports.models import LABELS
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)


def run_experiment(
    settings: Settings, experiment: Experiment, people: Participants, library: MapLibrary, fit: Fit
) -> tuple[ExperimentLink, list[Result]]:
    """Evaluate, train, and write all files of one experiment."""
    given = None
    if experiment.validation.splits is not None:
        given = read_splits(Path(experiment.validation.splits))
        # They are saved under this name beside the experiment, which can be run again there.
        experiment = with_splits(experiment, "splits.tsv")
    cohort = build_cohort(people, experiment, library)
    if experiment.inputs.table is not None:  # it may name people, and is not copied
        experiment = with_table(experiment, Path(experiment.inputs.table).name)
    _log_question(experiment, cohort)
    folder = own_folder(settings.output_dir, "experiments", experiment.name)
    heritage = inherit(settings.init_from, experiment, people, cohort)
    if heritage is not None:
        cohort = replace(cohort, notes=(*cohort.notes, heritage.note))
    builder = make_builder(settings, experiment, cohort, heritage, fit)
    watchers = Watchers.build(folder, cohort, experiment, library, builder.seed)
    try:
        evaluation = evaluate(builder, settings.allow, given, watchers.watch)
    except StoppedByAuditError as stop:
        write_stopped(folder, experiment, cohort, stop)
        raise
    members, folds = builder.train(evaluation.final), None
    if not is_costly(builder, evaluation.final):
        folds = fit_folds(builder, evaluation.final, cohort.labels.truth.index)
    n_threads = settings.processing.omp_nthreads
    blocks = [
        *watchers.blocks(members),
        *describe_states(folder, cohort, experiment, n_threads, builder.seed),
    ]
    ceiling = known_ceiling(settings.bids_dir, cohort)
    history = enter(settings.output_dir, evaluation)
    report = build_report(evaluation, ceiling, blocks, LINKS, history)
    write_results(folder, evaluation, PARTS)
    save_model(folder / "model", members, _description(settings, evaluation, heritage), folds)
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
    fit: Fit = fit_in_turn,
) -> Builder:
    """Return what builds the models of an experiment."""
    checkpoints = None
    if settings.work_dir is not None:
        checkpoints = FolderCheckpoints(settings.work_dir / "checkpoints" / experiment.name)
    return Builder(
        cohort=cohort,
        experiment=experiment,
        seed=settings.processing.random_seed,
        device=choose_device(settings.resources.device),
        checkpoints=checkpoints,
        start=None if heritage is None else heritage.start,
        weights=None if settings.weights is None else FolderWeights(settings.weights),
        fit=fit,
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
