"""A network that learns from windows or slices, and predicts scans by the mean over theirs."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn
from torch.utils.data import Dataset

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.instances.modalities import SignalModality, SliceModality
from motor_bids_app.models.networks.filling import filled
from motor_bids_app.models.networks.heads import (
    BoundedLoss,
    BoundedPoints,
    LogOdds,
    Points,
    WeightedLoss,
    bounded,
    bounded_start,
    check_bounds,
)
from motor_bids_app.models.state import State
from motor_bids_app.models.training.course import Plan
from motor_bids_app.models.training.folds import binary_labels, held_out
from motor_bids_app.models.training.snapshots import Checkpoints, identify
from motor_bids_app.models.training.train import train

Modality = SignalModality | SliceModality
BALANCES = ("weights", "none")
_KNOWN_BY = 32  # scans, by an instance of each of which a training knows its data again


class InstanceDataset(Dataset[Any]):
    """Instances with the target of their scan; training instances are changed at random.

    Parameters
    ----------
    instances : Instances
    targets : array, shape (n_scans, ...)
    modality : Modality
    scale : (float, float)
        Mean and spread to standardise by.
    training : bool
    """

    def __init__(
        self,
        instances: Instances,
        targets: NDArray[Any],
        modality: Modality,
        scale: tuple[float, float],
        *,
        training: bool,
    ) -> None:
        self.instances = instances
        self.targets = targets
        self.modality = modality
        self.scale = scale
        self.training = training

    def __len__(self) -> int:
        return self.instances.size

    def batch(
        self, items: NDArray[np.intp], random: np.random.Generator
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Return network inputs and targets of some instances."""
        images = self.instances.read(items)
        prepared = self.modality.prepare(images, random if self.training else None)
        inputs = {"instances": (prepared - self.scale[0]) / self.scale[1]}
        return inputs, torch.from_numpy(self.targets[self.instances.rows[items]])


@dataclass
class InstanceNetwork:
    """Network of one modality, trained on the instances of people.

    Parameters
    ----------
    modality : Modality
    plan : Plan
        Of the training.
    classify : bool
        Whether targets are classes 0 and 1, or scores.
    validation_share : float
        Share of the people held out, with all their instances, to stop by; 0 for none.
    balance : str
        "weights" gives both classes the same weight in the loss, "none" does not.
    checkpoints : Checkpoints, optional
        Where a training that is stopped leaves what it needs to go on.
    bounds : (float, float), optional
        Range of the score, which predictions stay within.
    """

    modality: Modality
    plan: Plan
    classify: bool
    validation_share: float = 0.2
    balance: str = "weights"
    checkpoints: Checkpoints | None = None
    bounds: tuple[float, float] | None = None

    def fit(self, samples: Samples, y: NDArray[Any]) -> Self:
        """Train on the scans that have instances; each instance has the target of its scan.

        Raises
        ------
        DataError
            Nobody has instances, or too few people do.
        """
        self._check()
        instances = self._instances(samples)
        has = instances.counts > 0
        if not has.any():
            raise DataError(f"No training person has {self.modality.title}: nothing is learned.")
        self.fallback_ = float(np.mean(y))
        samples, instances, y = samples[has], instances[has], np.asarray(y)[has]
        if self.classify:
            binary_labels(y)
        seed = self.plan.random_state
        learned, judged = held_out(y, samples.participants, self.validation_share, seed)
        self.facts_ = self.modality.facts(instances)
        self.scale_ = self.modality.scale(instances[learned])
        self.centre_, self.spread_ = 0.0, 1.0
        if not self.classify:
            self.centre_ = float(y[learned].mean())
            self.spread_ = float(y[learned].std()) or 1.0
            if self.bounds is not None:
                check_bounds(y, self.bounds)
                self.centre_ = bounded_start(y[learned], self.bounds)
        targets = self._targets(y)
        with torch.random.fork_rng(devices=[]):  # leave the caller's random state alone
            torch.manual_seed(seed)
            network = self.modality.network(self.facts_, self._n_outputs)
        validation = None
        if len(judged):
            validation = self._dataset(instances[judged], targets[judged], training=False)
        identity = self._identity(samples, y, learned, instances)
        self.network_, self.course_ = train(
            network,
            self._criterion(y[learned], instances[learned].counts),
            self._dataset(instances[learned], targets[learned], training=True),
            validation,
            self.plan,
            checkpoints=self.checkpoints,
            identity=identity,
        )
        return self

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Probability of poor, or score: mean over the instances of each scan, shape (n_scans,).

        NaN for scans without instances.
        """
        instances = self._instances(samples)
        if not instances.size:
            return np.full(len(samples), np.nan)
        self.modality.check(instances, self.facts_)
        outputs = np.concatenate([self._outputs(part) for part in self.batches(instances)])
        if self.classify:
            return instances.mean(softmax(outputs, axis=1)[:, 1], np.nan)
        if self.bounds is not None:
            return instances.mean(bounded(outputs[:, 0], self.bounds, self.centre_), np.nan)
        return instances.mean(outputs[:, 0] * self.spread_ + self.centre_, np.nan)

    def batches(self, instances: Instances) -> Iterator[Tensor]:
        """Yield some instances at a time as the network takes them, on its device."""
        everyone = np.arange(instances.size)
        dataset = self._dataset(instances, np.zeros(len(instances)), training=False)
        unused = np.random.default_rng(0)  # nothing is changed at random here
        self.network_.to(self.plan.device).eval()
        for start in range(0, len(everyone), self.plan.batch_size):
            inputs, _ = dataset.batch(everyone[start : start + self.plan.batch_size], unused)
            yield inputs["instances"].to(self.plan.device)

    def get_state(self) -> State:
        """Return what was learned, without an instance of a person."""
        weights = self.network_.state_dict()
        values = {
            "facts": self.facts_,
            "scale": list(self.scale_),
            "centre": self.centre_,
            "spread": self.spread_,
            "fallback": self.fallback_,
        }
        return State(values, {name: value.cpu().numpy() for name, value in weights.items()})

    def set_state(self, state: State) -> Self:
        """Take over what another learned."""
        values = state.values
        self.facts_, self.scale_ = values["facts"], (values["scale"][0], values["scale"][1])
        self.centre_, self.spread_ = float(values["centre"]), float(values["spread"])
        self.fallback_ = float(values["fallback"])
        weights = {name: torch.from_numpy(np.array(v)) for name, v in state.arrays.items()}
        self.network_ = filled(
            lambda: self.modality.network(self.facts_, self._n_outputs, fresh=False), weights
        )
        return self

    def one_number(self) -> nn.Module:
        """Return the step from outputs to log odds of poor, or to points of the score."""
        if self.classify:
            return LogOdds()
        if self.bounds is not None:
            return BoundedPoints(self.bounds, self.centre_)
        return Points(self.spread_)

    @property
    def average(self) -> float:
        """What `one_number` gives for an output of 0: in the middle of the training people."""
        with torch.inference_mode():
            return float(self.one_number()(torch.zeros(1, self._n_outputs))[0])

    @property
    def _n_outputs(self) -> int:
        return 2 if self.classify else 1

    def _check(self) -> None:
        self.plan.check()
        if self.balance not in BALANCES:
            raise UsageError(
                f"balance = {self.balance!r} is not for windows and slices: use one of "
                f"{', '.join(BALANCES)}."
            )
        if not self.validation_share and (self.plan.stop_after or self.plan.schedule == "plateau"):
            raise UsageError(
                "stop_after and schedule = 'plateau' go by people held out from training: set "
                "validation_share above 0, for instance 0.2."
            )

    def _instances(self, samples: Samples) -> Instances:
        if self.modality.name not in samples.instances:
            raise DataError(f"This model reads {self.modality.title}, but the scans have none.")
        return samples.instances[self.modality.name]

    def _targets(self, y: NDArray[Any]) -> NDArray[Any]:
        if self.classify:
            return y.astype(np.int64)
        if self.bounds is not None:
            return y.astype(np.float32)[:, None]
        return ((y - self.centre_) / self.spread_).astype(np.float32)[:, None]

    def _criterion(self, y: NDArray[Any], counts: NDArray[np.intp]) -> nn.Module:
        if self.bounds is not None and not self.classify:
            return BoundedLoss(self.bounds, self.centre_, self.spread_)
        if not self.classify:
            return nn.MSELoss()
        totals = np.bincount(y.astype(np.int64), counts, minlength=2)  # instances of each class
        weights = totals.sum() / (2 * totals) if self.balance == "weights" else np.ones(2)
        return WeightedLoss(weights)

    def _dataset(
        self, instances: Instances, targets: NDArray[Any], *, training: bool
    ) -> InstanceDataset:
        return InstanceDataset(instances, targets, self.modality, self.scale_, training=training)

    def _outputs(self, instances: Tensor) -> NDArray[np.float64]:
        with torch.inference_mode():
            return np.asarray(self.network_(instances).double().cpu().numpy())

    def _identity(
        self, samples: Samples, y: NDArray[Any], learned: NDArray[np.intp], instances: Instances
    ) -> tuple[str, str]:
        """Return the name of this training, and its settings and data."""
        if self.checkpoints is None:
            return "", ""
        own = {f.name: getattr(self.modality, f.name) for f in fields(self.modality)}
        settings = {**own, **vars(self.plan), "maps": self.modality.name, **self.facts_}
        settings |= {"balance": self.balance, "classify": self.classify, "bounds": self.bounds}
        settings["weights"] = self.modality.start()
        settings.pop("device")
        some = instances.at_most(1).read(slice(_KNOWN_BY))
        arrays = [y, learned, instances.counts, np.array(self.scale_), some]
        people = list(samples.participants[learned])
        kind = f"{type(self.modality).__name__} {own.get('backbone', '')}"
        return identify(kind, settings, people, arrays)
