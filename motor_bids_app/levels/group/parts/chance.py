"""Whether models do better than chance."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.levels.group.chance import Tests, chance_table
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.evidence import null_histogram

PERMUTED = (
    "One-sided p of a permutation test, (b + 1) / (m + 1): outcomes are shuffled among "
    "the patients of each site, and the cross-validation is done again. Where the column tested "
    "of permutation.tsv says ridge, it is the p of a ridge regression on the same inputs, which "
    "stands in for the logistic regression or elastic net. n/a for models that are costly to refit"
)


@dataclass(frozen=True, kw_only=True)
class Chance(Part):
    """Permutation tests by model, and the task of the experiment."""

    names: ClassVar = ("permutation",)
    columns: ClassVar[Columns] = {
        "tested": {
            "Description": "What was fitted anew for every permutation",
            "Levels": {
                "model": "the model itself",
                "ridge": "a ridge regression on the same inputs, in the place of a logistic "
                "regression or an elastic net: p is its p, not that of the model",
            },
        },
        "value": {
            "Description": "Metric of what was tested, cross-validated in test sets that "
            "were drawn without a look at the labels, or are the sites"
        },
        "null_mean": {"Description": "Mean over permutations"},
        "null_high": {"Description": "Value that 95 of 100 permutations stay below"},
        "p_value": {"Description": PERMUTED},
        "n_permutations": {"Description": "Permutations of the labels among patients"},
    }

    tests: Tests
    task: str

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Take the tests."""
        tests = evaluation.scores.chance
        return cls(tests=tests, task=evaluation.task) if tests else None

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`permutation`."""
        return {"permutation": chance_table(self.tests, self.task)}

    def blocks(self, page: Page) -> list[Block]:
        """What the final model reaches with permuted labels, as a figure."""
        test = self.tests.get(page.answer.model)
        if test is None:
            return []
        figure = null_histogram(
            test.null,
            test.value,
            page.label,
            metric=page.answer.metric,
            stand_in=page.answer.stand_in,
        )
        return [Block(place="figures", figures=(figure,))]
