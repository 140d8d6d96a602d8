"""What the page of a model applied to people shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from motor_bids_app.reports.experiment.gate import Verdict

Task = Literal["classification", "regression", "ordinal"]
Answered = Literal["given", "widened", "refused"]


@dataclass(frozen=True)
class Driver:
    """What one input added to a prediction.

    `amount` is what it adds to that of the average training person: log odds of the poor outcome,
    or points on the scale that the score was learned on.
    """

    name: str  # for people, as "Lesion volume"
    amount: float
    value: str = ""  # with its unit
    usual: str = ""  # mean of the training people


@dataclass(frozen=True, kw_only=True)
class Person:
    """What the model says of one person and session."""

    participant: str  # "sub-01"
    session: str | None = None
    control: bool = False  # healthy: the models are about patients
    predicted: float | None  # probability of the poor outcome, or the score; None if refused
    interval: tuple[float, float] | None = None  # of the score
    called: str | None = None  # most likely class
    possible: tuple[str, ...] | None = None  # classes that cannot be ruled out; None if unknown
    answer: Answered = "given"
    unlike: tuple[str, ...] = ()  # in what the person is unlike those of training
    in_training: bool = False
    notes: tuple[str, ...] = ()  # what to look at
    drivers: tuple[Driver, ...] = ()  # greatest first
    similar: str = ""  # how training patients with such a prediction fared


@dataclass(frozen=True, kw_only=True)
class PredictionReport:
    """All that the page of one prediction run shows.

    Tables:

    - `performance`: metric, population, value, low, high, from cross-validation of the model
    - `skipped`: participant_id, reason
    """

    model: str  # name of the bundle
    model_label: str  # what kind of model it is
    task: Task
    target: str
    verdict: Verdict  # of the model, in cross-validation
    result: str = ""  # in numbers, as "AUC 0.80 (0.70 to 0.88) in 50 patients"
    unit: str = ""  # of a predicted score
    span: tuple[float, float] | None = None  # range of the score
    ordered: tuple[str, ...] = ()  # names of ordered classes, from 0 on
    people: tuple[Person, ...]
    undriven: str = ""  # why inputs are not told, where they are not
    driven: str = ""  # how to read them, where they are
    skipped: pd.DataFrame
    performance: pd.DataFrame
    noise_floor: float | None = None
    errors: str = ""  # how far off the model was, in a sentence
    provenance: Mapping[str, str | int | float]  # label -> value: experiment, people, space, hash
    warnings: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def trusted(self) -> bool:
        """Whether the model is good enough for its numbers to be said in a headline."""
        return self.verdict.state in ("good", "warn")
