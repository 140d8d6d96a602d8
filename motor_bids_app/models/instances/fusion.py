"""Slices and windows of EEG and EMG, each by a network of its own, fused late (shi2025).

Each network predicts instances; a scan is predicted by the mean over its instances; the two means
are brought to what they are worth (see `mixing`), added with weights that sum to 1, and the sum is
brought to what it is worth. All of it is found within the training fold: its people are dealt into
inner folds, networks learn from the others and predict these. Then both networks learn from
everyone in the fold.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.slices import SLICES
from motor_bids_app.models.instances.modalities import MODALITIES, SignalModality, SliceModality
from motor_bids_app.models.instances.network import InstanceNetwork
from motor_bids_app.models.networks.backbones import BACKBONES, InitialWeights
from motor_bids_app.models.state import State
from motor_bids_app.models.tables.classical import within
from motor_bids_app.models.training.folds import binary_labels, inner_folds
from motor_bids_app.models.training.mixing import Curve, Task, best_weight, weighted_sum
from motor_bids_app.models.training.settings import TrainingSettings

Array = NDArray[np.float64]
_WHOLE = "whole"  # name of the curve of the sum, beside those of modalities


@dataclass(kw_only=True, eq=False, repr=False)
class FusionModel(TrainingSettings):
    """What classifier and regressor share; how they are trained, see `TrainingSettings`.

    People who lack a modality are predicted by the other; people who lack all, by the share of
    poor outcomes, or the mean score, of the training fold.

    Parameters
    ----------
    modalities : tuple of str
        "signals", "slices", or both; with one there is nothing to weigh.
    hidden, step
        Of the LSTM, see `SignalModality`.
    backbone, size, rotation, brightness, flip, weights
        Of the network of slices, see `SliceModality`.
    inner_folds : int
        Folds by person to find the weights with, at most.
    batch_size, slice_batch_size : int
        Windows, and slices, per step of a training.
    """

    _task: ClassVar[Task]

    modalities: tuple[str, ...] = MODALITIES
    hidden: tuple[int, ...] = (128, 64, 32)
    step: float = 0.1
    backbone: str = "shufflenet"
    size: int = 224
    rotation: float = 15.0
    brightness: float = 0.2
    flip: bool = False
    weights: InitialWeights | None = None
    inner_folds: int = 3
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    batch_size: int = 32
    slice_batch_size: int = 16
    schedule: str = "plateau"
    halve_after: int = 5
    stop_after: int = 10
    validation_share: float = 0.2
    balance: str = "weights"

    @property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """Settings among which the paper took what did best in its test set."""
        return {"backbone": BACKBONES} if SLICES in self.modalities else {}

    def check_inputs(self, X: Samples) -> None:
        """Raise UsageError if a network cannot read the instances of scans."""
        for name in self.modalities:
            if name in X.instances and X.instances[name].size:
                self.network(name, self.random_state).modality.check_size(X.instances[name])

    def _fit(self, X: Samples, y: NDArray[Any]) -> None:
        """Find the weights, then train on everyone."""
        if not self.modalities or not set(self.modalities) <= set(MODALITIES):
            raise UsageError(f"modalities = {self.modalities}: use {' and '.join(MODALITIES)}.")
        self.fallback_ = float(np.mean(y))
        self.weights_, self.n_weighed_ = dict.fromkeys(self.modalities, 1.0), 0
        self.curves_: dict[str, Curve] = {}
        self.whole_: Curve | None = None
        if len(self.modalities) > 1:
            self._weigh(X, y)
        self.networks_ = {
            name: self.network(name, self.random_state).fit(X, y) for name in self.modalities
        }

    def _weigh(self, X: Samples, y: NDArray[Any]) -> None:
        """Set the weights by people whom the inner networks did not learn from.

        Those count who have both modalities; of each person the mean over the scans.
        """
        absent = [name for name in self.modalities if name not in X.instances]
        if absent:
            raise DataError(
                f"The model reads {' and '.join(self.modalities)}, but the scans have no "
                f"{' and '.join(absent)}."
            )
        has = [X.instances[name].counts > 0 for name in self.modalities]
        both = np.flatnonzero(np.all(has, axis=0))
        folds = self._inner(y[both], X.participants[both])
        if not folds:
            raise DataError(
                f"{len(np.unique(X.participants[both]))} training people have both signals and "
                "slices: too few for inner folds with both classes. Use more participants, or the "
                "models of one modality."
            )
        held_out = np.full((len(X), len(self.modalities)), np.nan)
        for number, (_, judged) in enumerate(folds):
            tested = np.isin(X.participants, X.participants[both[judged]])
            for column, name in enumerate(self.modalities):
                network = self.network(name, self.random_state + 1 + number)
                network.fit(X[~tested], y[~tested])
                held_out[tested, column] = network.predict(X[tested])
        self._set_weights(X.participants[both], held_out[both], y[both])

    def _inner(self, y: NDArray[Any], participants: NDArray[np.str_]) -> list[Any]:
        return inner_folds(y, participants, self.random_state, self.inner_folds)

    def _set_weights(
        self, participants: NDArray[np.str_], held_out: Array, y: NDArray[Any]
    ) -> None:
        people, own = np.unique(participants, return_inverse=True)
        counts = np.bincount(own)
        means = [np.bincount(own, values) / counts for values in (*held_out.T, y)]
        predicted, truth = means[:2], means[2]
        curves = [Curve.fit(values, truth, self._task) for values in predicted]
        worth = [curve(values) for curve, values in zip(curves, predicted, strict=True)]
        first = best_weight(worth[0], worth[1], truth, self._task)
        self.curves_ = dict(zip(self.modalities, curves, strict=True))
        self.weights_ = dict(zip(self.modalities, (first, 1 - first), strict=True))
        mixed = weighted_sum(np.column_stack(worth), np.array([first, 1 - first]), 0.0, self._task)
        self.whole_ = Curve.fit(mixed, truth, self._task, usual=1.0)
        self.n_weighed_ = len(people)

    def network(self, modality: str, seed: int) -> InstanceNetwork:
        """Return the network of a modality that is not fitted."""
        slices = modality == SLICES
        batch_size = self.slice_batch_size if slices else self.batch_size
        return InstanceNetwork(
            self._slices() if slices else self._signals(),
            self.plan(batch_size=batch_size, random_state=seed),
            self._task == "classification",
            self.validation_share,
            self.balance,
            self.checkpoints,
            self.bounds,
        )

    def _signals(self) -> SignalModality:
        return SignalModality(hidden=tuple(self.hidden), step=self.step)

    def _slices(self) -> SliceModality:
        return SliceModality(
            backbone=self.backbone,
            size=self.size,
            rotation=self.rotation,
            brightness=self.brightness,
            flip=self.flip,
            weights=self.weights,
        )

    def by_modality(self, X: Samples) -> Array:
        """Prediction of each modality alone, shape (n_scans, n_modalities); NaN where lacking."""
        check_is_fitted(self, "networks_")
        parts = []
        for name, network in self.networks_.items():
            given = network.predict(X) if name in X.instances else np.full(len(X), np.nan)
            parts.append(self.curves_[name](given) if name in self.curves_ else given)
        return np.column_stack(parts)

    def _mixed(self, X: Samples) -> Array:
        weights = np.array([self.weights_[name] for name in self.networks_])
        return weighted_sum(self.by_modality(X), weights, self.fallback_, self._task, self.whole_)

    def get_state(self) -> State:
        """Return what was learned, without an instance of a person."""
        check_is_fitted(self, "networks_")
        state = State(
            {
                "fusion": self.weights_,
                "n_weighed": self.n_weighed_,
                "fallback": self.fallback_,
                "curves": {},
                "of": {},
            }
        )
        curves = self.curves_ if self.whole_ is None else {**self.curves_, _WHOLE: self.whole_}
        for name, curve in curves.items():
            state.values["curves"][name] = [curve.intercept, curve.slope]
        for name, network in self.networks_.items():
            part = network.get_state()
            state.values["of"][name] = part.values
            state.arrays |= {f"{name}/{key}": value for key, value in part.arrays.items()}
        return state

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        values = state.values
        self.weights_ = {name: float(value) for name, value in values["fusion"].items()}
        self.n_weighed_, self.fallback_ = int(values["n_weighed"]), float(values["fallback"])
        self.curves_ = {
            name: Curve(float(intercept), float(slope), self._task)
            for name, (intercept, slope) in values["curves"].items()
        }
        self.whole_ = self.curves_.pop(_WHOLE, None)
        self.networks_ = {}
        for name in self.modalities:
            arrays = {
                key.removeprefix(f"{name}/"): value
                for key, value in state.arrays.items()
                if key.startswith(f"{name}/")
            }
            part = State(values["of"][name], arrays)
            self.networks_[name] = self.network(name, self.random_state).set_state(part)


class FusionClassifier(ClassifierMixin, FusionModel):
    """Probability of a poor outcome from windows, slices or both; see the module."""

    _task: ClassVar[Task] = "classification"

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Train on classes 0 and 1, shape (n_scans,)."""
        self.classes_ = np.array([0, 1])
        self._fit(X, binary_labels(y))
        return self

    def predict_proba(self, X: Samples) -> Array:
        """Return the probability of each class, shape (n_scans, 2)."""
        poor = self._mixed(X)
        return np.column_stack([1 - poor, poor])


class FusionRegressor(RegressorMixin, FusionModel):
    """Score from windows, slices or both; see the module."""

    _task: ClassVar[Task] = "regression"

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Train on scores, shape (n_scans,)."""
        self._fit(X, np.asarray(y, dtype=np.float64))
        return self

    def predict(self, X: Samples) -> Array:
        """Return scores, shape (n_scans,), within the bounds."""
        # A line brings each modality to what it is worth, and may lead out of the range.
        return within(self._mixed(X), self.bounds)
