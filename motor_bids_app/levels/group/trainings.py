"""Which networks an estimator trains when it is fitted, without training any of them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from motor_bids_app.errors import DataError
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS
from motor_bids_app.models.instances.fusion import FusionModel
from motor_bids_app.models.instances.modalities import SliceModality
from motor_bids_app.models.instances.network import InstanceNetwork
from motor_bids_app.models.instances.windowed import WindowClassifier, WindowRegressor
from motor_bids_app.models.networks.deep import NetworkClassifier
from motor_bids_app.models.networks.ensemble import (
    MapEnsembleClassifier,
    MapEnsembleOrdinal,
    MapEnsembleRegressor,
)
from motor_bids_app.models.networks.model import NetworkModel
from motor_bids_app.models.tables.ordinal import CumulativeModel
from motor_bids_app.models.tables.recalibration import RecalibratedClassifier
from motor_bids_app.models.tables.transformed import TransformedRegressor, transformed
from motor_bids_app.models.training.batches import balanced_rows, count_batches
from motor_bids_app.models.training.folds import held_out, inner_folds

ENSEMBLES = (MapEnsembleClassifier, MapEnsembleRegressor, MapEnsembleOrdinal)
OF_WINDOWS = (WindowClassifier, WindowRegressor)
Labels = NDArray[Any]


@dataclass(frozen=True)
class Training:
    """One training of one network.

    Parameters
    ----------
    network : NetworkModel or InstanceNetwork
        Not fitted.
    rows, labels : array, shape (n_rows,)
        Scans that it is fitted to, as positions, and what it is to learn of them.
    kind : str
        In words. Trainings of one kind take equally long for an item.
    n_items : int
        Scans, windows or slices of an epoch, copies included.
    n_steps, epochs : int
        Steps of an epoch, and epochs at most.
    """

    network: Any
    rows: NDArray[np.intp]
    labels: Labels
    kind: str
    n_items: int
    n_steps: int
    epochs: int

    @property
    def keeps(self) -> bool:
        """Whether it leaves a checkpoint."""
        return self.network.checkpoints is not None

    def among(self, rows: NDArray[np.intp]) -> "Training":
        """Return the same training, with positions among samples of which these are a part."""
        return replace(self, rows=rows[self.rows])


def trainings_of(model: Any, X: Samples, y: Labels) -> list[Training]:
    """Return the trainings of ``model.fit(X, y)``, in order; empty where it trains no network.

    Raises
    ------
    DataError
        The people are too few for its inner folds.
    """
    if isinstance(model, RecalibratedClassifier):
        folds = inner_folds(y, X.participants, model.random_state)
        rows = [*(fitted for fitted, _ in folds), np.arange(len(X))]
        return [one for part in rows for one in _within(part, model.model, X, y)]
    if isinstance(model, TransformedRegressor):
        return trainings_of(model.model, X, transformed(y, model.transform))
    if isinstance(model, CumulativeModel):
        above = [(y > k).astype(np.int64) for k in range(model.n_classes - 1)]
        some = [labels for labels in above if 0 < labels.mean() < 1]
        return [one for labels in some for one in trainings_of(model.model, X, labels)]
    if isinstance(model, ENSEMBLES):
        return _of_ensemble(model, X, y)
    if isinstance(model, FusionModel):
        return _of_fusion(model, X, y)
    return [_of_scans(model, X, y)] if isinstance(model, NetworkModel) else []


def on_device(model: Any, device: str) -> Any:
    """Return a model that is not fitted, to be trained on a device."""
    if isinstance(model, InstanceNetwork):
        return replace(model, plan=replace(model.plan, device=device))
    return with_everywhere(clone(model), device=device)


def with_everywhere(model: Any, **params: Any) -> Any:
    """Give parameters to a model, and to those inside it that have them too."""
    names = [name for name in model.get_params() if name.split("__")[-1] in params]
    return model.set_params(**{name: params[name.split("__")[-1]] for name in names})


def _within(rows: NDArray[np.intp], model: Any, X: Samples, y: Labels) -> list[Training]:
    return [one.among(rows) for one in trainings_of(model, X[rows], y[rows])]


def _of_ensemble(model: Any, X: Samples, y: Labels) -> list[Training]:
    folds = inner_folds(y, X.participants, model.random_state)
    if X.volumes is None or not folds:
        raise DataError("The training people are too few for inner folds with both classes.")
    return [
        _of_scans(model.network(name, model.random_state + number), X[others], y[others]).among(
            others
        )
        for name in model.maps or X.volumes.maps
        for number, (others, _) in enumerate(folds)
    ]


def _of_fusion(model: Any, X: Samples, y: Labels) -> list[Training]:
    parts: list[NDArray[np.intp]] = []
    if len(model.modalities) > 1:
        has = [X.instances[name].counts > 0 for name in model.modalities if name in X.instances]
        both = np.flatnonzero(np.all(has, axis=0))
        who = X.participants[both]
        folds = inner_folds(y[both], who, model.random_state, model.inner_folds)
        tested = [np.isin(X.participants, who[judged]) for _, judged in folds]
        parts = [np.flatnonzero(~judged) for judged in tested]
    seeds = [model.random_state + 1 + number for number in range(len(parts))]
    parts.append(np.arange(len(X)))
    return [
        _of_instances(model.network(name, seed), X[rows], y[rows]).among(rows)
        for rows, seed in zip(parts, [*seeds, model.random_state], strict=True)
        for name in model.modalities
    ]


def _of_scans(model: Any, X: Samples, y: Labels) -> Training:
    """Training of a network of maps, of scans or of windows."""
    rows, labels = np.arange(len(X)), y
    windowed = isinstance(model, OF_WINDOWS)
    if windowed:
        X, scans = X.apart(WINDOWS, model.windows)
        y = y[scans]
    learned, _ = held_out(y, X.participants, model.validation_share, model.random_state)
    n_items = len(learned)
    if isinstance(model, NetworkClassifier) and model.balance == "sharpen":
        n_items = len(balanced_rows(y[learned]))
    kind = "network of windows"
    if not windowed and X.volumes is not None:
        n_maps = len(model.maps or X.volumes.maps)
        kind = "network of one map" if n_maps == 1 else f"network of {n_maps} maps"
    steps = count_batches(n_items, model.batch_size)
    return Training(model, rows, labels, kind, n_items, steps, model.epochs)


def _of_instances(network: InstanceNetwork, X: Samples, y: Labels) -> Training:
    instances = X.instances[network.modality.name]
    has = instances.counts > 0
    counts, share, seed = instances.counts[has], network.validation_share, network.plan.random_state
    learned, _ = held_out(y[has], X.participants[has], share, seed)
    n_items = int(counts[learned].sum())
    kind = f"network of {network.modality.name}"
    if isinstance(network.modality, SliceModality):
        kind += f" ({network.modality.backbone})"
    steps = count_batches(n_items, network.plan.batch_size)
    return Training(network, np.arange(len(X)), y, kind, n_items, steps, network.plan.epochs)
