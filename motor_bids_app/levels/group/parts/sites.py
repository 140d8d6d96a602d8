"""The final model at each site that was left out, and what to expect at a new one."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.sites import MEAN, NEW, sites_table
from motor_bids_app.levels.cohort.scoring import of_patients
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.tables import left_out_table


@dataclass(frozen=True, kw_only=True)
class Sites(Part):
    """Results by site, of experiments that leave sites out; see `sites_table`."""

    names: ClassVar = ("sites",)
    columns: ClassVar[Columns] = {
        "site": {
            "Description": "Site whose patients were predicted by a model of all other sites",
            "Levels": {
                MEAN: "random-effects mean (DerSimonian and Laird; interval of Hartung and Knapp)",
                NEW: "the same mean, with the interval of the true value at another such site",
            },
        },
        "value": {"Description": "AUC at the site, or correlation of scores"},
        "low": {"Description": "Lower limit of the 95 % interval"},
        "high": {"Description": "Upper limit of that interval"},
    }

    table: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Pool the sites that were left out."""
        cohort, final = evaluation.cohort, evaluation.final
        validation = evaluation.experiment.validation
        if validation.scheme != "leave_one_site_out" or validation.splits is not None:
            return None
        patients = of_patients({final: evaluation.tables[final]}, cohort)[final]
        own = cohort.sites.reindex(patients.people.tolist()).to_numpy(dtype=object)
        table = sites_table(patients, np.array([str(name) for name in own]), evaluation.task)
        return None if table.empty else cls(table=table)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`sites`."""
        return {"sites": self.table}

    def blocks(self, page: Page) -> list[Block]:
        """A table."""
        table = left_out_table(self.table, page.label)
        return [Block(place="models", title="Sites left out of training", tables=(table,))]
