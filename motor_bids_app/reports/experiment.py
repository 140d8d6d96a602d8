"""The page of one experiment, and the page that compares several."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from motor_bids_app.reports.pages import Figure, Reference

Task = Literal["classification", "regression"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The result of an experiment in the numbers that its first sentence needs.

    `metric` is "roc_auc" or "r2"; `low` and `high` bound the 95 % interval over people.
    """

    model: str  # the model the answer is about: the deep one, or else the best
    metric: str
    value: float
    low: float
    high: float
    chance: float  # what guessing scores: 0.5 of an AUC, 0 of R2
    noise_floor: float  # half-width that this number of people allows, in units of the metric
    best_baseline: str | None = None  # strongest of the simpler models, if there is one
    difference: float | None = None  # model minus best_baseline, on the same splits
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None  # corrected resampled t-test of that difference


@dataclass(frozen=True, kw_only=True)
class ExperimentReport:
    """All that the page of one experiment shows.

    Tables are tidy, and may be those of the TSV files:

    - `metrics`: model, population ("all" | "patients"), metric, value, low, high
    - `fold_metrics`: model, repeat, fold, metric, value
    - `predictions`: participant_id, model, group ("patient" | "control"), true (1 = the class
      predicted; or the score), predicted (probability, or score; mean over repeats), one row per
      person and model
    - `comparisons`: model, reference, metric, difference, low, high, p_value
    - `as_paper`: model, class, metric, mean, min, max, mean_of_maxima
    - `cohort`: characteristic, then one column of text per group
    - `audit`: check, state ("passed" | "warning" | "failed"), finding
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
    answer: Answer
    n_people: int
    n_patients: int
    n_controls: int
    n_positive: int | None = None
    models: Mapping[str, str]  # name -> label, weakest rung first
    metrics: pd.DataFrame
    fold_metrics: pd.DataFrame
    predictions: pd.DataFrame
    comparisons: pd.DataFrame
    cohort: pd.DataFrame
    audit: pd.DataFrame
    excluded: pd.DataFrame
    as_paper: pd.DataFrame | None = None
    splits: Mapping[str, str | int | float]  # label -> value: scheme, folds, people per fold
    safeguards: tuple[str, ...]  # one sentence each: what cannot leak, and why
    ceiling: float | None = None  # best reachable value of answer.metric, known for simulated data
    warnings: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()  # beside those that always hold
    configuration: str  # the experiment, as TOML
    references: tuple[Reference, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()  # beside those drawn from the tables


@dataclass(frozen=True, kw_only=True)
class ExperimentLink:
    """One line of the comparison: an experiment, its answer, and where its report is."""

    name: str
    href: str  # relative, as "experiments/baselines/report.html"
    question: str
    n_people: int
    answer: Answer
    model_label: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GroupReport:
    """All that the page comparing experiments shows."""

    dataset: str
    experiments: tuple[ExperimentLink, ...]
    failed: Mapping[str, str] = field(default_factory=dict)  # experiment -> what went wrong
    versions: Mapping[str, str] = field(default_factory=dict)
