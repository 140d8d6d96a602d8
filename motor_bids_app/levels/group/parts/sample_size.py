"""How many people the questions of an experiment need, beside how many there are."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.planning import (
    CORRELATION,
    people_for_classes,
    people_for_scores,
    people_to_tell_apart,
    smallest_difference,
)
from motor_bids_app.levels.cohort.scoring import PATIENTS
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.models.catalog import needs
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.tables import size_table

COLUMNS = ["model", "n_parameters", "n_people", "n_needed"]


@dataclass(frozen=True, kw_only=True)
class SampleSize(Part):
    """People that Riley's criteria ask for, and what these people can tell apart.

    Parameters
    ----------
    sizes : DataFrame
        Columns `COLUMNS`: one row for each model of few columns.
    sentences : tuple of str
    """

    names: ClassVar = ("sample_size",)
    columns: ClassVar[Columns] = {
        "n_parameters": {"Description": "Weights that the model learns"},
        "n_needed": {
            "Description": "People that developing such a model takes (Riley et al. 2019)"
        },
        "n_people": {"Description": "Patients there are"},
    }

    sizes: pd.DataFrame
    sentences: tuple[str, ...]

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self:
        """Count."""
        return cls(sizes=_sizes(evaluation), sentences=_sentences(evaluation))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`sample_size`, where a model has a number."""
        return {"sample_size": self.sizes} if len(self.sizes) else {}

    def blocks(self, page: Page) -> list[Block]:
        """Sentences and a table."""
        table = (size_table(self.sizes, page.models),) if len(self.sizes) else ()
        if not table and not self.sentences:
            return []
        return [Block(place="size", sentences=self.sentences, tables=table)]


def _sizes(evaluation: Evaluation) -> pd.DataFrame:
    """Patients that Riley's criteria ask for, for models of few columns."""
    cohort = evaluation.cohort
    truth = cohort.labels.truth[cohort.patients]
    share = float(np.mean(truth))
    rows = []
    for model in evaluation.setup.models:
        needed = needs(model)
        if needed.columns and not needed.pattern and not needed.volumes:
            n_parameters = len(needed.columns)
            people = (
                people_for_scores(n_parameters)
                if cohort.outcome.cutoff is None
                else people_for_classes(n_parameters, share)
            )
            rows.append((model, n_parameters, len(truth), people))
    return pd.DataFrame(rows, columns=COLUMNS)


def _sentences(evaluation: Evaluation) -> tuple[str, ...]:
    """Say which AUCs these patients tell apart, and how many the difference found would need."""
    if evaluation.cohort.outcome.cutoff is None:
        return ()
    table = evaluation.scores.metrics
    chosen = table[(table["population"] == PATIENTS) & (table["metric"] == "roc_auc")]
    tested = chosen[chosen["model"] == evaluation.final].iloc[0]
    n_poor, n = int(tested["n_poor"]), int(tested["n_people"])
    aucs = dict(zip(chosen["model"], chosen["value"].to_numpy(np.float64), strict=True))
    ours = aucs[evaluation.final]
    difference = smallest_difference(ours, n_poor, n - n_poor)
    sentences = [
        f"With {n} patients, {n_poor} of them poor, AUCs that differ by less than {difference:.2f} "
        f"cannot be told apart around {ours:.2f} (Hanley and McNeil; errors of two models in the "
        f"same patients taken to correlate by {CORRELATION:g})."
    ]
    compared = evaluation.scores.comparisons
    compared = compared[compared["model"] == evaluation.final]
    if len(compared):
        theirs = aucs[compared["reference"].iloc[0]]
        if round(ours, 2) != round(theirs, 2) and min(ours, theirs) > 0 and max(ours, theirs) < 1:
            people = people_to_tell_apart(theirs, ours, n_poor / n)
            sentences.append(
                f"To tell {theirs:.2f} from {ours:.2f} (best simpler model and final model) in 80 "
                f"of 100 studies takes about {people:,} patients of this mix.".replace(",", " ")
            )
    return tuple(sentences)
