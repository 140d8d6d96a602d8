"""Networks as estimators: trained by skorch on mini-batches, in the training fold only."""

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNet
from torch import nn

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.batches import Batches, ScanDataset, Standardiser, balanced_rows
from motor_bids_app.models.columns import DEMOGRAPHICS, numeric_columns
from motor_bids_app.models.folds import binary_labels
from motor_bids_app.models.inputs import check_grid, grid_from_values, grid_values, volumes_of
from motor_bids_app.models.networks import (
    KARAKIS_RESIDUALS,
    KARAKIS_WIDTHS,
    MultiBranchNetwork,
)
from motor_bids_app.models.state import State

BALANCES = ("sharpen", "weights", "none")


class _NetworkModel(BaseEstimator):
    """Multi-branch residual network on maps and demographics (karakis2023).

    Maps enter as deviations from the training fold's voxelwise mean, in units of each map's
    spread, so that a map that a scan lacks is the fold's mean. Age, sex and time since stroke
    are imputed with the fold's median and scaled.

    Parameters
    ----------
    maps : tuple of str
        Maps to use, one branch each; all if empty.
    mask : bool array, shape of the volumes, optional
        Where the network sees anything; everywhere by default.
    widths : tuple of int
        Channels along a branch, see `ResidualBranch`.
    n_residuals, hidden, dropout
        See `MultiBranchNetwork`.
    learning_rate, momentum, weight_decay : float
        Of stochastic gradient descent.
    epochs, batch_size : int
        Passes over the training scans, and scans per step (2 or more).
    balance : str
        How the rarer class gets equal weight: "sharpen" adds sharpened copies of its scans
        until classes are equal, "weights" weighs the loss, "none" does neither.
    random_state : int
        Seed of weights, order, dropout and sharpening.
    device : str
        "cpu", "cuda" or "cuda:i". On the CPU, the same seed and number of threads give the
        same weights.
    """

    _n_outputs: int

    def __init__(
        self,
        maps: tuple[str, ...] = (),
        mask: NDArray[np.bool_] | None = None,
        widths: tuple[int, ...] = KARAKIS_WIDTHS,
        n_residuals: int = KARAKIS_RESIDUALS,
        hidden: int = 256,
        dropout: float = 0.3,
        learning_rate: float = 1e-4,
        momentum: float = 0.9,
        weight_decay: float = 5e-3,
        epochs: int = 50,
        batch_size: int = 8,
        balance: str = "sharpen",
        random_state: int = 0,
        device: str = "cpu",
    ) -> None:
        self.maps = maps
        self.mask = mask
        self.widths = widths
        self.n_residuals = n_residuals
        self.hidden = hidden
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.balance = balance
        self.random_state = random_state
        self.device = device

    def _fit(
        self,
        X: Samples,
        targets: NDArray[Any],
        rows: NDArray[np.intp],
        criterion: nn.Module,
    ) -> None:
        """Train on scans; `rows` lists them, then those to repeat as sharpened copies."""
        self._check_settings(len(X))
        volumes = volumes_of(X)
        self.maps_ = tuple(self.maps) or volumes.maps
        self.grid_ = volumes.grid
        self.standardiser_ = Standardiser.fit(volumes, self.maps_, self.mask)
        self.demographics_: Pipeline = make_pipeline(
            SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
        ).fit(numeric_columns(X, DEMOGRAPHICS))
        demographics = self._demographics(X)
        dataset = ScanDataset(volumes, demographics, targets, self.standardiser_, rows)
        with torch.random.fork_rng():  # leave the caller's random state alone
            torch.manual_seed(self.random_state)
            net = self._trainer(criterion).fit(dataset, None)
        self.network_: nn.Module = net.module_.eval()
        self.history_ = [float(loss) for loss in net.history[:, "train_loss"]]
        if not np.isfinite(self.history_).all():
            raise DataError(
                f"Training diverged in epoch {int(np.argmin(np.isfinite(self.history_))) + 1}: the "
                f"loss is not finite. Use a learning_rate below {self.learning_rate:g}."
            )

    def _check_settings(self, n_scans: int) -> None:
        if self.batch_size < 2 or self.epochs < 1 or n_scans < 2 or len(self.widths) < 4:
            raise UsageError(
                "A network needs a batch_size of 2 or more, 1 or more epochs, 4 or more widths and "
                f"2 or more scans; got {self.batch_size}, {self.epochs}, {tuple(self.widths)} and "
                f"{n_scans}."
            )
        if self.balance not in BALANCES:
            raise UsageError(f"balance = {self.balance!r}: use one of {', '.join(BALANCES)}.")

    def _trainer(self, criterion: nn.Module) -> NeuralNet:
        return NeuralNet(
            self._network(),
            criterion=criterion,
            optimizer=torch.optim.SGD,
            optimizer__momentum=self.momentum,
            optimizer__weight_decay=self.weight_decay,
            lr=self.learning_rate,
            max_epochs=self.epochs,
            batch_size=self.batch_size,
            iterator_train=Batches,
            iterator_train__seed=self.random_state,
            train_split=None,
            callbacks__print_log=None,
            verbose=0,
            device=self.device,
        )

    def _network(self) -> MultiBranchNetwork:
        return MultiBranchNetwork(
            n_maps=len(self.maps_),
            n_demographics=len(DEMOGRAPHICS),
            n_outputs=self._n_outputs,
            widths=tuple(self.widths),
            n_residuals=self.n_residuals,
            hidden=self.hidden,
            dropout=self.dropout,
        )

    def _demographics(self, X: Samples) -> NDArray[np.float32]:
        columns = numeric_columns(X, DEMOGRAPHICS)
        return self.demographics_.transform(columns).astype(np.float32)

    def _outputs(self, X: Samples) -> NDArray[np.float64]:
        """Return what the network gives for scans, shape (n_scans, n_outputs)."""
        check_is_fitted(self, "network_")
        volumes = volumes_of(X)
        check_grid(volumes, self.grid_)
        demographics = torch.from_numpy(self._demographics(X))
        outputs = np.zeros((len(X), self._n_outputs))
        network = self.network_.to(self.device).eval()
        with torch.inference_mode():
            for start in range(0, len(X), self.batch_size):
                part = slice(start, start + self.batch_size)
                maps = torch.from_numpy(self.standardiser_(volumes[part]))
                given = network(maps.to(self.device), demographics[part].to(self.device))
                outputs[part] = given.cpu().numpy()
        return outputs

    def get_state(self) -> State:
        """Return what was learned, without a training scan."""
        check_is_fitted(self, "network_")
        weights = self.network_.state_dict()
        arrays = {f"network.{name}": value.cpu().numpy() for name, value in weights.items()}
        arrays |= {"mean": self.standardiser_.mean, "spread": self.standardiser_.spread}
        values = {
            "maps": list(self.maps_),
            "grid": grid_values(self.grid_),
            "history": self.history_,
        }
        return State(values=values, arrays=arrays, pipelines={"demographics": self.demographics_})

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        self.maps_ = tuple(state.values["maps"])
        self.grid_ = grid_from_values(state.values["grid"])
        self.history_ = list(state.values["history"])
        self.demographics_ = state.pipelines["demographics"]
        mean, spread = (np.array(state.arrays[name]) for name in ("mean", "spread"))
        self.standardiser_ = Standardiser(self.maps_, mean, spread, self.mask)
        weights = {
            name.removeprefix("network."): torch.from_numpy(np.array(value))
            for name, value in state.arrays.items()
            if name.startswith("network.")
        }
        self.network_ = self._network()
        self.network_.load_state_dict(weights)
        self.network_.eval()


class NetworkClassifier(ClassifierMixin, _NetworkModel):
    """Network that gives the probability of a poor outcome; see `_NetworkModel`."""

    _n_outputs = 2

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Train on classes 0 and 1, shape (n_scans,)."""
        labels = binary_labels(y)
        self.classes_ = np.array([0, 1])
        rows = balanced_rows(labels) if self.balance == "sharpen" else np.arange(len(labels))
        weights = len(labels) / (2 * np.bincount(labels)) if self.balance == "weights" else (1, 1)
        self._fit(X, labels, rows, nn.CrossEntropyLoss(torch.tensor(weights, dtype=torch.float32)))
        return self

    def predict_proba(self, X: Samples) -> NDArray[np.float64]:
        """Return the probability of each class, shape (n_scans, 2)."""
        return softmax(self._outputs(X), axis=1)


class NetworkRegressor(RegressorMixin, _NetworkModel):
    """Network that gives a score; see `_NetworkModel`. `balance` has no effect on scores."""

    _n_outputs = 1

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Train on scores, shape (n_scans,), as deviations from the fold's mean."""
        scores = np.asarray(y, dtype=np.float64)
        self.centre_, self.scale_ = float(scores.mean()), float(scores.std()) or 1.0
        targets = ((scores - self.centre_) / self.scale_).astype(np.float32)[:, None]
        self._fit(X, targets, np.arange(len(scores)), nn.MSELoss())
        return self

    def predict(self, X: Samples) -> NDArray[np.float64]:
        """Return scores, shape (n_scans,)."""
        return self._outputs(X)[:, 0] * self.scale_ + self.centre_

    def get_state(self) -> State:
        """Return what was learned, without a training scan."""
        state = super().get_state()
        state.values |= {"centre": self.centre_, "scale": self.scale_}
        return state

    def set_state(self, state: State) -> None:
        """Take over what another learned."""
        super().set_state(state)
        self.centre_ = float(state.values["centre"])
        self.scale_ = float(state.values["scale"])
