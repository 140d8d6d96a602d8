"""The group level: run experiments on the derivatives, and report how good the models are."""

import logging
from collections.abc import Sequence
from pathlib import Path

from motor_bids_app import __version__
from motor_bids_app.bids.dataset import dataset_name
from motor_bids_app.bids.files import write_text
from motor_bids_app.errors import (
    IncompleteRunError,
    InputMissingError,
    MotorBidsAppError,
    UsageError,
)
from motor_bids_app.experiments.reading import load_preset, parse_experiment
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.maps import MapLibrary, map_library
from motor_bids_app.levels.cohort.participants import Participants, gather_participants
from motor_bids_app.levels.cohort.scanner import with_scanners
from motor_bids_app.levels.failures import failure_of
from motor_bids_app.levels.group.initial_weights import FolderWeights, check_weights
from motor_bids_app.levels.group.joint import run_scores
from motor_bids_app.levels.group.quality import describe_cohort
from motor_bids_app.levels.group.result import Result
from motor_bids_app.levels.group.run import run_experiment, with_splits, with_table
from motor_bids_app.levels.group.shards import train_share, without_share
from motor_bids_app.levels.hardware import set_up_process
from motor_bids_app.levels.person_pages import person_pages
from motor_bids_app.opening import read_text
from motor_bids_app.reports.experiment.page import ExperimentLink, GroupReport, render_comparison
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)


def run(settings: Settings) -> list[Result]:
    """Run all experiments; one that fails does not stop the others.

    Returns
    -------
    list of Result
        For each experiment and model; empty where a share of the trainings was asked for.

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
    set_up_process(settings.processing.omp_nthreads)
    try:
        gathered = gather_participants(without_share(settings))
        people = with_scanners(gathered, settings.bids_dir)
    except MotorBidsAppError as error:
        _replace_page(settings, {experiment.name: str(error) for experiment in experiments})
        raise
    for note in people.notes:
        log.warning("%s", note)
    with map_library(people.scans, people.table, settings.work_dir) as library:
        if settings.selection.shard != (1, 1):
            train_share(settings, experiments, people, library)
            return []
        return _run_all(settings, experiments, people, library)


def _run_all(
    settings: Settings,
    experiments: Sequence[Experiment],
    people: Participants,
    library: MapLibrary,
) -> list[Result]:
    """Run experiments and write the page that compares them; errors as of `run`."""
    results: list[Result] = []
    links: list[ExperimentLink] = []
    failed: dict[str, MotorBidsAppError] = {}
    for experiment in experiments:
        try:
            run_it = run_scores if experiment.target.scores else run_experiment
            found, lines = run_it(settings, experiment, people, library)
        except Exception as error:  # a bug in one must not take the others down
            failed[experiment.name] = failure_of(
                error, settings.output_dir, f"experiment-{experiment.name}"
            )
            log.error("experiment %s: %s", experiment.name, failed[experiment.name])
            continue
        links += found
        results += lines
    reasons = {name: str(error) for name, error in failed.items()}
    if not links:
        _replace_page(settings, reasons)
        raise next(iter(failed.values()))
    _write_page(settings, people, links, reasons)
    if failed:
        said = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        total = len(experiments)
        raise IncompleteRunError(f"{len(failed)} of {total} experiments failed. {said}", results)
    return results


def _replace_page(settings: Settings, failed: dict[str, str]) -> None:
    """Write over the page of an earlier run, which would stand as the result of this one."""
    path = settings.output_dir / "group.html"
    if path.exists():
        report = GroupReport(
            dataset=dataset_name(settings.bids_dir),
            experiments=(),
            failed=failed,
            versions={"motor_bids_app": __version__},
        )
        write_text(path, render_comparison(report))


def _write_page(
    settings: Settings, people: Participants, links: list[ExperimentLink], failed: dict[str, str]
) -> None:
    """Write the page that compares all experiments."""
    report = GroupReport(
        dataset=dataset_name(settings.bids_dir),
        experiments=tuple(links),
        failed=failed,
        versions={"motor_bids_app": __version__},
        images=describe_cohort(people, settings),
        notes=people.notes,
        person_pages=person_pages(settings.output_dir),
    )
    write_text(settings.output_dir / "group.html", render_comparison(report))


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
    whole = [{e.name, *(one.name for one in e.of_each_score)} for e in experiments]
    labels = [name for names in whole for name in sorted(names)]
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
    splits, table = experiment.validation.splits, experiment.inputs.table
    if splits is not None:
        experiment = with_splits(experiment, str(path.parent / splits))
    return experiment if table is None else with_table(experiment, str(path.parent / table))
