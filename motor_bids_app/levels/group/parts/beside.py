"""What [comparisons] asks for, where no section of a paper shows it."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.backbones import Backbones
from motor_bids_app.levels.group.parts.paper import AsPaper
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.tables import models_table


@dataclass(frozen=True, kw_only=True)
class Beside(Part):
    """Networks beside the ladder, in patients; their rows stand in `metrics` and `comparisons`.

    Parameters
    ----------
    metrics : DataFrame
        See `Scores`.
    labels : dict
        What is beside, by name; names begin with that of the model that is varied.
    """

    names: ClassVar = ()
    columns: ClassVar[Columns] = {}

    metrics: pd.DataFrame
    labels: dict[str, str]

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Take what is beside the network, unless it stands in the tables of a paper."""
        if not evaluation.beside.tables or AsPaper.shows(evaluation) or Backbones.shows(evaluation):
            return None
        return cls(
            metrics=evaluation.scores.metrics,
            labels=evaluation.beside.labels,
        )

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """None of its own."""
        return {}

    def blocks(self, page: Page) -> list[Block]:
        """A table."""
        varied = {name.split("-")[0] for name in self.labels}
        own = {name: label for name, label in page.models.items() if name in varied}
        labels = {**own, **self.labels}
        return [
            Block(
                place="models",
                title="Beside the network",
                text="What [comparisons] asks for, on the same splits. They do not affect the "
                "answer and are not corrected for multiple testing: the best of several rows is "
                "best partly by chance.",
                tables=(models_table(self.metrics, labels, page.outcome.task, "patients"),),
            )
        ]
