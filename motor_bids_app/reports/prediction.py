"""The page of a model applied to people: predictions, and how far to trust them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd


@dataclass(frozen=True, kw_only=True)
class PredictionReport:
    """All that the page of one prediction run shows.

    Tables:

    - `predictions`: participant_id, session_id (or missing), predicted (probability of
      `positive`, or the score), predicted_class (text; classification), warning (text or missing),
      and optionally low, high (interval of `predicted`)
    - `performance`: metric, population, value, low, high, from cross-validation of the model
    - `skipped`: participant_id, reason
    """

    model: str  # name of the bundle
    model_label: str  # what kind of model it is
    task: Literal["classification", "regression"]
    target: str
    positive: str | None = None
    negative: str | None = None
    threshold: float = 0.5  # of the probability
    unit: str = ""  # of a predicted score
    predictions: pd.DataFrame
    skipped: pd.DataFrame
    performance: pd.DataFrame
    noise_floor: float | None = None
    provenance: Mapping[str, str | int | float]  # label -> value: experiment, people, space, hash
    warnings: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
