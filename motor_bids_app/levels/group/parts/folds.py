"""The network of gao2025 fold by fold, as its paper prints it."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.evaluation.by_fold import by_fold
from motor_bids_app.levels.cohort.scoring import of_patients
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.by_fold import fold_table
from motor_bids_app.reports.experiment.content import Block

PAPER = "gao2025"


@dataclass(frozen=True, kw_only=True)
class ByFold(Part):
    """Metrics of every test set; columns of `folds` as of `by_fold`, and training_accuracy."""

    names: ClassVar = ("folds",)
    columns: ClassVar[Columns] = {
        "training_accuracy": {"Description": "Accuracy in the people learned from"},
        "accuracy": {"Description": "Share of tested people whose class is right"},
        "roc_auc": {"Description": "AUC of the test set; n/a with one class"},
        "specificity": {"Description": "Share of good outcomes called good"},
        "sensitivity": {"Description": "Share of poor outcomes called poor"},
        "f1": {"Description": "Harmonic mean of precision and sensitivity"},
        "balanced_accuracy": {"Description": "Mean of sensitivity and specificity"},
        "p_value": {
            "Description": "Share of all ways to deal the labels out among the tested people that "
            "give this accuracy or more"
        },
        "least_p": {"Description": "That p of a faultless test set"},
    }

    folds: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Take the network apart by test set; None for other networks and for scores."""
        if PAPER not in evaluation.tables or evaluation.task != "classification":
            return None
        predictions = of_patients({PAPER: evaluation.tables[PAPER]}, evaluation.cohort)[PAPER]
        metrics = evaluation.scores.fold_metrics
        folds = by_fold(predictions, metrics[metrics["model"] == PAPER])
        keys = ["repeat", "fold"]
        learned = pd.DataFrame(columns=[*keys, "accuracy"])
        if evaluation.training is not None:
            learned = evaluation.training.accuracies
        own = learned.groupby(keys)["accuracy"].mean().rename("training_accuracy").reset_index()
        return cls(folds=folds.merge(own.astype(dict.fromkeys(keys, int)), how="left", on=keys))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`folds`."""
        return {"folds": self.folds}

    def blocks(self, page: Page) -> list[Block]:  # noqa: ARG002
        """A table."""
        return [
            Block(
                place="published",
                title="Fold by fold, as the paper reports it",
                tables=(fold_table(self.folds),),
            )
        ]
