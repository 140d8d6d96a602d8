"""Who takes part, and what they lack."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.levels.group.subgroups import missing_of
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.tables import missing_table


@dataclass(frozen=True, kw_only=True)
class Missing(Part):
    """People who are left out, and what the others lack of what models may see.

    Parameters
    ----------
    excluded : DataFrame
        Columns participant_id, session_id, reason.
    missing : DataFrame
        See `missing_of`.
    """

    names: ClassVar = ("excluded", "missing")
    columns: ClassVar[Columns] = {
        "reason": {"Description": "Why the scan takes no part"},
        "what": {"Description": "What models may see"},
        "n_missing": {"Description": "People who lack it in every scan"},
        "n_patients": {"Description": "Patients among them"},
        "n_controls": {"Description": "Healthy controls among them"},
        "n_people": {"Description": "People in the experiment"},
        "rule": {"Description": "What models do about it, within each training fold"},
    }

    excluded: pd.DataFrame
    missing: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self:
        """Count what people lack."""
        cohort = evaluation.cohort
        return cls(excluded=cohort.excluded, missing=missing_of(cohort, evaluation.setup.models))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`excluded` and `missing`."""
        return {"excluded": self.excluded, "missing": self.missing}

    def blocks(self, page: Page) -> list[Block]:  # noqa: ARG002
        """A table of what is missing."""
        if self.missing.empty:
            return []
        return [Block(place="cohort", tables=(missing_table(self.missing),))]
