"""What experiments cost, before it is spent: trainings, hours and disk.

Trainings are counted by a rehearsal; a step of each network is timed on the device at hand.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.estimators import usable_models
from motor_bids_app.levels.group.foreseen import Foreseen, foreseen_people
from motor_bids_app.levels.group.level import load_experiments
from motor_bids_app.levels.group.pace import Pace, measure
from motor_bids_app.levels.group.rehearsal import Rehearsal, rehearse
from motor_bids_app.levels.group.run import make_builder
from motor_bids_app.levels.group.splitting import read_splits
from motor_bids_app.levels.group.units import processes
from motor_bids_app.levels.hardware import choose_device, fold_devices, set_up_process
from motor_bids_app.models.catalog import COMPARED_ONLY
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)
HEADINGS = ("model", "for", "device", "fits", "steps/fit", "s/fit", "hours", "disk (MB)")
LEFT_OUT = (
    "Counted are steps of training, of each network to its last epoch. Early stops take less; "
    "people to stop by, predictions, explanations and the simple models come on top."
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """Cost of one model for one purpose: trainings, their steps, seconds and bytes in all."""

    model: str
    purpose: str
    device: str
    fits: int
    steps: int
    seconds: float
    disk: int

    @property
    def cells(self) -> tuple[str, ...]:
        """What stands below `HEADINGS`."""
        each = self.seconds / self.fits
        return (
            self.model,
            self.purpose,
            self.device,
            f"{self.fits:,}",
            f"{self.steps / self.fits:,.0f}",
            f"{each:,.0f}" if each >= 10 else f"{each:.2g}",
            hours(self.seconds),
            f"{self.disk / 1e6:,.1f}",
        )


def foretell(settings: Settings) -> str:
    """Return a table for each experiment, and a sentence on all of them, as text."""
    experiments = load_experiments(settings.experiments)
    set_up_process(settings.processing.omp_nthreads)
    parts, rows = list[str](), list[Row]()
    with foreseen_people(settings) as (said, people):
        parts.append(said)
        for experiment in (one for each in experiments for one in each.of_each_score):
            try:
                found, remarks = experiment_cost(settings, experiment, people)
            except MotorBidsAppError as error:
                parts.append(f"{experiment.name}: cannot be foretold. {error}")
                continue
            rows += found
            parts.append(_table(experiment, found, remarks))
    parts.append(_total(rows))
    if rows and settings.work_dir is None:
        parts.append(
            "Without --work-dir there are no checkpoints: interrupted trainings start "
            "from the beginning."
        )
    return "\n\n".join(parts)


def experiment_cost(
    settings: Settings, experiment: Experiment, people: Foreseen
) -> tuple[list[Row], list[str]]:
    """Return the rows of an experiment and remarks; none where it trains no network.

    Raises
    ------
    MotorBidsAppError
        As the run would.
    """
    splits, given = experiment.validation.splits, None
    if splits is not None:
        given = read_splits(Path(splits))
    cohort = people.cohort(experiment)
    models = experiment.models
    if people.known is not None:
        models, _ = usable_models(cohort, experiment)
    final = experiment.model.final_name
    if final not in models:
        final = next(name for name in reversed(models) if name not in COMPARED_ONLY)
    builder = make_builder(settings, experiment, cohort, None)
    builder.check(models)
    rehearsal = rehearse(builder, models, final, given)
    paces = _paces(rehearsal, cohort)
    devices = fold_devices(choose_device(settings.resources.device))
    # How many workers of a scheduler there will be is not known.
    local = settings.resources.engine == "local"
    n_at_once = processes(settings.resources).n_procs if local else 1
    device = " ".join(devices) if n_at_once == len(devices) else f"{n_at_once} x {devices[0]}"
    rows = [
        Row(
            model=model,
            purpose=purpose,
            device=device,
            fits=tally.fits,
            steps=tally.steps,
            seconds=tally.seconds(paces) / min(n_at_once, tally.fits),
            disk=tally.bytes(paces),
        )
        for (model, purpose), tally in rehearsal.tallies.items()
        if tally.fits
    ]
    return rows, [_who(cohort), *_scaled(paces)]


def _paces(rehearsal: Rehearsal, cohort: Cohort) -> dict[str, Pace]:
    found = {}
    for kind, training in rehearsal.examples.items():
        log.info("%s: timing %s", rehearsal.experiment.name, kind)
        found[kind] = measure(training, cohort.samples, cohort.y)
    return found


def _who(cohort: Cohort) -> str:
    n, scans = len(cohort.labels.truth), len(cohort.samples)
    return f"{n} people take part, with {scans} scans."


def _scaled(paces: dict[str, Pace]) -> list[str]:
    """Say which networks were timed with fewer items than a batch has."""
    return [
        f"The {kind} was timed with {pace.n_items} items a step and "
        f"scaled to {pace.wanted}, whose step takes too long or too much memory to be tried."
        for kind, pace in paces.items()
        if pace.n_items < pace.wanted
    ]


def _table(experiment: Experiment, rows: Sequence[Row], remarks: Sequence[str]) -> str:
    if not rows:
        return f"{experiment.name}: trains no network; its simple models take minutes."
    lines = [HEADINGS, *(row.cells for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(HEADINGS))]
    text = [
        "  "
        + "  ".join(
            f"{cell:<{width}}" if k < 3 else f"{cell:>{width}}"
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return "\n".join([f"{experiment.name}: what it costs", *text, *(f"  {one}" for one in remarks)])


def _total(rows: Sequence[Row]) -> str:
    if not rows:
        return "No network would be trained."
    seconds, disk = sum(row.seconds for row in rows), sum(row.disk for row in rows)
    return (
        f"In all {sum(row.fits for row in rows):,} trainings of networks take about "
        f"{hours(seconds)} hours ({seconds / 86400:.1f} days) on {rows[0].device}, and "
        f"{disk / 1e9:.2f} GB of disk for checkpoints and bundles. {LEFT_OUT}"
    )


def hours(seconds: float) -> str:
    """Hours with as many digits as they are known to.

    >>> hours(90), hours(7200), hours(2.6e6)
    ('0.025', '2', '722')
    """
    value = seconds / 3600
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
