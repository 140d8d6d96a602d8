"""The network and what is beside it in the form of Karakis et al. (2023)."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.evaluation.paper import as_paper, best_trainings, by_test_set
from motor_bids_app.levels.group.evaluation import Evaluation, stack
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.levels.group.parts.predictions import person_predictions
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.paper import (
    PAPER_TEXT,
    PaperNumbers,
    embedding_figure,
    paper_tables,
)
from motor_bids_app.reports.experiment.paper_figures import paper_figures

PAPER = "karakis2023"


@dataclass(frozen=True, kw_only=True)
class AsPaper(Part):
    """Metrics as printed, of all people, since the paper counted controls; of classes.

    Parameters
    ----------
    printed, sets : DataFrame
        Column model and those of `evaluation.paper.as_paper` and of `by_test_set`.
    metrics : DataFrame
        The right ones, see `Scores`.
    beside : dict
        Labels of what is evaluated beside the models.
    """

    names: ClassVar = ("as_paper", "as_paper_sets")
    columns: ClassVar[Columns] = {
        "class": {
            "Description": "Class taken as positive; overall: mean of both. Controls count as "
            "good, as in the paper"
        },
        "mean": {"Description": "Mean over test sets and trainings"},
        "min": {"Description": "Least test set, mean over trainings"},
        "max": {"Description": "Greatest test set, mean over trainings"},
        "mean_of_maxima": {
            "Description": "Mean over test sets of the training with the best accuracy there (then "
            "AUC): what the paper reports, and an upper bound, since nobody can pick that training"
        },
        "maxima_min": {"Description": "Least best training over test sets"},
        "maxima_max": {"Description": "Greatest best training over test sets"},
        "n_test_sets": {"Description": "Test sets with both classes: each fold of each repeat"},
    }

    printed: pd.DataFrame
    sets: pd.DataFrame
    metrics: pd.DataFrame
    beside: dict[str, str]

    @staticmethod
    def shows(evaluation: Evaluation) -> bool:
        """Whether the network is that of the paper, and has classes."""
        return PAPER in evaluation.tables and evaluation.task == "classification"

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Score every training in every test set; None for the networks of other papers."""
        beside = evaluation.beside
        if not cls.shows(evaluation):
            return None
        tables = {PAPER: evaluation.tables[PAPER], **beside.tables}
        truth = evaluation.cohort.labels.truth
        return cls(
            printed=stack({name: as_paper(table, truth) for name, table in tables.items()}),
            sets=stack({name: by_test_set(table, truth) for name, table in tables.items()}),
            metrics=evaluation.scores.metrics,
            beside=beside.labels,
        )

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`as_paper` and `as_paper_sets`."""
        return {"as_paper": self.printed, "as_paper_sets": self.sets}

    def blocks(self, page: Page) -> list[Block]:
        """The tables and box plots of the paper."""
        if self.printed.empty:
            return []
        numbers = PaperNumbers(
            printed=self.printed,
            sets=self.sets,
            best=stack({str(k): best_trainings(part) for k, part in self.sets.groupby("model")}),
            metrics=self.metrics,
            models=page.models,
            beside=self.beside,
        )
        return [
            Block(
                place="published",
                title="As the paper reports it",
                text=PAPER_TEXT,
                figures=tuple(paper_figures(numbers)),
                tables=tuple(paper_tables(numbers)),
            )
        ]


@dataclass(frozen=True, kw_only=True)
class Embedding(Part):
    """Tested people as points, as each layer of one network sees them.

    Parameters
    ----------
    points : DataFrame
        See `ComparisonModels`.
    predictions : DataFrame
        See `person_predictions`.
    """

    names: ClassVar = ("layers_tsne",)
    columns: ClassVar[Columns] = {
        "layer": {
            "Description": "Layer of the network",
            "Levels": {
                "flatten": "joined features of all maps, and the unit of demographics",
                "dense1": "first dense layer",
                "dense2": "second dense layer",
            },
        },
        "x": {"Description": "Place in the plane (t-SNE); without unit or meaning of its own"},
        "y": {"Description": "Place in the plane (t-SNE); without unit or meaning of its own"},
    }

    points: pd.DataFrame
    predictions: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Take the points that were seen while networks were evaluated."""
        points = evaluation.beside.embedding
        if points is None:
            return None
        return cls(points=points, predictions=person_predictions(evaluation))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`layers_tsne`."""
        return {"layers_tsne": self.points}

    def blocks(self, page: Page) -> list[Block]:  # noqa: ARG002
        """A figure."""
        return [Block(place="figures", figures=(embedding_figure(self.points, self.predictions),))]
