"""Networks of single maps, and which of them are averaged (cbam2025)."""

from dataclasses import dataclass
from typing import ClassVar, Self

import pandas as pd

from motor_bids_app.evaluation.subsets import chosen_maps, score_subsets
from motor_bids_app.levels.group.evaluation import Evaluation
from motor_bids_app.levels.group.parts.part import Columns, Page, Part
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.map_tables import chosen_table, subset_table


@dataclass(frozen=True, kw_only=True)
class ByMap(Part):
    """Predictions by single maps, every subset of maps scored in patients, and those chosen.

    Parameters
    ----------
    predictions : DataFrame
        Out of fold, of everyone.
    subsets, chosen : DataFrame
        See `score_subsets` and `chosen_maps`.
    """

    names: ClassVar = ("out_of_fold_maps", "map_subsets", "chosen_maps")
    columns: ClassVar[Columns] = {
        "map": {"Description": "Map that the networks saw"},
        "maps": {"Description": "Maps whose predictions are averaged"},
        "n_maps": {"Description": "Number of these maps"},
        "chosen": {
            "Description": "Whether the fitted model averages this map, by its training people"
        },
        "value": {
            "Description": "Metric of the mean prediction over the maps, out of fold, mean "
            "over repeats; to look at: the best of many subsets is best by luck too"
        },
    }

    predictions: pd.DataFrame
    subsets: pd.DataFrame
    chosen: pd.DataFrame

    @classmethod
    def compute(cls, evaluation: Evaluation) -> Self | None:
        """Score all subsets, where a model makes predictions by single maps."""
        by_map, cohort = evaluation.by_map, evaluation.cohort
        if by_map is None:
            return None
        patients = cohort.labels.truth[cohort.patients]
        return cls(
            predictions=by_map,
            subsets=score_subsets(by_map, patients, evaluation.task),
            chosen=chosen_maps(by_map),
        )

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """`out_of_fold_maps`, `map_subsets` and `chosen_maps`."""
        return {
            "out_of_fold_maps": self.predictions,
            "map_subsets": self.subsets,
            "chosen_maps": self.chosen,
        }

    def blocks(self, page: Page) -> list[Block]:
        """Two tables."""
        chosen, subsets = chosen_table(self.chosen), subset_table(self.subsets, page.answer.metric)
        return [
            Block(place="models", title="The maps that were chosen", tables=(chosen,)),
            Block(place="models", title="Every subset of maps", tables=(subsets,)),
        ]
