"""The group level: run experiments on the derivatives, and report how good the models are."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app import __version__
from motor_bids_app.bids.dataset import dataset_name
from motor_bids_app.bids.files import read_json, write_text
from motor_bids_app.bids.paths import TRUTH, own_folder
from motor_bids_app.errors import (
    IncompleteRunError,
    InputMissingError,
    MotorBidsAppError,
    UsageError,
)
from motor_bids_app.evaluation.crossvalidation import primary_metric
from motor_bids_app.evaluation.fitting import Fit
from motor_bids_app.experiments.reading import load_preset, parse_experiment
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.cohort import Cohort, build_cohort
from motor_bids_app.levels.cohort.maps import MapLibrary, map_library
from motor_bids_app.levels.cohort.participants import Participants, gather_participants
from motor_bids_app.levels.cohort.scoring import PATIENTS
from motor_bids_app.levels.failures import failure_of
from motor_bids_app.levels.group.auditing import StoppedByAuditError
from motor_bids_app.levels.group.bundle import describe_model, save_model
from motor_bids_app.levels.group.checklists import LINKS, run_facts, write_checklists
from motor_bids_app.levels.group.checkpoints import FolderCheckpoints
from motor_bids_app.levels.group.devices import fitting_on
from motor_bids_app.levels.group.estimators import Builder
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.experiment import evaluate
from motor_bids_app.levels.group.explanation.explain import build_explainer, explain
from motor_bids_app.levels.group.explanation.fusion import build_fusion_watch
from motor_bids_app.levels.group.explanation.windows import build_window_explainer
from motor_bids_app.levels.group.initial_weights import FolderWeights, check_weights
from motor_bids_app.levels.group.quality import describe_cohort
from motor_bids_app.levels.group.report import build_report
from motor_bids_app.levels.group.results import write_results
from motor_bids_app.levels.group.splitting import read_splits
from motor_bids_app.levels.group.states import describe_states
from motor_bids_app.levels.group.stopped import write_stopped
from motor_bids_app.levels.group.transfer import inherit
from motor_bids_app.levels.hardware import choose_device, fold_devices, limit_threads
from motor_bids_app.models.networks.transfer import Start
from motor_bids_app.opening import read_text
from motor_bids_app.reports.experiment.content import ExperimentReport
from motor_bids_app.reports.experiment.page import (
    ExperimentLink,
    GroupReport,
    render_comparison,
    render_experiment,
)
from motor_bids_app.reports.models import LABELS
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)
_CEILINGS = {"roc_auc": "bayes_auc", "r2": "bayes_r2"}


@dataclass(frozen=True, kw_only=True)
class Result:
    """One line of the summary: the primary metric of one model of one experiment, in patients.

    `low` and `high` bound the 95 % interval; `ceiling` is the best reachable value, known for
    simulated data.
    """

    experiment: str
    model: str
    metric: str
    value: float
    low: float
    high: float
    noise_floor: float
    ceiling: float | None = None


def run(settings: Settings) -> list[Result]:
    """Run all experiments; one that fails does not stop the others.

    Returns
    -------
    list of Result
        For each experiment and model.

    Raises
    ------
    UsageError
        An experiment cannot be understood.
    IncompleteRunError
        Some of several experiments failed; a single one raises its own error.
    """
    experiments = load_experiments(settings.experiments)
    if settings.weights is not None:
        check_weights(FolderWeights(settings.weights), experiments)
    limit_threads(settings.processing.omp_nthreads)
    people = gather_participants(settings)
    for note in people.notes:
        log.warning("%s", note)
    results: list[Result] = []
    links: list[ExperimentLink] = []
    failed: dict[str, MotorBidsAppError] = {}
    devices = fold_devices(choose_device(settings.resources.device))
    with (
        map_library(people.scans, people.table, settings.work_dir) as library,
        fitting_on(devices) as fit,
    ):
        for experiment in experiments:
            try:
                link, lines = _run_experiment(settings, experiment, people, library, fit)
            except Exception as error:  # a bug in one must not take the others down
                failed[experiment.name] = failure_of(
                    error, settings.output_dir, f"experiment-{experiment.name}"
                )
                log.error("experiment %s: %s", experiment.name, failed[experiment.name])
                continue
            links.append(link)
            results += lines
    if not links:
        raise next(iter(failed.values()))
    report = GroupReport(
        dataset=dataset_name(settings.bids_dir),
        experiments=tuple(links),
        failed={name: str(error) for name, error in failed.items()},
        versions={"motor_bids_app": __version__},
        images=describe_cohort(people, settings),
        notes=people.notes,
    )
    write_text(settings.output_dir / "group.html", render_comparison(report))
    if failed:
        reasons = "; ".join(f"{name}: {error}" for name, error in failed.items())
        total = len(experiments)
        raise IncompleteRunError(f"{len(failed)} of {total} experiments failed. {reasons}", results)
    return results


def load_experiments(names: tuple[str, ...]) -> list[Experiment]:
    """Read presets by name, and files that end with .toml.

    Raises
    ------
    InputMissingError
        A file does not exist.
    UsageError
        An experiment cannot be understood, or two have the same name.
    """
    experiments = [_load(name) for name in names]
    labels = [experiment.name for experiment in experiments]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise UsageError(
            f"Two experiments are called {twice[0]!r}, and would overwrite each other: change the "
            "name in one of the files."
        )
    return experiments


def _load(name: str) -> Experiment:
    if not name.endswith(".toml"):
        return load_preset(name)
    path = Path(name)
    try:
        text = read_text(path)
    except InputMissingError as error:
        raise InputMissingError(f"There is no experiment file {path}.") from error
    experiment = parse_experiment(text, path.name)
    splits = experiment.validation.splits
    return experiment if splits is None else _with_splits(experiment, str(path.parent / splits))


def _with_splits(experiment: Experiment, splits: str) -> Experiment:
    """The same experiment with another place of its splits."""
    return replace(experiment, validation=replace(experiment.validation, splits=splits))


def _run_experiment(
    settings: Settings, experiment: Experiment, people: Participants, library: MapLibrary, fit: Fit
) -> tuple[ExperimentLink, list[Result]]:
    """Evaluate, train, and write all files of one experiment."""
    given = None
    if experiment.validation.splits is not None:
        given = read_splits(Path(experiment.validation.splits))
        # They are saved under this name beside the experiment, which can be run again there.
        experiment = _with_splits(experiment, "splits.tsv")
    cohort = build_cohort(people, experiment, library)
    log.info(
        "%s: %s; %d people, %d of them controls; maps: %s",
        experiment.name,
        cohort.outcome.question,
        len(cohort.labels.truth),
        cohort.controls.sum(),
        ", ".join(cohort.maps) or "none",
    )
    folder = own_folder(settings.output_dir, "experiments", experiment.name)
    heritage = inherit(settings.init_from, experiment, people, cohort)
    if heritage is not None:
        cohort = replace(cohort, notes=(*cohort.notes, heritage.note))
    start = None if heritage is None else heritage.start
    builder = _builder(settings, experiment, cohort, start, fit)
    explainer = build_explainer(folder / "maps", cohort, experiment, library, builder.seed)
    fused = build_fusion_watch(folder, cohort, experiment, builder.seed)
    windowed = build_window_explainer(folder / "maps", cohort, experiment, builder.seed)
    watches = [each.watch for each in (explainer, fused, windowed) if each is not None]

    def watch(model: Any, repeat: int, training: int, tested: NDArray[np.bool_]) -> None:
        for each in watches:
            each(model, repeat, training, tested)

    try:
        evaluation = evaluate(builder, settings.allow, given, watch)
    except StoppedByAuditError as stop:
        write_stopped(folder, experiment, cohort, stop)
        raise
    members = builder.train(evaluation.final)
    ceiling = _ceiling(settings.bids_dir, cohort)
    report = replace(
        build_report(experiment, cohort, evaluation, ceiling),
        checklists=LINKS,
        explanation=explain(folder, explainer, experiment, members)
        or (fused.explanation() if fused is not None else None)
        or (windowed.explain(folder) if windowed is not None else None),
        fusion=None if fused is None else fused.section(),
        states=describe_states(
            folder, cohort, experiment, settings.processing.omp_nthreads, builder.seed
        ),
    )
    described = describe_model(settings, experiment, cohort, evaluation)
    if heritage is not None and evaluation.final == experiment.model.kind:
        described["began_with"] = heritage.lineage
    if settings.weights is not None and builder.notes:
        described["initial_weights"] = list(builder.notes)
    write_results(folder, experiment, cohort, evaluation)
    save_model(folder / "model", members, described)
    write_checklists(folder, run_facts(settings, experiment, cohort, evaluation, members))
    write_text(folder / "report.html", render_experiment(report))
    if isinstance(builder.checkpoints, FolderCheckpoints):
        builder.checkpoints.remove()
    log.info("%s: saved %s", experiment.name, folder / "report.html")
    return _link(experiment, report, evaluation), _results(experiment, cohort, evaluation, ceiling)


def _builder(
    settings: Settings, experiment: Experiment, cohort: Cohort, start: Start | None, fit: Fit
) -> Builder:
    checkpoints = None
    if settings.work_dir is not None:
        checkpoints = FolderCheckpoints(settings.work_dir / "checkpoints" / experiment.name)
    return Builder(
        cohort=cohort,
        experiment=experiment,
        seed=settings.processing.random_seed,
        device=choose_device(settings.resources.device),
        checkpoints=checkpoints,
        start=start,
        weights=None if settings.weights is None else FolderWeights(settings.weights),
        fit=fit,
    )


def _link(
    experiment: Experiment, report: ExperimentReport, evaluation: Evaluation
) -> ExperimentLink:
    return ExperimentLink(
        name=experiment.name,
        href=f"experiments/{experiment.name}/report.html",
        question=report.question,
        answer=report.answer,
        model_label=LABELS[evaluation.final],
        warnings=report.warnings,
    )


def _results(
    experiment: Experiment, cohort: Cohort, evaluation: Evaluation, ceiling: float | None
) -> list[Result]:
    metric = primary_metric(cohort.outcome.task)
    table = evaluation.metrics
    shown = table["model"].isin(list(evaluation.models)) & (table["population"] == PATIENTS)
    return [
        Result(
            experiment=experiment.name,
            model=str(row["model"]),
            metric=metric,
            value=float(row["value"]),
            low=float(row["low"]),
            high=float(row["high"]),
            noise_floor=float(row["noise_floor"]),
            ceiling=ceiling,
        )
        for row in table[shown & (table["metric"] == metric)].to_dict("records")
    ]


def _ceiling(bids_dir: Path, cohort: Cohort) -> float | None:
    """Best value of the primary metric that patients allow: known where data are simulated."""
    path, outcome = bids_dir / TRUTH / "truth.json", cohort.outcome
    if not path.is_file() or outcome.score.name != "fma_ue" or outcome.task == "ordinal":
        return None
    truth = read_json(path)
    if outcome.cutoff is not None and outcome.cutoff.value != truth.get("cutoff"):
        return None
    known = truth.get("ceiling", {}).get(PATIENTS, {})
    value = known.get(_CEILINGS[primary_metric(outcome.task)])
    return float(value) if isinstance(value, int | float) else None
