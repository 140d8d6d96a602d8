"""What the audit found."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.pages import Table

_SHOWN = (
    "Checks for what would make the evaluation too good.",
    {"check": "Check", "state": "Result", "finding": "Finding"},
)


@dataclass(frozen=True, kw_only=True)
class Audit(Part):
    """All checks; see `audit`."""

    names: ClassVar = ("audit",)
    columns: ClassVar[Columns] = {
        "name": {"Description": "Name of the check, for --allow"},
        "check": {"Description": "What was checked"},
        "state": {
            "Description": "Outcome",
            "Levels": {
                "passed": "nothing found",
                "warning": "read the finding",
                "failed": "results are void",
                "not checked": "the finding says why",
            },
        },
        "finding": {"Description": "What was found"},
        "participants": {"Description": "Participants concerned"},
    }

    checks: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self:
        """Take the checks that were made before anything was fitted."""
        return cls(checks=evaluation.setup.audit)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`audit`."""
        return {"audit": self.checks}

    def blocks(self, page: Page) -> list[Block]:  # noqa: ARG002
        """A table."""
        if self.checks.empty:
            return []
        return [Block(place="audit", tables=(Table.of(self.checks, *_SHOWN),))]
