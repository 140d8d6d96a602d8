"""What the page of one experiment shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd
from markupsafe import Markup

from motor_bids_app.reports.experiment.answer import Answer
from motor_bids_app.reports.pages import Figure, PersonPages, Reference, Table

Task = Literal["classification", "regression", "ordinal"]
Place = Literal[
    "cohort", "models", "published", "figures", "explanation", "states", "audit", "size"
]


@dataclass(frozen=True, kw_only=True)
class Block:
    """What one analysis shows in one place of the page, in the order of these fields.

    `published` is the end of the section on models: what papers report.
    """

    place: Place
    title: str = ""
    text: str | Markup = ""  # a paragraph
    sentences: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExperimentReport:
    """All that the page of one experiment shows.

    What analyses found stands in `blocks`, those of a place one after the other. Two tables:

    - `cohort`: characteristic, then one column of text per group
    - `excluded`: participant_id, reason
    """

    name: str
    description: str
    question: str  # "Which people have a poor outcome (FMA-UE below 27)?"
    reference: str | None = None
    target: str  # what is predicted, as "poor outcome" or "FMA-UE (points)"
    answer: Answer
    n_patients: int
    n_controls: int
    models: Mapping[str, str]  # name -> label, weakest rung first
    cohort: pd.DataFrame
    excluded: pd.DataFrame
    blocks: tuple[Block, ...] = ()
    splits: Mapping[str, str | int | float]  # label -> value: scheme, folds, people per fold
    safeguards: tuple[str, ...]  # one sentence each: what cannot leak, and why
    ceiling: float | None = None  # best reachable value of answer.metric, known for simulated data
    history: tuple[str, ...] = ()  # how often these people were evaluated, and the best of it
    warnings: tuple[str, ...] = ()
    configuration: str  # the experiment, as TOML
    references: tuple[Reference, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    checklists: Mapping[str, str] = field(default_factory=dict)  # title -> link
    person_pages: PersonPages = field(default_factory=dict)

    def at(self, place: Place) -> list[Block]:
        """Blocks of a place."""
        return [block for block in self.blocks if block.place == place]
