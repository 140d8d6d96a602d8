"""What images add to predictors of the user's own, and these to images."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.evaluation.comparisons import compare_pairs
from motor_bids_app.levels.cohort.scoring import of_patients
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.models.catalog import JOINT, reads_own
from motor_bids_app.reports.experiment.added import added_sentences, added_table
from motor_bids_app.reports.experiment.content import Block

_OWN = "own"


@dataclass(frozen=True, kw_only=True)
class Added(Part):
    """Each joint model against both of what it joins, on the same splits."""

    names: ClassVar = ("added",)
    columns: ClassVar[Columns] = {
        "added": {
            "Description": "What the model reads and the reference does not",
            "Levels": {"images": "images", "own": "predictors that the experiment names"},
        },
        "reference": {"Description": "Model that lacks a part of what the model reads"},
        "difference": {"Description": "Metric of the model minus that of the reference"},
        "t": {
            "Description": "Statistic of the corrected resampled t-test (Nadeau and Bengio 2003)"
        },
        "p_value": {"Description": "Two-sided p, as of comparisons.tsv"},
        "p_holm": {"Description": "That p, corrected by Holm for all rows of this table"},
        "n_splits": {"Description": "Splits compared"},
    }

    table: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Compare, where a joint model and one of its parts were evaluated."""
        tables = evaluation.tables
        wanted = [(joint, part) for image, joint in JOINT.items() for part in (_OWN, image)]
        wanted += [(name, _OWN) for name in tables if reads_own(name)]
        pairs = [pair for pair in wanted if set(pair) <= set(tables)]
        if not pairs:
            return None
        chosen = {name: tables[name] for name in {name for pair in pairs for name in pair}}
        predictions = of_patients(chosen, evaluation.cohort)
        table = compare_pairs(predictions, pairs, evaluation.task, evaluation.builder.seed)
        table.insert(0, "added", ["images" if part == _OWN else "own" for _, part in pairs])
        return cls(table=table)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`added`."""
        return {"added": self.table}

    def blocks(self, page: Page) -> list[Block]:
        """A table, and in words what images add."""
        return [
            Block(
                place="models",
                title="What images add to your predictors, and these to images",
                sentences=added_sentences(self.table, page.models),
                tables=(added_table(self.table, page.models),),
            )
        ]
