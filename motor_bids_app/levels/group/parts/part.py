"""What every part of the result of an experiment can do.

A new analysis is a module beside this one, and a name in `levels.group.experiment.PARTS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import pandas as pd

from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.reports.experiment.answer import Answer
from motor_bids_app.reports.experiment.content import Block

if TYPE_CHECKING:
    from motor_bids_app.levels.group.evaluation import Evaluation

Columns = Mapping[str, Mapping[str, Any]]
WIDENED = (
    "; of the AUC by the variance of Hanley and McNeil over the pairs that were compared, of r by "
    "Fisher, of calibration by the jackknife, each wider because the people who are tested also "
    "train; of errors and R2 by how people and test sets vary; of balanced accuracy by Wilson's "
    "intervals of its two shares; of other shares by bootstrap over people, at least as wide as "
    "the corrected resampled interval (Nadeau and Bengio 2003)"
)


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the blocks of all parts are about.

    Parameters
    ----------
    models : mapping of str to str
        Labels by name, simplest first.
    answer : Answer
        Result of the final model.
    outcome : Outcome
    ceiling : float or None
        Best reachable value of the main metric, known for simulated data.
    """

    models: Mapping[str, str]
    answer: Answer
    outcome: Outcome
    ceiling: float | None = None

    @property
    def label(self) -> str:
        """The final model, as readers know it."""
        return self.models[self.answer.model]


class Part(Protocol):
    """One analysis of an experiment.

    Attributes
    ----------
    names : tuple of str
        Files that it may write, without ending; those of an earlier run are removed.
    columns : mapping
        Data dictionary of its tables, beyond and before that of `results.COLUMNS`.
    """

    names: ClassVar[tuple[str, ...]] = ()
    columns: ClassVar[Columns] = {}

    @classmethod
    def compute(cls, evaluation: "Evaluation") -> Self | None:
        """Return what was found; None where the experiment does not ask for it."""
        ...

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables to write, by the name of their file."""
        ...

    def blocks(self, page: Page) -> list[Block]:
        """What the page shows."""
        ...
