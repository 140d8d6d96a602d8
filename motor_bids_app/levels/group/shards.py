"""One share of the work of experiments, for array jobs without a scheduler of their own."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from motor_bids_app.bids.paths import own_folder
from motor_bids_app.errors import IncompleteRunError, MotorBidsAppError, UsageError
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.maps import MapLibrary
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.failures import failure_of
from motor_bids_app.levels.group import run
from motor_bids_app.levels.group.experiment import prepare
from motor_bids_app.levels.group.explanation.ahead import looks_of
from motor_bids_app.levels.group.explanation.watchers import Watchers
from motor_bids_app.levels.group.joint import prepare_scores
from motor_bids_app.levels.group.units import asked_of, do_apart, key_of
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)


def without_share(settings: Settings) -> Settings:
    """Return settings of the whole run: shares are of trainings, and never of people."""
    return replace(settings, selection=replace(settings.selection, shard=(1, 1)))


def train_share(
    settings: Settings,
    experiments: Sequence[Experiment],
    people: Participants,
    library: MapLibrary,
) -> None:
    """Do the trainings of one share of each experiment, and explain what can be explained then.

    All is left in the work folder, where a run without a share finds it; nothing else is written.

    Raises
    ------
    UsageError
        No experiment trains a network, so that there is nothing to share.
    IncompleteRunError
        Some of several experiments failed; a single one raises its own error.
    """
    failed: dict[str, MotorBidsAppError] = {}
    total = 0
    for experiment in experiments:
        try:
            total += _train_share_of(settings, experiment, people, library)
        except Exception as error:  # a bug in one must not take the others down
            name = f"experiment-{experiment.name}"
            failed[experiment.name] = failure_of(error, settings.output_dir, name)
            log.error("experiment %s: %s", experiment.name, failed[experiment.name])
    if len(failed) == 1 == len(experiments):
        raise next(iter(failed.values()))
    if failed:
        said = "; ".join(f"{name}: {error}" for name, error in failed.items())
        raise IncompleteRunError(f"{len(failed)} of {len(experiments)} experiments failed. {said}")
    if not total:
        raise UsageError(
            "--shard shares the trainings of networks, and no experiment trains one: run without "
            "it, once."
        )


def _train_share_of(
    settings: Settings, experiment: Experiment, people: Participants, library: MapLibrary
) -> int:
    """Do a share of the trainings of an experiment; return how many there are in all."""
    whole = without_share(settings)
    if experiment.target.scores:
        parts = prepare_scores(whole, experiment, people, library)
    else:
        parts = [run.prepare(experiment, people, library)]
    return sum(_train_share_of_part(settings, part, people, library) for part in parts)


def _train_share_of_part(
    settings: Settings, prepared: run.Prepared, people: Participants, library: MapLibrary
) -> int:
    part, n_parts = settings.selection.shard
    opened = run.open_experiment(without_share(settings), prepared, people, library)
    setup = prepare(opened.builder, settings.allow, opened.given)
    asked, shown = asked_of(opened.builder, setup, opened.given)
    own = asked[part - 1 :: n_parts]
    experiment = opened.builder.experiment
    name = experiment.name
    log.info("%s: %d of %d trainings are of shard %d/%d", name, len(own), len(asked), part, n_parts)
    do_apart(settings, name, own, library.folder)
    # An explanation is of the shard that has the last of its trainings.
    mine = {key_of(one) for one in own}
    folder = own_folder(settings.output_dir, "experiments", name)
    watchers = Watchers.build(folder, experiment, opened.builder)
    looks = [one for one in looks_of(watchers, shown) if key_of(one.shown.last) in mine]
    do_apart(settings, name, looks, library.folder, "explanation")
    return len(asked)
