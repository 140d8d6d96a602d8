"""How much better flawed protocols make the final model look."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.flawed import flawed_protocols
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.ladder import (
    LADDER_TEXT,
    ladder_chart,
    ladder_reasons,
    ladder_table,
)


@dataclass(frozen=True, kw_only=True)
class Ladder(Part):
    """The leakage ladder, as [as_published] asks for; see `leakage_ladder`."""

    names: ClassVar = ("leakage_ladder",)
    columns: ClassVar[Columns] = {
        "protocol": {
            "Description": "How the final model was evaluated; all-of-these: every flaw that "
            "could be made, on top of each other; published: what the paper reports"
        },
        "state": {
            "Description": "Whether the value can be believed",
            "Levels": {
                "right": "by person, everything learned in the training fold",
                "optimistic": "a flawed protocol, which makes the model look better than it is",
                "published": "figure of a paper",
                "not applicable": "see the reason",
            },
        },
        "value": {
            "Description": "Metric under this protocol, of patients alone unless controls "
            "count in it"
        },
        "difference": {"Description": "The value minus that of the right protocol"},
        "n_counted": {"Description": "Units counted: people, scans, windows or copies"},
        "reason": {"Description": "Why the flaw cannot be made with this model and these data"},
    }

    ladder: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Evaluate the final model, not recalibrated, with every flaw that is asked for."""
        builder, final, raw = evaluation.builder, evaluation.final, evaluation.raw
        ladder = flawed_protocols(
            evaluation.cohort,
            evaluation.experiment,
            final,
            builder.build(final, raw=True),
            evaluation.setup.splits,
            evaluation.tables[final] if raw is None else raw,
            builder.seed,
            builder.fit,
        )
        return None if ladder is None else cls(ladder=ladder)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`leakage_ladder`."""
        return {"leakage_ladder": self.ladder}

    def blocks(self, page: Page) -> list[Block]:
        """A figure and a table."""
        if self.ladder.empty:
            return []
        figure = ladder_chart(self.ladder, page.label)
        return [
            Block(
                place="published",
                title="The leakage ladder",
                text=LADDER_TEXT,
                sentences=ladder_reasons(self.ladder),
                figures=() if figure is None else (figure,),
                tables=(ladder_table(self.ladder, page.label),),
            )
        ]
