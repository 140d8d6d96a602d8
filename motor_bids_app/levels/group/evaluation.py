"""What the evaluation of an experiment found."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import pandas as pd

from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.chance import Tests
from motor_bids_app.levels.group.comparisons import ComparisonModels
from motor_bids_app.levels.group.estimators import Builder
from motor_bids_app.levels.group.parts.part import Part
from motor_bids_app.levels.group.training_watch import TrainingWatch

Kind = TypeVar("Kind", bound=Part)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What is decided before anything is fitted.

    Parameters
    ----------
    models : tuple of str
        Models that can be evaluated, simplest first.
    left_out : dict
        The others, with the reason.
    final : str
        The model that is trained on everyone.
    splits, audit : DataFrame
        Who is tested when; see `plan_splits` and `audit`.
    notes : tuple of str
        Remarks, one sentence each.
    """

    models: tuple[str, ...]
    left_out: dict[str, str]
    final: str
    splits: pd.DataFrame
    audit: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Scores:
    """How good all models are, in patients; `metrics` has rows of everyone too.

    Parameters
    ----------
    metrics, comparisons : DataFrame
        See `metrics_table`, with p of the permutation test, and `compare_models`.
    fold_metrics : DataFrame
        Columns model, repeat, fold, metric, value.
    chance : dict of PermutationTest
        By model; models that are costly to refit have none.
    """

    metrics: pd.DataFrame
    comparisons: pd.DataFrame
    fold_metrics: pd.DataFrame
    chance: Tests


@dataclass(frozen=True, kw_only=True)
class AmongScores:
    """Tests of the final model, corrected for the number of scores that an experiment predicts.

    Parameters
    ----------
    n_scores : int
    chance_p, difference_p : float or None
        Of the permutation test, and of the comparison with the best simpler model, by Holm.
    """

    n_scores: int
    chance_p: float | None
    difference_p: float | None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How all models of an experiment did on the same splits, and what its parts found.

    Parameters
    ----------
    builder : Builder
        The experiment, its cohort, and the seed of splits, models and resamples.
    setup : Setup
    tables : dict of DataFrame
        Out-of-fold predictions of everyone, by model; see `cross_validate`.
    beside : ComparisonModels
        Models evaluated beside the others, as [comparisons] asks for; their scores are among
        `scores`, where they are compared with the network.
    by_map : DataFrame or None
        Out-of-fold predictions by single maps (cbam2025).
    raw : DataFrame or None
        Those of the final model without recalibration, where there is one.
    scores : Scores
    training : TrainingWatch or None
        What was noted of the training of networks, where there are some.
    notes : tuple of str
        Remarks, one sentence each.
    parts : tuple of Part
        In the order of the page.
    among : AmongScores or None
        Of several scores.
    """

    builder: Builder
    setup: Setup
    tables: dict[str, pd.DataFrame]
    beside: ComparisonModels
    by_map: pd.DataFrame | None
    raw: pd.DataFrame | None
    scores: Scores
    training: TrainingWatch | None = None
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()
    among: AmongScores | None = None

    @property
    def cohort(self) -> Cohort:
        """The people."""
        return self.builder.cohort

    @property
    def experiment(self) -> Experiment:
        """The question."""
        return self.builder.experiment

    @property
    def task(self) -> str:
        """Kind of the outcome."""
        return self.cohort.outcome.task

    @property
    def final(self) -> str:
        """The model that is trained on everyone."""
        return self.setup.final

    @cached_property
    def out_of_fold(self) -> pd.DataFrame:
        """Columns model, repeat, fold, training, participant_id, prediction."""
        return stack(self.tables | self.beside.tables)

    def find(self, kind: type[Kind]) -> Kind | None:
        """Return the part of a kind; None where the experiment has none."""
        return next((part for part in self.parts if isinstance(part, kind)), None)


def stack(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of all models below each other, with a first column model."""
    parts = [table.assign(model=name) for name, table in tables.items()]
    stacked = pd.concat(parts, ignore_index=True)
    return stacked[["model", *(column for column in stacked if column != "model")]]
