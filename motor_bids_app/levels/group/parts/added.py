"""What lesions add to predictors of the user's own, and these to lesions."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.evaluation.comparisons import compare_pairs
from motor_bids_app.levels.cohort.scoring import of_patients
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.models.catalog import JOINT, PARTS_OF_JOINT
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.tables import comparison_table


@dataclass(frozen=True, kw_only=True)
class Added(Part):
    """The joint model against each of what it joins, on the same splits."""

    names: ClassVar = ("added",)
    columns: ClassVar[Columns] = {
        "reference": {"Description": "Model that lacks a part of what the model reads"},
        "difference": {"Description": "Metric of the model minus that of the reference"},
        "t": {
            "Description": "Statistic of the corrected resampled t-test (Nadeau and Bengio 2003)"
        },
        "p_value": {"Description": "Two-sided p, as of comparisons.tsv"},
        "p_holm": {"Description": "That p, corrected by Holm for both comparisons"},
        "n_splits": {"Description": "Splits compared"},
    }

    table: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Compare, where the joint model and one of its parts were evaluated."""
        tables = evaluation.tables
        pairs = [(JOINT, part) for part in PARTS_OF_JOINT if JOINT in tables and part in tables]
        if not pairs:
            return None
        chosen = {name: tables[name] for name in {name for pair in pairs for name in pair}}
        predictions = of_patients(chosen, evaluation.cohort)
        return cls(
            table=compare_pairs(predictions, pairs, evaluation.task, evaluation.builder.seed)
        )

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`added`."""
        return {"added": self.table}

    def blocks(self, page: Page) -> list[Block]:
        """A table: what the lesion adds, and what the own predictors add."""
        table = comparison_table(self.table, page.models)
        return [Block(place="models", title="What each part adds to the other", tables=(table,))]
