"""How people with poor and with good outcomes differ (table 2 of gao2025)."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.groups import group_tests
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.answer import format_p
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.pages import Table

_NUMBERS = {
    "age": "Age (years)",
    "time_since_stroke": "Time since stroke (months)",
    "lesion_volume": "Lesion volume (ml)",
}


@dataclass(frozen=True, kw_only=True)
class Groups(Part):
    """Tests between classes, of patients; columns of `tests` as of `group_tests`."""

    names: ClassVar = ("group_tests",)
    columns: ClassVar[Columns] = {
        "measure": {"Description": "What is compared, with its unit or its words"},
        "test": {"Description": "Welch's t-test, Fisher's exact test, or chi-squared"},
        "poor": {"Description": "Patients with a poor outcome: mean ± SD, or counts of each word"},
        "good": {"Description": "Patients with a good outcome: mean ± SD, or counts of each word"},
        "n_poor": {"Description": "Those with a value and a poor outcome"},
        "n_good": {"Description": "Those with a value and a good outcome"},
        "p_value": {"Description": "Two-sided p, not corrected for the number of measures"},
    }

    tests: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Test what is known of patients; None without two classes."""
        cohort = evaluation.cohort
        if cohort.outcome.cutoff is None:
            return None
        tests = _tests(cohort)
        return None if tests.empty else cls(tests=tests)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`group_tests`."""
        return {"group_tests": self.tests}

    def blocks(self, page: Page) -> list[Block]:  # noqa: ARG002
        """A table."""
        rows = [
            (
                row["measure"],
                f"{row['poor']} (n = {row['n_poor']})",
                f"{row['good']} (n = {row['n_good']})",
                row["test"],
                "n/a" if pd.isna(row["p_value"]) else format_p(row["p_value"]).removeprefix("= "),
            )
            for row in self.tests.to_dict("records")
        ]
        table = Table(
            caption="Comparison of patients with poor and with good outcomes. p is two-sided and "
            "not corrected for the number of rows. A model may use these differences without "
            "using motor tracts: the rungs of demographics and lesion volume show how well that "
            "works.",
            columns=("Measure", "Poor", "Good", "Test", "p"),
            rows=tuple(rows),
            numeric=frozenset({4}),
        )
        return [Block(place="cohort", title="Poor and good outcomes", tables=(table,))]


def _tests(cohort: Cohort) -> pd.DataFrame:
    people = cohort.samples.table.drop_duplicates("participant_id").set_index("participant_id")
    people = people.reindex(cohort.labels.truth.index[cohort.patients])
    poor = cohort.labels.truth[cohort.patients].to_numpy() == 1
    score = cohort.outcome.score
    named = {**_NUMBERS, score.name: f"{score.label} ({score.unit})"}
    numbers = {
        title: people[name].to_numpy(dtype=float)
        for name, title in named.items()
        if name in people and people[name].notna().any()
    }
    words = {}
    if "sex" in people and people["sex"].notna().any():
        words["Sex"] = people["sex"].map({0: "female", 1: "male"})
    if "lesion_side" in people and people["lesion_side"].notna().any():
        words["Lesion side"] = people["lesion_side"]
    said = {
        name: np.array([None if pd.isna(one) else one for one in column], dtype=object)
        for name, column in words.items()
    }
    return group_tests(numbers, said, poor)
