"""Looks at networks that an evaluation will ask for, as work for any process."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from motor_bids_app.levels.group.explanation.looks import in_parts
from motor_bids_app.levels.group.explanation.watchers import Watchers
from motor_bids_app.levels.group.rehearsal import Shown
from motor_bids_app.levels.group.trainings import on_device, with_everywhere
from motor_bids_app.models.training.snapshots import Checkpoints, is_done


class _NotYetError(Exception):
    """A training is not done: by another shard, maybe."""


@dataclass(frozen=True)
class _Finished:
    """Checkpoints of trainings that are done; raises _NotYetError instead of training."""

    place: Checkpoints

    def load(self, name: str) -> bytes:
        content = self.place.load(name)
        if content is None or not is_done(content):
            raise _NotYetError
        return content

    def save(self, name: str, content: bytes) -> None:
        self.place.save(name, content)


@dataclass(frozen=True, eq=False)
class LookAhead:
    """A look at a model for some people of a test set, the first of it or others.

    Where one of its trainings is not done, it is left to the evaluation.
    """

    shown: Shown
    explainer: Any
    rows: list[int]
    first: bool

    @property
    def words(self) -> str:
        """What it is."""
        return f"{self.shown.last.model}, repeat {self.shown.repeat}"

    def do(self, device: str) -> None:
        """Find what the networks have learned, and look at them."""
        try:
            model = _fitted(self.shown, self.explainer, device)
        except _NotYetError:
            return
        self.explainer.look_ahead(model, self.rows, first=self.first)


@lru_cache(maxsize=1)
def _fitted(shown: Shown, explainer: Any, device: str) -> Any:
    """Return a model with what was learned; the looks of a test set come one after the other."""
    cohort, tested = explainer.cohort, shown.tested
    model = on_device(shown.model, device)
    with_everywhere(model, checkpoints=_Finished(explainer.place))
    return model.fit(cohort.samples[~tested], cohort.y[~tested])


def looks_of(watchers: Watchers, shown: Sequence[Shown]) -> list[LookAhead]:
    """Return the looks that watchers will have at models, in order."""
    found = []
    for explainer in watchers.explainers:
        turn = deepcopy(explainer.turn)
        for one in shown:
            if not explainer.explains(one.model):
                continue
            parts = enumerate(in_parts(turn.rows(one.training, one.tested)))
            found += [LookAhead(one, explainer, rows, number == 0) for number, rows in parts]
    return found
