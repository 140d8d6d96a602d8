"""Looks that are had ahead."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from motor_bids_app.levels.group.checkpoints import FolderCheckpoints
from motor_bids_app.levels.group.explanation.ahead import LookAhead
from motor_bids_app.levels.group.rehearsal import Shown


class Loading(BaseEstimator):
    """A model inside another that goes by its checkpoint."""

    def __init__(self, checkpoints=None, device="cpu"):
        self.checkpoints = checkpoints
        self.device = device

    def fit(self, X, y):
        self.learned_ = self.checkpoints.load("a" * 24)
        return self


class Around(BaseEstimator):
    def __init__(self, model=None):
        self.model = model

    def fit(self, X, y):
        self.model.fit(X, y)
        return self


@dataclass(eq=False)
class Explainer:
    place: FolderCheckpoints
    cohort: SimpleNamespace
    looked: list

    def look_ahead(self, model, rows, *, first):
        self.looked.append((model.model.device, rows, first))


def checkpoint(done):
    facts = f'{{"course": {{"done": {done}}}}}'.replace('"', '\\"')
    header = f'{{"__metadata__": {{"facts": "{facts}"}}}}'.encode()
    return len(header).to_bytes(8, "little") + header


@pytest.mark.parametrize(
    ("content", "looks"),
    [(None, 0), (b"damaged", 0), (checkpoint("false"), 0), (checkpoint("true"), 1)],
)
def test_only_models_whose_trainings_are_done_are_looked_at(tmp_path, content, looks):
    place = FolderCheckpoints(tmp_path / "kept")
    if content is not None:
        place.save("a" * 24, content)
    cohort = SimpleNamespace(samples=np.zeros(3), y=np.zeros(3))
    explainer = Explainer(place, cohort, [])
    tested = np.array([True, False, False])
    shown = Shown(Around(Loading(place, "cuda:0")), 1, 1, tested, None)

    LookAhead(shown, explainer, [0], first=True).do("cpu")

    assert explainer.looked == [("cpu", [0], True)] * looks
