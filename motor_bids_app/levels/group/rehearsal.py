"""All trainings of an experiment, counted by an evaluation whose models do not learn.

They note what they are asked to learn, and answer at random: what is counted is what would run.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.crossvalidation import cross_validate, primary_metric
from motor_bids_app.evaluation.ladder import flawed_plans
from motor_bids_app.evaluation.protocols import Fits, Plan, out_of_fold
from motor_bids_app.levels.group.chance import refitted_test
from motor_bids_app.levels.group.comparisons import evaluate_comparisons
from motor_bids_app.levels.group.estimators import Builder
from motor_bids_app.levels.group.flawed import right_plan
from motor_bids_app.levels.group.folds import is_costly
from motor_bids_app.levels.group.pace import Pace
from motor_bids_app.levels.group.splitting import plan_splits, usable_splits
from motor_bids_app.levels.group.trainings import Training, trainings_of

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


@dataclass(frozen=True, kw_only=True)
class Rehearsal(Builder):
    """Builds models that do not learn, and counts what they would have trained."""

    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    examples: dict[str, Training] = field(default_factory=dict)
    _kinds: dict[tuple[type, str, str], type] = field(default_factory=dict)
    purpose: str = "cross-validation"

    def build(self, name: str, **changes: Any) -> list[Any]:
        """Return models as those of `Builder.build` that note what they are fitted to."""
        return [self._noting(model, name) for model in super().build(name, **changes)]

    def doing(self, purpose: str) -> "Rehearsal":
        """Return the same, which counts for something else."""
        return replace(self, purpose=purpose)

    def _noting(self, model: Any, name: str) -> Any:
        key = (type(model), name, self.purpose)
        if key not in self._kinds:
            self._kinds[key] = _noting_kind(type(model), lambda *fit: self._note(name, *fit))
        return self._kinds[key](**model.get_params(deep=False))

    def _note(self, name: str, model: Any, X: Any, y: Any) -> None:
        tally = self.tallies.setdefault((name, self.purpose), Tally())
        for training in trainings_of(model, X, np.asarray(y)):
            self.examples.setdefault(training.kind, training)
            tally.add(training, bundled=self.purpose == FINAL)


def _noting_kind(kind: type, note: Callable[[Any, Any, Any], None]) -> type:
    """Return a kind of model with the settings of another that learns nothing."""

    def fit(self: Any, X: Any, y: Any) -> Any:
        note(kind(**self.get_params(deep=False)), X, y)
        return self

    def chance(_: Any, X: Any) -> Any:
        return np.random.default_rng(len(X)).random(len(X))

    def probabilities(self: Any, X: Any) -> Any:
        return np.column_stack([1 - chance(self, X), chance(self, X)])

    own = {"fit": fit, "predict": chance}
    if hasattr(kind, "predict_proba"):
        own["predict_proba"] = probabilities
    return type(kind.__name__, (kind,), own)


def rehearse(
    builder: Rehearsal, models: Sequence[str], final: str, given: pd.DataFrame | None = None
) -> None:
    """Go through all trainings of an experiment: see `experiment.evaluate` and `run_experiment`."""
    cohort, experiment, seed = builder.cohort, builder.experiment, builder.seed
    splits, _ = plan_splits(cohort, experiment, seed, given)
    splits = usable_splits(splits, list(cohort.labels.truth.index))
    samples, y, kind = cohort.samples, cohort.y, experiment.model.kind
    costly = [name for name in models if is_costly(builder, name)]
    tables = {name: cross_validate(builder.build(name), samples, y, splits) for name in costly}
    evaluate_comparisons(builder.doing("comparisons"), splits, None, costly)
    if experiment.validation.refits and kind in costly:
        network = replace(builder.doing("permutations"), checkpoints=None).build(kind)[0]
        refitted_test(cohort, experiment, network, splits, seed)
    if final not in costly:
        return
    table = tables[final]
    if experiment.model.recalibrate != "none":
        raw = builder.doing("without recalibration").build(final, raw=True)
        table = cross_validate(raw, samples, y, splits)
    _as_published(builder.doing("as published"), final, splits, table)
    builder.doing(FINAL).train(final)


def _as_published(
    builder: Rehearsal, final: str, splits: pd.DataFrame, table: pd.DataFrame
) -> None:
    """Go through the protocols of a paper; see `flawed_protocols`, which judges them too."""
    experiment, asked = builder.experiment, builder.experiment.as_published
    if asked is None or not asked.protocols:
        return
    models, fits = builder.build(final, raw=True), Fits()
    plan = right_plan(builder.cohort, experiment, final, models, splits)
    fits.keep(plan, models, table)
    for changed in flawed_plans(plan, asked.protocols).values():
        if isinstance(changed, Plan):
            out_of_fold(changed, fits, primary_metric(plan.task))
