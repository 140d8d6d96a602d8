"""How the losses of networks fell in training."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.losses import loss_chart, loss_table


@dataclass(frozen=True, kw_only=True)
class Losses(Part):
    """Losses of every training in the cross-validation.

    Parameters
    ----------
    losses : DataFrame
        Columns model, repeat, fold, training, run (one training of one network), network, epoch,
        loss and validation_loss.
    """

    names: ClassVar = ("losses",)
    columns: ClassVar[Columns] = {
        "run": {"Description": "One training of one network; a model may train several"},
        "network": {"Description": "What the network sees: all maps, a map, or a kind of data"},
        "epoch": {"Description": "Pass over the training people, from 1"},
        "loss": {"Description": "Mean loss of the epoch, in the people learned from"},
        "validation_loss": {
            "Description": "Loss after the epoch in training people held out for early stopping; "
            "n/a where none were"
        },
    }

    losses: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Number the trainings."""
        losses = evaluation.training.losses if evaluation.training is not None else pd.DataFrame()
        if losses.empty:
            return None
        losses.insert(4, "run", (losses["epoch"] == 1).cumsum())
        return cls(losses=losses)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`losses`."""
        return {"losses": self.losses}

    def blocks(self, page: Page) -> list[Block]:
        """A figure and a table."""
        return [
            Block(
                place="figures",
                figures=(loss_chart(self.losses, page.models),),
            ),
            Block(
                place="models",
                title="How networks were trained",
                tables=(loss_table(self.losses, page.models),),
            ),
        ]
