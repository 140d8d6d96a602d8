"""The models of an experiment: which can be fitted, and how each is built."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.evaluation.fitting import Job, fit_in_turn
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.features.recordings import SIGNALS
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS
from motor_bids_app.features.slices import SLICES
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.group.initial_weights import FolderWeights, reads_slices
from motor_bids_app.levels.hardware import usable_precision
from motor_bids_app.models.catalog import (
    COMPARED_ONLY,
    FUSION,
    OWN_RUNGS,
    build_model,
    can_harmonise,
    needs,
)
from motor_bids_app.models.networks.backbones import source_name
from motor_bids_app.models.networks.transfer import Start
from motor_bids_app.models.tables.columns import BASELINE, DEMOGRAPHICS
from motor_bids_app.models.tables.recalibration import RecalibratedClassifier
from motor_bids_app.models.tables.transformed import TransformedRegressor, transformed
from motor_bids_app.models.training.settings import TrainingSettings
from motor_bids_app.models.training.snapshots import Checkpoints

log = logging.getLogger(__name__)
# That have more than demographics to use.
LESION_TOO = ("combined", "rbf", "boosting", "disconnection", *OWN_RUNGS)
PIECES = {
    WINDOWS: "windows of the bold",
    SIGNALS: "windows of EEG or EMG",
    SLICES: "slices of the bold",
}


@dataclass(frozen=True, kw_only=True)
class Builder:
    """How the models of an experiment are built.

    Parameters
    ----------
    cohort : Cohort
    experiment : Experiment
    seed : int
        Of the first training; those that follow count on.
    device : str
        For networks: "cpu", "cuda" or "cuda:i".
    checkpoints : Checkpoints, optional
        Where networks leave what they need to go on after a stop, and what they have learned.
    start : Start, optional
        Weights that networks begin with.
    weights : FolderWeights, optional
        Where networks of slices start from.
    """

    cohort: Cohort
    experiment: Experiment
    seed: int
    device: str
    checkpoints: Checkpoints | None = None
    start: Start | None = None
    weights: FolderWeights | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks on how models start, one sentence each."""
        if not reads_slices(self.experiment) or SLICES not in self.cohort.samples.instances:
            return ()
        backbone = self.experiment.model.backbone
        if self.weights is not None:
            name = source_name(backbone)
            return (
                f"The network of slices ({backbone}) starts from the weights in "
                f"{self.weights.path(name).name} (SHA-256 {self.weights.digest(name)}...).",
            )
        return (
            f"The network of slices ({backbone}) starts from random weights, because no others "
            "were given (--weights). The paper started from weights learned on photographs, from "
            "which networks learn more with few people.",
        )

    def build(
        self,
        name: str,
        *,
        raw: bool = False,
        maps: tuple[str, ...] | None = None,
        mask: NDArray[np.bool_] | None = None,
        backbone: str | None = None,
    ) -> list[Any]:
        """Return a model that is not fitted, a network once for each training.

        With `raw`, its probabilities are not recalibrated even where the experiment says so.
        `maps` and `mask` take the place of those of the cohort, `backbone` of the experiment's.
        """
        cohort, experiment = self.cohort, self.experiment
        network = name == experiment.model.kind
        params: dict[str, Any] = self._network() if network else {}
        if name in FUSION:
            params = self._fusion() | ({} if backbone is None else {"backbone": backbone})
        if can_harmonise(name):
            params["harmonise"] = experiment.inputs.harmonise
        span, transform = cohort.outcome.span, experiment.target.transform
        low, high = (float(end) for end in transformed(span, transform))
        built = [
            build_model(
                name,
                task=cohort.outcome.task,
                maps=cohort.maps if maps is None else maps,
                mask=cohort.mask if mask is None else mask,
                params=params,
                random_state=self.seed + i,
                device=self.device,
                checkpoints=self.checkpoints,
                bounds=(low, high),
                n_classes=len(cohort.outcome.thresholds) + 1,
                start=self.start,
            )
            for i in range(experiment.training.trainings if network else 1)
        ]
        if experiment.model.recalibrate == "logistic" and not raw:
            return [RecalibratedClassifier(one, self.seed + i) for i, one in enumerate(built)]
        if transform != "none":
            return [TransformedRegressor(one, transform, span) for one in built]
        return list(built)

    def fit(self, jobs: Sequence[Job], samples: Samples, y: NDArray[Any]) -> Iterator[Any]:
        """Yield fitted models, see `fit_in_turn`; trainings that are kept are not done again."""
        return fit_in_turn(jobs, samples, y)

    def check(self, names: Sequence[str]) -> None:
        """Raise UsageError if a network among the models cannot be built on these inputs."""
        for name in names:
            if name == self.experiment.model.kind or name in FUSION:
                model = self.build(name, raw=True)[0]
                plain = getattr(model, "model", model)  # of a classifier per threshold
                plain.check_inputs(self.cohort.samples)

    def train(self, name: str) -> list[Any]:
        """Train a model on everyone; a network as often as in each split."""
        log.info("%s: training the final model, %s, on everyone", self.experiment.name, name)
        samples, y = self.cohort.samples, self.cohort.y
        everyone = np.ones(len(samples), dtype=bool)
        return list(self.fit([(model, everyone) for model in self.build(name)], samples, y))

    def _fusion(self) -> dict[str, Any]:
        """Settings of the networks of windows and slices, alone or fused (shi2025)."""
        model, augmentation = self.experiment.model, self.experiment.augmentation
        if self.experiment.training.deterministic:
            raise UsageError(
                "[training] deterministic is not there for shi2025 and its halves: leave it out."
            )
        return self._training() | {
            "hidden": model.lstm,
            "step": model.step,
            "backbone": model.backbone,
            "size": model.size,
            "inner_folds": model.inner_folds,
            "weights": self.weights,
            "rotation": augmentation.rotation,
            "brightness": augmentation.brightness,
            "flip": augmentation.flip,
            "slice_batch_size": self.experiment.training.slice_batch_size,
        }

    def _network(self) -> dict[str, Any]:
        model, training = self.experiment.model, self.experiment.training
        own: dict[str, Any] = {"n_residuals": model.n_residuals}
        if needs(model.kind).instances:
            own = {
                "convolutions": model.convolutions,
                "windows": training.windows,
                "epsilon": training.epsilon,
            }
        return (
            own
            | self._training()
            | {
                "widths": model.widths,
                "hidden": model.hidden,
                "dropout": model.dropout,
                "deterministic": training.deterministic,
            }
        )

    def _training(self) -> dict[str, Any]:
        """Settings of any training."""
        training, names = self.experiment.training, [f.name for f in fields(TrainingSettings)]
        given = {name: getattr(training, name) for name in names if hasattr(training, name)}
        return given | {"precision": usable_precision(training.precision, self.device)}


def usable_models(cohort: Cohort, experiment: Experiment) -> tuple[tuple[str, ...], dict[str, str]]:
    """Models whose inputs are there, and what the others lack.

    Raises
    ------
    DataError
        No model is left.
    """
    lacking: dict[str, str] = {}
    for name in experiment.models:
        needed = needs(name)
        unmet = [
            "a baseline score, which [inputs] baseline_score names" if lack == BASELINE else lack
            for lack in needed.unmet(cohort.samples.table)
        ]
        if set(unmet) < set(DEMOGRAPHICS) or needed.volumes or name in LESION_TOO:
            # Missing demographics are imputed in the fold, as long as there is something to use.
            unmet = [name for name in unmet if name not in DEMOGRAPHICS]
        if needed.volumes and cohort.samples.volumes is None:
            unmet.append("maps")
        elif not set(needed.maps) <= set(cohort.maps):
            unmet.append(f"the {' and '.join(needed.maps)} map among [inputs] maps")
        given = cohort.samples.instances
        unmet += [
            f"{PIECES[kind]}, which nobody has"
            for kind in needed.instances
            if kind not in given or not given[kind].size
        ]
        if unmet:
            lacking[name] = ", ".join(unmet)
            log.warning("%s: %s is left out, it needs %s", experiment.name, name, lacking[name])
    models = tuple(name for name in experiment.models if name not in lacking)
    if set(models) <= COMPARED_ONLY:
        raise DataError(f"No model of {experiment.name} has its inputs: {lacking}.")
    return models, lacking
