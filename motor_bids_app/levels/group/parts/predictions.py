"""What every model said of every person."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.evaluation.crossvalidation import average_trainings
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.agreement import (
    calibration_curve,
    confusion_matrices,
    ordered_matrix,
    score_scatter,
)
from motor_bids_app.reports.experiment.charts import probability_strips
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.people import people_table
from motor_bids_app.reports.experiment.precision_recall import precision_recall_curves
from motor_bids_app.reports.experiment.roc import roc_curves
from motor_bids_app.reports.pages import Figure


def person_predictions(evaluation: Evaluation) -> pd.DataFrame:
    """One row per person and model: the out-of-fold prediction, averaged over repeats.

    Returns
    -------
    DataFrame
        Columns participant_id, model, group, true (1 poor and 0 good, or the score), predicted
        (probability of poor, or score), predicted_sd and n_predictions.
    """
    truth, controls = evaluation.cohort.labels.truth, evaluation.cohort.controls
    parts = []
    for model, table in (evaluation.tables | evaluation.beside.tables).items():
        grouped = average_trainings(table).groupby("participant_id")["prediction"]
        part = grouped.agg(predicted="mean", predicted_sd="std", n_predictions="size").reset_index()
        part.insert(1, "model", model)
        group = controls[part["participant_id"]].map({True: "control", False: "patient"})
        part.insert(2, "group", group.to_numpy())
        part.insert(3, "true", truth[part["participant_id"]].to_numpy())
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True, kw_only=True)
class PersonPredictions(Part):
    """Out-of-fold predictions, and the splits that they were made in.

    Parameters
    ----------
    predictions : DataFrame
        See `person_predictions`.
    out_of_fold, splits : DataFrame
        See `Evaluation` and `Setup`.
    metrics : DataFrame
        See `Scores`.
    """

    names: ClassVar = ("predictions", "out_of_fold", "splits")
    columns: ClassVar[Columns] = {
        "predicted_sd": {"Description": "Standard deviation of the prediction over repeats"},
        "n_predictions": {"Description": "Times the person was tested"},
    }

    predictions: pd.DataFrame
    out_of_fold: pd.DataFrame
    splits: pd.DataFrame
    metrics: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self:
        """Average over repeats."""
        return cls(
            predictions=person_predictions(evaluation),
            out_of_fold=evaluation.out_of_fold,
            splits=evaluation.setup.splits,
            metrics=evaluation.scores.metrics,
        )

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`predictions`, `out_of_fold` and `splits`."""
        return {
            "predictions": self.predictions,
            "out_of_fold": self.out_of_fold,
            "splits": self.splits,
        }

    def blocks(self, page: Page) -> list[Block]:
        """Figures of patients that belong to the task."""
        people = self.predictions[self.predictions["group"] == "patient"]
        final = people[people["model"] == page.answer.model]
        outcome = page.outcome
        if outcome.task == "classification":
            figures = self._of_classes(people, final, page)
        elif outcome.task == "ordinal":
            figures = [ordered_matrix(final, page.label, outcome.classes)]
        else:
            figures = [score_scatter(final, page.label, target=outcome.text)]
        table = people_table(final, page.label, outcome.task)
        return [Block(place="figures", figures=tuple(figures), tables=(table,))]

    def _of_classes(self, people: pd.DataFrame, final: pd.DataFrame, page: Page) -> list[Figure]:
        positive, negative = "poor", "good"
        tested = self._tested(people)
        return [
            roc_curves(tested, self.metrics, page.models),
            precision_recall_curves(tested, page.models),
            probability_strips(people, page.models, positive=positive, negative=negative),
            confusion_matrices(people, page.models, positive=positive, negative=negative),
            calibration_curve(final, page.label, positive=positive),
        ]

    def _tested(self, people: pd.DataFrame) -> pd.DataFrame:
        """One row for each time that one of the people was tested: true and predicted."""
        truth = people[["model", "participant_id", "true"]]
        keys = ["model", "repeat", "fold", "participant_id"]
        mean = self.out_of_fold.groupby(keys)["prediction"].mean().rename("predicted")
        return mean.reset_index().merge(truth, on=["model", "participant_id"])
