"""Networks of slices, of EEG and EMG, and their fusion, as the paper of shi2025 prints them."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.evaluation.paper import as_paper
from motor_bids_app.levels.group.evaluation import Evaluation, stack
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.models.catalog import FUSION
from motor_bids_app.reports.experiment.backbones import BACKBONES_TEXT, backbone_table
from motor_bids_app.reports.experiment.content import Block


@dataclass(frozen=True, kw_only=True)
class Backbones(Part):
    """Metrics of each network of slices alone and fused, and of the LSTM.

    Parameters
    ----------
    printed : DataFrame
        Columns model, backbone, metric, mean, min, max and n_test_sets; means of both classes.
    metrics : DataFrame
        See `Scores`.
    """

    names: ClassVar = ("backbones",)
    columns: ClassVar[Columns] = {
        "backbone": {"Description": "Network of slices; n/a for EEG and EMG alone"},
        "mean": {"Description": "Mean over test sets and trainings, of both classes as positive"},
        "min": {"Description": "Least test set, mean over trainings"},
        "max": {"Description": "Greatest test set, mean over trainings"},
        "n_test_sets": {"Description": "Test sets with both classes"},
    }

    printed: pd.DataFrame
    metrics: pd.DataFrame

    @staticmethod
    def shows(evaluation: Evaluation) -> bool:
        """Whether there is such a network, of classes."""
        kinds = evaluation.experiment.model.kind in FUSION and set(FUSION) & set(evaluation.tables)
        return bool(kinds) and evaluation.task == "classification"

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Score every training in every test set; None for other experiments."""
        if not cls.shows(evaluation):
            return None
        every = {**evaluation.tables, **evaluation.beside.tables}
        tables = {name: table for name, table in every.items() if name.split("-")[0] in FUSION}
        truth = evaluation.cohort.labels.truth
        printed = stack({name: as_paper(table, truth) for name, table in tables.items()})
        own = evaluation.experiment.model.backbone
        backbone = {name: name.partition("-")[2] or own for name in tables if name != "signals"}
        printed.insert(1, "backbone", printed["model"].map(backbone))
        keep = ["model", "backbone", "metric", "mean", "min", "max", "n_test_sets"]
        overall = printed.loc[printed["class"] == "overall", keep].reset_index(drop=True)
        return cls(printed=overall, metrics=evaluation.scores.metrics)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`backbones`."""
        return {"backbones": self.printed}

    def blocks(self, page: Page) -> list[Block]:  # noqa: ARG002
        """A table."""
        if self.printed.empty:
            return []
        return [
            Block(
                place="published",
                title="As the paper reports it",
                text=BACKBONES_TEXT,
                tables=(backbone_table(self.printed, self.metrics),),
            )
        ]
