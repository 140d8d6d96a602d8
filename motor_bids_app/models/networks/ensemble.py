"""One attention network per map, averaged over the maps that go best together (cbam2025).

The training people are dealt into inner folds. For each map and fold a network is trained on the
other folds, where it learns from some people and stops by the others; it then predicts the people
of this fold. These predictions, by networks that neither learned from the person nor stopped by
them, choose the maps to average. All networks stay: of a map, their mean is used. (Published:
weights and maps picked on the test set.)
"""

from collections.abc import Callable
from itertools import chain, combinations
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.networks.deep import NetworkClassifier, NetworkRegressor
from motor_bids_app.models.networks.inputs import map_columns, volumes_of
from motor_bids_app.models.state import State, letters
from motor_bids_app.models.tables.ordinal import NetworkOrdinal, ordered_labels
from motor_bids_app.models.training.folds import binary_labels, inner_folds

Array = NDArray[np.float64]


def subsets(maps: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return every subset of maps but the empty one, small ones first.

    >>> subsets(("fa", "wm"))
    [('fa',), ('wm',), ('fa', 'wm')]
    """
    return list(chain.from_iterable(combinations(maps, n) for n in range(1, len(maps) + 1)))


def choose_subset(
    maps: tuple[str, ...], predictions: Array, y: ArrayLike, loss: Callable[[Array, Array], float]
) -> tuple[str, ...]:
    """Return the maps whose mean prediction has the least loss; the fewer where equal.

    Parameters
    ----------
    predictions : float array, shape (n_scans, n_maps)
        Of people whom the networks did not learn from.
    """
    truth = np.asarray(y, dtype=np.float64)
    columns = {name: k for k, name in enumerate(maps)}
    losses = {
        subset: loss(truth, predictions[:, [columns[name] for name in subset]].mean(axis=1))
        for subset in subsets(maps)
    }
    return min(losses, key=losses.__getitem__)


def log_loss(truth: Array, probability: Array) -> float:
    """Mean negative logarithm of what was said of the class that came true."""
    said = np.where(truth == 1, probability, 1 - probability)
    return float(-np.log(np.maximum(said, 1e-7)).mean())


def squared_error(truth: Array, predicted: Array) -> float:
    """Mean squared difference."""
    return float(np.square(truth - predicted).mean())


class _MapEnsemble:
    """What classifier and regressor share; settings as of the network, with inner folds.

    `validation_share` is of the people outside an inner fold, whom its networks train with.
    """

    _kind: Callable[..., Any]
    _loss: Callable[[Array, Array], float]

    def _fit_maps(self, X: Samples, y: NDArray[Any]) -> None:
        settings: dict[str, Any] = self.get_params(deep=False)  # type: ignore[attr-defined]
        seed, volumes = settings["random_state"], volumes_of(X)
        self.maps_ = tuple(settings["maps"]) or volumes.maps
        map_columns(volumes, self.maps_)
        folds = inner_folds(y, X.participants, seed)
        if not folds:
            raise DataError(
                "The training people are too few for inner folds with both classes in each. Use "
                "more participants, or the karakis2023 model."
            )
        unseen = np.zeros((len(X), len(self.maps_)))
        self.networks_: list[list[Any]] = []
        for column, name in enumerate(self.maps_):
            self.networks_.append([])
            for number, (others, judged) in enumerate(folds):
                network = self.network(name, seed + number).fit(X[others], y[others])
                unseen[judged, column] = _given(network, X[judged])
                self.networks_[-1].append(network)
        self.chosen_ = choose_subset(self.maps_, unseen, y, type(self)._loss)

    def network(self, name: str, seed: int) -> Any:
        """Return a network of one map that is not fitted."""
        own = {"maps": (name,), "attention": True, "random_state": seed}
        return self._kind(**(self.get_params(deep=False) | own))  # type: ignore[attr-defined]

    def map_predictions(self, X: Samples) -> Array:
        """Return what the networks of each map say, shape (n_scans, n_maps)."""
        means = [
            np.mean([_given(network, X) for network in networks], axis=0)
            for networks in self.networks_
        ]
        return np.column_stack(means)

    def _mean(self, X: Samples) -> Array:
        columns = [self.maps_.index(name) for name in self.chosen_]
        chosen = [self.networks_[k] for k in columns]
        return np.asarray(
            np.mean([np.mean([_given(n, X) for n in group], axis=0) for group in chosen], axis=0)
        )

    def get_state(self) -> State:
        """Return what was learned, without a training scan."""
        state = State(values={"maps": list(self.maps_), "chosen": list(self.chosen_), "of": {}})
        for name, networks in zip(self.maps_, self.networks_, strict=True):
            for number, network in enumerate(networks):
                key, part = f"{name}_{letters(number)}", network.get_state()
                state.values["of"][key] = part.values
                state.arrays |= {f"{key}/{n}": value for n, value in part.arrays.items()}
                state.pipelines |= {f"{key}_{n}": value for n, value in part.pipelines.items()}
        return state

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        settings: dict[str, Any] = self.get_params(deep=False)  # type: ignore[attr-defined]
        self.maps_, self.chosen_ = tuple(state.values["maps"]), tuple(state.values["chosen"])
        self.networks_ = []
        for name in self.maps_:
            count = sum(key.rpartition("_")[0] == name for key in state.values["of"])
            self.networks_.append([])
            for number in range(count):
                key = f"{name}_{letters(number)}"
                network = self._kind(**(settings | {"maps": (name,), "attention": True}))
                arrays = {
                    n.removeprefix(f"{key}/"): value
                    for n, value in state.arrays.items()
                    if n.startswith(f"{key}/")
                }
                pipelines = {"demographics": state.pipelines[f"{key}_demographics"]}
                network.set_state(State(state.values["of"][key], arrays, pipelines))
                self.networks_[-1].append(network)


class MapEnsembleClassifier(_MapEnsemble, NetworkClassifier):
    """Mean probability of attention networks, one per map; see the module."""

    _kind, _loss = NetworkClassifier, staticmethod(log_loss)

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Train on classes 0 and 1, shape (n_scans,)."""
        self.classes_ = np.array([0, 1])
        self._fit_maps(X, binary_labels(y))
        return self

    def predict_proba(self, X: Samples) -> Array:
        """Return the probability of each class, shape (n_scans, 2)."""
        poor = self._mean(X)
        return np.column_stack([1 - poor, poor])


class MapEnsembleRegressor(_MapEnsemble, NetworkRegressor):
    """Mean score of attention networks, one per map; see the module."""

    _kind, _loss = NetworkRegressor, staticmethod(squared_error)

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Train on scores, shape (n_scans,)."""
        self._fit_maps(X, np.asarray(y, dtype=np.float64))
        return self

    def predict(self, X: Samples) -> Array:
        """Return scores, shape (n_scans,)."""
        return self._mean(X)


class MapEnsembleOrdinal(_MapEnsemble, NetworkOrdinal):
    """Mean expected class of attention networks, one per map; see the module."""

    _kind, _loss = NetworkOrdinal, staticmethod(squared_error)

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Train on class numbers, shape (n_scans,)."""
        self._fit_maps(X, ordered_labels(y, self.n_classes))
        return self

    def predict(self, X: Samples) -> Array:
        """Return expected class numbers, shape (n_scans,)."""
        return self._mean(X)


def _given(network: Any, X: Samples) -> Array:
    """Probability of the poor class, or score, of each scan."""
    if hasattr(network, "predict_proba"):
        return np.asarray(network.predict_proba(X)[:, 1])
    return np.asarray(network.predict(X))
