"""What the page of one experiment shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.reports.experiment.answer import Answer
from motor_bids_app.reports.experiment.explanation import Explanation
from motor_bids_app.reports.experiment.fusion import FusionSection
from motor_bids_app.reports.experiment.states import StatesSection
from motor_bids_app.reports.pages import Figure, Reference

Task = Literal["classification", "regression", "ordinal"]


@dataclass(frozen=True, kw_only=True)
class ExperimentReport:
    """All that the page of one experiment shows.

    Tables are tidy, and may be those of the TSV files:

    - `metrics`: model, population ("patients" | "all", with controls), metric, value, low, high
    - `fold_metrics`: model, repeat, fold, metric, value
    - `predictions`: participant_id, model, group ("patient" | "control"), true (1 = the class
      predicted; or the score), predicted (probability, or score; mean over repeats), one row per
      person and model
    - `comparisons`: model, reference, metric, difference, low, high, p_value, p_holm
    - `as_paper`: model, class, metric, mean, min, max, mean_of_maxima, maxima_min, maxima_max
    - `cohort`: characteristic, then one column of text per group
    - `audit`: check, state ("passed" | "warning" | "failed" | "not checked"), finding
    - `excluded`: participant_id, reason
    """

    name: str
    description: str
    question: str  # "Which people have a poor outcome (FMA-UE below 27)?"
    reference: str | None = None
    task: Task
    target: str  # short name of what is predicted, as "FMA-UE < 27" or "FMA-UE (points)"
    positive: str | None = None  # name of the class predicted, as "poor"
    negative: str | None = None
    classes: tuple[str, ...] = ()  # names of ordered classes, from the lowest values of the score
    answer: Answer
    n_people: int
    n_patients: int
    n_controls: int
    n_positive: int | None = None  # patients
    models: Mapping[str, str]  # name -> label, weakest rung first
    metrics: pd.DataFrame
    fold_metrics: pd.DataFrame
    predictions: pd.DataFrame
    comparisons: pd.DataFrame
    cohort: pd.DataFrame
    audit: pd.DataFrame
    excluded: pd.DataFrame
    as_paper: pd.DataFrame | None = None
    beside: Mapping[str, str] = field(default_factory=dict)  # name -> label, as [comparisons] asks
    embedding: pd.DataFrame | None = None  # layer, participant_id, x, y
    splits: Mapping[str, str | int | float]  # label -> value: scheme, folds, people per fold
    safeguards: tuple[str, ...]  # one sentence each: what cannot leak, and why
    ceiling: float | None = None  # best reachable value of answer.metric, known for simulated data
    warnings: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()  # beside those that always hold
    configuration: str  # the experiment, as TOML
    references: tuple[Reference, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    coverage: pd.DataFrame | None = None  # group, level, coverage, low, high, size, n_people
    abstention: pd.DataFrame | None = None  # share_answered, accuracy, n_people
    learning: pd.DataFrame | None = None  # n_training, metric, value, low, high
    decisions: pd.DataFrame | None = None  # model, threshold, net_benefit, low, high
    ladder: pd.DataFrame | None = None  # see `reports.experiment.ladder`
    sample_size: pd.DataFrame | None = None  # model, n_parameters, n_people, n_needed
    planning: tuple[str, ...] = ()  # sentences
    null: NDArray[np.float64] | None = None  # answer.metric of permuted labels, shape (m,)
    null_value: float | None = None  # that of the labels as they are, tested alike
    subgroups: pd.DataFrame | None = None  # characteristic, group, metric, value, low, high, ...
    missing: pd.DataFrame | None = None  # what, n_missing, n_patients, n_controls, n_people, rule
    map_subsets: pd.DataFrame | None = None  # maps, n_maps, metric, value
    chosen_maps: pd.DataFrame | None = None  # repeat, fold, training, maps, n_maps
    recalibration: pd.DataFrame | None = None  # probabilities, metric, value, low, high
    explanation: Explanation | None = None  # of models that look at maps
    states: StatesSection | None = None  # of connectivity, where there are windows
    fusion: FusionSection | None = None  # weights of modalities in a late fusion
    figures: tuple[Figure, ...] = ()  # beside those drawn from the tables
    checklists: Mapping[str, str] = field(default_factory=dict)  # title -> link
