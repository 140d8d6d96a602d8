"""Models of slices, EEG and EMG in each fold (shi2025): their weights, and where they look."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.files import write_table
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.features.slices import SLICES
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.explanation.slices import SliceExplainer
from motor_bids_app.models.catalog import FUSION
from motor_bids_app.models.instances.fusion import FusionModel
from motor_bids_app.models.opened.maps import plain_model
from motor_bids_app.models.training.snapshots import Checkpoints
from motor_bids_app.reports.experiment.explanation import Explanation
from motor_bids_app.reports.experiment.fusion import FusionSection, weight_chart, weight_table

FILE = "fusion_weights.tsv"
_COLUMNS: dict[str, dict[str, Any]] = {
    "repeat": {"Description": "Repeat of the cross-validation"},
    "fold": {"Description": "Test set of the repeat"},
    "training": {"Description": "Training, which differ in their seed"},
    "modality": {
        "Description": "Kind of data",
        "Levels": {"signals": "windows of EEG and EMG", "slices": "slices of the mean bold"},
    },
    "weight": {"Description": "Weight of its mean prediction; the weights of a fold sum to 1"},
    "n_people": {
        "Description": "Training people with both modalities, whose predictions by inner "
        "models decided on the weight"
    },
}


class FusionWatch:
    """Watches the fitted models of an experiment; see `cross_validate`.

    Parameters
    ----------
    folder : Path
        Of the experiment.
    explainer : SliceExplainer or None
        None where nobody has slices.
    """

    def __init__(self, folder: Path, explainer: SliceExplainer | None) -> None:
        self.folder = folder
        self.explainer = explainer
        self._rows: list[tuple[int, int, int, str, float, int]] = []
        self._sets: dict[int, list[bytes]] = {}

    def watch(self, model: Any, repeat: int, training: int, tested: NDArray[np.bool_]) -> None:
        """Take note of the weights of a model, and of where it looks."""
        plain = plain_model(model)
        if isinstance(plain, FusionModel) and len(plain.modalities) > 1:
            sets, this = self._sets.setdefault(repeat, []), tested.tobytes()
            if this not in sets:
                sets.append(this)
            fold = sets.index(this) + 1  # test sets come in order
            self._rows += [
                (repeat, fold, training, name, weight, plain.n_weighed_)
                for name, weight in plain.weights_.items()
            ]
        if self.explainer is not None:
            self.explainer.watch(model, repeat, training, tested)

    @property
    def weights(self) -> pd.DataFrame:
        """Columns repeat, fold, training, modality, weight, n_people."""
        return pd.DataFrame(self._rows, columns=list(_COLUMNS))

    def section(self) -> FusionSection | None:
        """Write the weights, and return what the report shows of them; None if there are none."""
        if not self._rows:
            return None
        write_table(self.folder / FILE, self.weights, _COLUMNS)
        return FusionSection(figure=weight_chart(self.weights), table=weight_table(self.weights))

    def explanation(self) -> Explanation | None:
        """Write the maps of the group, and return what the report shows of them."""
        return None if self.explainer is None else self.explainer.explain(self.folder)


def build_fusion_watch(
    folder: Path,
    cohort: Cohort,
    experiment: Experiment,
    seed: int,
    place: Checkpoints | None = None,
) -> FusionWatch | None:
    """Return what watches the models of slices, EEG and EMG; None where there are none of them."""
    if not set(FUSION) & set(experiment.models):
        return None
    explainer = None
    if SLICES in cohort.samples.instances:
        explainer = SliceExplainer(folder / "maps", cohort, experiment, seed, place)
    return FusionWatch(folder, explainer)
