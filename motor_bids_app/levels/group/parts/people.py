"""Who takes part, and what they lack."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.levels.group.subgroups import missing_of
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.flow import flow_chart
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
    left_out : dict of str to int
        People who take no part, by reason.
    analysed : dict of str to int
        People who take part, by group.
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
    left_out: dict[str, int]
    analysed: dict[str, int]

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self:
        """Count what people lack."""
        cohort = evaluation.cohort
        return cls(
            excluded=cohort.excluded,
            missing=missing_of(cohort, evaluation.setup.models),
            left_out=cohort.left_out,
            analysed={name: int(members.sum()) for name, members in cohort.groups.items()},
        )

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`excluded` and `missing`."""
        return {"excluded": self.excluded, "missing": self.missing}

    def blocks(self, page: Page) -> list[Block]:  # noqa: ARG002
        """A chart of who is in and out, and a table of what is missing."""
        charts = (flow_chart(self.left_out, self.analysed),) if self.left_out else ()
        tables = () if self.missing.empty else (missing_table(self.missing),)
        return [Block(place="cohort", figures=charts, tables=tables)]
