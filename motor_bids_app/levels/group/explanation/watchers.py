"""Everything that watches the final models of an experiment, to show what they look at."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.maps import MapLibrary
from motor_bids_app.levels.group.estimators import Builder
from motor_bids_app.levels.group.explanation.collect import Explainer
from motor_bids_app.levels.group.explanation.explain import (
    build_explainer,
    explain,
    find_lesions,
)
from motor_bids_app.levels.group.explanation.fusion import FusionWatch, build_fusion_watch
from motor_bids_app.levels.group.explanation.slices import SliceExplainer
from motor_bids_app.levels.group.explanation.windows import (
    WindowExplainer,
    build_window_explainer,
)
from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.explanation import Explanation


@dataclass(frozen=True, kw_only=True)
class Watchers:
    """What explains models of maps, of slices and signals, and of windows; None: not asked for.

    Parameters
    ----------
    folder : Path
        Of the experiment, where maps and tables are written.
    """

    folder: Path
    experiment: Experiment
    maps: Explainer | None
    fusion: FusionWatch | None
    windows: WindowExplainer | None

    @classmethod
    def build(cls, folder: Path, experiment: Experiment, builder: Builder) -> Self:
        """Return what an experiment needs; nothing is read or written."""
        cohort, seed, place = builder.cohort, builder.seed, builder.checkpoints
        return cls(
            folder=folder,
            experiment=experiment,
            maps=build_explainer(folder / "maps", cohort, experiment, seed, place),
            fusion=build_fusion_watch(folder, cohort, experiment, seed, place),
            windows=build_window_explainer(folder / "maps", cohort, experiment, seed, place),
        )

    def begin(self, library: MapLibrary) -> None:
        """Read the lesions that maps are compared with, and delete earlier maps."""
        shutil.rmtree(self.folder / "maps", ignore_errors=True)
        if self.maps is not None:
            self.maps.lesions = find_lesions(self.maps.cohort, self.experiment, library)

    @property
    def explainers(self) -> list[Explainer | WindowExplainer | SliceExplainer]:
        """Those that look at networks."""
        slices = None if self.fusion is None else self.fusion.explainer
        return [one for one in (self.maps, slices, self.windows) if one is not None]

    def watch(self, model: Any, repeat: int, training: int, tested: NDArray[np.bool_]) -> None:
        """Look at a fitted model; see `cross_validate`."""
        for each in (self.maps, self.fusion, self.windows):
            if each is not None:
                each.watch(model, repeat, training, tested)

    def blocks(self, members: Sequence[Any]) -> list[Block]:
        """Write maps and tables, and return what the page shows of them.

        Parameters
        ----------
        members : sequence of estimators
            The final model, trained on everyone.
        """
        blocks, section = [], None if self.fusion is None else self.fusion.section()
        if section is not None:
            blocks.append(
                Block(
                    place="models",
                    title="What the fusion relies on",
                    text="Each modality alone is among the models above, on the same splits.",
                    figures=(section.figure,),
                    tables=(section.table,),
                )
            )
        found = self._explanation(members)
        if found is not None:
            blocks.append(
                Block(
                    place="explanation",
                    sentences=found.sentences,
                    figures=found.figures,
                    tables=(found.checks, found.places, found.peaks),
                    references=found.references,
                )
            )
        return blocks

    def _explanation(self, members: Sequence[Any]) -> Explanation | None:
        return (
            explain(self.folder, self.maps, self.experiment, members)
            or (self.fusion.explanation() if self.fusion is not None else None)
            or (self.windows.explain(self.folder) if self.windows is not None else None)
        )
