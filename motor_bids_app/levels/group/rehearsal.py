"""All trainings of an experiment, found by an evaluation whose models do not learn.

What they are asked to learn is noted, and they answer at random: what is noted is what would run.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.evaluation.crossvalidation import cross_validate, primary_metric
from motor_bids_app.evaluation.fitting import Job
from motor_bids_app.evaluation.ladder import flawed_plans
from motor_bids_app.evaluation.protocols import Fits, Plan, out_of_fold
from motor_bids_app.features.samples import Samples
from motor_bids_app.levels.group.chance import refitted_test
from motor_bids_app.levels.group.comparisons import evaluate_comparisons
from motor_bids_app.levels.group.estimators import Builder
from motor_bids_app.levels.group.flawed import right_plan
from motor_bids_app.levels.group.folds import is_costly
from motor_bids_app.levels.group.pace import Pace
from motor_bids_app.levels.group.splitting import plan_splits, usable_splits
from motor_bids_app.levels.group.trainings import Training, on_device, trainings_of

FINAL = "final model"


@dataclass
class Tally:
    """What one row of the table adds up: trainings, and what they are made of.

    `items` are by kind of training, over all epochs; `kept` are trainings that leave a checkpoint.
    """

    fits: int = 0
    steps: int = 0
    items: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    bundled: Counter[str] = field(default_factory=Counter)

    def add(self, training: Training, *, bundled: bool) -> None:
        """Count one more training."""
        self.fits += 1
        self.steps += training.n_steps * training.epochs
        self.items[training.kind] += training.n_items * training.epochs
        self.kept[training.kind] += training.keeps
        self.bundled[training.kind] += bundled

    def seconds(self, paces: dict[str, Pace]) -> float:
        """Time of all of them, one after the other."""
        return sum(n * paces[kind].seconds for kind, n in self.items.items())

    def bytes(self, paces: dict[str, Pace]) -> int:
        """Checkpoints and bundle."""
        kept = sum(n * paces[kind].checkpoint for kind, n in self.kept.items())
        return kept + sum(n * paces[kind].saved for kind, n in self.bundled.items())


@dataclass(frozen=True, eq=False)
class Asked:
    """A training that an experiment asks for, of scans among these samples."""

    model: str
    purpose: str
    training: Training
    samples: Samples

    @property
    def words(self) -> str:
        """What it is."""
        return f"{self.model}, {self.purpose}: {self.training.kind}"

    def do(self, device: str) -> None:
        """Train on a device; what was learned is left as a checkpoint."""
        network = on_device(self.training.network, device)
        network.fit(self.samples[self.training.rows], self.training.labels)


@dataclass(frozen=True, eq=False)
class Shown:
    """A model that is shown to whoever watches an evaluation, and the last of its trainings.

    See `cross_validate` for `repeat`, `training` and `tested`.
    """

    model: Any
    repeat: int
    training: int
    tested: NDArray[np.bool_]
    last: Asked


@dataclass(frozen=True, kw_only=True)
class Rehearsal(Builder):
    """Builds models that do not learn, and notes what they would have trained, and shown."""

    asked: list[Asked] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    purpose: str = "cross-validation"

    def build(self, name: str, **changes: Any) -> list[Any]:
        """Return models as those of `Builder.build` that answer at random."""
        return [_guessing(model, name) for model in super().build(name, **changes)]

    def fit(self, jobs: Sequence[Job], samples: Samples, y: NDArray[Any]) -> Iterator[Any]:
        """Note what would be trained, and yield the models as they are."""
        for model, chosen in jobs:
            rows = np.flatnonzero(chosen)
            own = model.learns(**model.get_params(deep=False))
            for training in trainings_of(own, samples[rows], y[rows]):
                training = training.among(rows)
                self.asked.append(Asked(model.called, self.purpose, training, samples))
            yield model

    def watch(self, model: Any, repeat: int, training: int, tested: NDArray[np.bool_]) -> None:
        """Note a model that would be shown; see `cross_validate`."""
        own = model.learns(**model.get_params(deep=False))
        self.shown.append(Shown(own, repeat, training, tested, self.asked[-1]))

    def doing(self, purpose: str) -> "Rehearsal":
        """Return the same, which counts for something else."""
        return replace(self, purpose=purpose)

    @property
    def tallies(self) -> dict[tuple[str, str], Tally]:
        """What was noted, by model and purpose."""
        found: dict[tuple[str, str], Tally] = {}
        for one in self.asked:
            tally = found.setdefault((one.model, one.purpose), Tally())
            tally.add(one.training, bundled=one.purpose == FINAL)
        return found

    @property
    def examples(self) -> dict[str, Training]:
        """The first training of each kind."""
        return {one.training.kind: one.training for one in reversed(self.asked)}


def _guessing(model: Any, name: str) -> Any:
    """Return a model with the settings of another that learns nothing, and knows its name."""
    kind = type(model)

    def chance(_: Any, X: Any) -> Any:
        return np.random.default_rng(len(X)).random(len(X))

    def probabilities(self: Any, X: Any) -> Any:
        return np.column_stack([1 - chance(self, X), chance(self, X)])

    own = {"learns": kind, "called": name, "predict": chance}
    if hasattr(kind, "predict_proba"):
        own["predict_proba"] = probabilities
    return type(kind.__name__, (kind,), own)(**model.get_params(deep=False))


def rehearse(
    builder: Builder, models: Sequence[str], final: str, given: pd.DataFrame | None = None
) -> Rehearsal:
    """Go through all trainings of an experiment: see `experiment.evaluate` and `run_experiment`.

    Parameters
    ----------
    builder : Builder
    models : sequence of str
        Those that have their inputs.
    final : str
        The one that is trained on everyone.
    given : DataFrame, optional
        Splits of the user: columns repeat, fold, participant_id.
    """
    rehearsal = Rehearsal(**{f.name: getattr(builder, f.name) for f in fields(Builder)})
    with _quiet():
        _go_through(rehearsal, models, final, given)
    return rehearsal


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the log from telling of trainings that are only noted."""
    of_app = logging.getLogger("motor_bids_app")
    level = of_app.level
    of_app.setLevel(logging.WARNING)
    try:
        yield
    finally:
        of_app.setLevel(level)


def _go_through(
    builder: Rehearsal, models: Sequence[str], final: str, given: pd.DataFrame | None
) -> None:
    cohort, experiment, seed = builder.cohort, builder.experiment, builder.seed
    splits, _ = plan_splits(cohort, experiment, seed, given)
    splits = usable_splits(splits, list(cohort.labels.truth.index))
    samples, y, kind = cohort.samples, cohort.y, experiment.model.kind
    costly = [name for name in models if is_costly(builder, name)]
    watch, fit = {final: builder.watch}, builder.fit
    tables = {
        name: cross_validate(
            builder.build(name), samples, y, splits, watch=watch.get(name), fit=fit
        )
        for name in costly
    }
    evaluate_comparisons(builder.doing("comparisons"), splits, None, costly)
    if experiment.validation.refits and kind in costly:
        permuting = builder.doing("permutations")
        refitted_test(cohort, experiment, builder.build(kind)[0], splits, seed, permuting.fit)
    if final not in costly:
        return
    table = tables[final]
    if experiment.model.recalibrate != "none":
        plain = builder.doing("without recalibration")
        table = cross_validate(plain.build(final, raw=True), samples, y, splits, fit=plain.fit)
    _as_published(builder.doing("as published"), final, splits, table)
    builder.doing(FINAL).train(final)


def _as_published(
    builder: Rehearsal, final: str, splits: pd.DataFrame, table: pd.DataFrame
) -> None:
    """Go through the protocols of a paper; see `flawed_protocols`, which judges them too."""
    experiment, asked = builder.experiment, builder.experiment.as_published
    if asked is None or not asked.protocols:
        return
    models, fits = builder.build(final, raw=True), Fits(builder.fit)
    plan = right_plan(builder.cohort, experiment, final, models, splits)
    fits.keep(plan, models, table)
    for changed in flawed_plans(plan, asked.protocols).values():
        if isinstance(changed, Plan):
            out_of_fold(changed, fits, primary_metric(plan.task))
