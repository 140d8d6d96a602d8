"""The final model in parts of the cohort."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.evaluation.subgroups import subgroup_table
from motor_bids_app.levels.cohort.scoring import of_everyone
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.levels.group.subgroups import subgroups_of
from motor_bids_app.reports.experiment import tables
from motor_bids_app.reports.experiment.content import Block


@dataclass(frozen=True, kw_only=True)
class Subgroups(Part):
    """Main metric of the final model by sex, age, side, time and site; see `subgroup_table`."""

    names: ClassVar = ("subgroups",)
    columns: ClassVar[Columns] = {
        "characteristic": {"Description": "What patients are divided by"},
        "group": {
            "Description": "Group of patients, tested by the same models as all; the last "
            "row counts controls too, where there are some"
        },
        "metric": {"Description": "Main metric, of the final model"},
        "remark": {"Description": "Why there is no value"},
    }

    groups: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self:
        """Count each group alone."""
        cohort, final = evaluation.cohort, evaluation.final
        predictions = of_everyone({final: evaluation.tables[final]}, cohort)[final]
        seed = evaluation.builder.seed
        return cls(groups=subgroup_table(predictions, subgroups_of(cohort), evaluation.task, seed))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`subgroups`."""
        return {"subgroups": self.groups}

    def blocks(self, page: Page) -> list[Block]:
        """A table."""
        if self.groups.empty:
            return []
        table = tables.subgroup_table(self.groups, page.label)
        return [Block(place="models", title="In parts of the cohort", tables=(table,))]
