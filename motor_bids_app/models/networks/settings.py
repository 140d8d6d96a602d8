"""Settings of networks as estimators."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from motor_bids_app.models.networks.networks import (
    KARAKIS_RESIDUALS,
    KARAKIS_WIDTHS,
)
from motor_bids_app.models.training.snapshots import Checkpoints


class Beginning(Protocol):
    """Weights that networks begin with, see `transfer.Start`."""

    name: str

    def give(self, network: Any, maps: tuple[str, ...]) -> tuple[int, int]:
        """Put what fits into a network."""
        ...


class NetworkSettings(BaseEstimator):
    """How a network is built and trained.

    Parameters
    ----------
    maps : tuple of str
        Maps to use, one branch each; all if empty.
    mask : bool array, shape of the volumes, optional
        Where the network sees anything; everywhere by default.
    widths : tuple of int
        Channels along a branch, see `ResidualBranch`.
    n_residuals, hidden, dropout, attention
        See `MultiBranchNetwork`.
    optimizer : str
        "sgd" or "adam".
    learning_rate, momentum, weight_decay : float
        Of the optimizer; momentum of "sgd" only.
    epochs, batch_size : int
        Passes over the training scans at most, and scans per step (2 or more).
    parts : int
        Parts in which a batch is computed, to fit into memory.
    schedule : str
        Learning rate: "constant"; "plateau", halved after `halve_after` epochs without a lower
        validation loss; "cosine", falling to 0 at the last epoch.
    halve_after, stop_after : int
        Epochs without a lower validation loss, until the rate is halved, and until training
        ends (0: never). Then the weights of the best epoch are kept.
    validation_share : float
        Share of the training people held out for the validation loss; 0 is none.
    precision : str
        "float32", or "bfloat16" for convolutions and products.
    balance : str
        How the rarer class gets equal weight: "sharpen" adds sharpened copies of its scans
        until classes are equal, "weights" weighs the loss, "none" does neither.
    bounds : (float, float), optional
        Lowest and highest value of the score, which predictions stay within; of scores only.
    n_classes : int
        Ordered classes; of those only.
    random_state : int
        Seed of weights, order, dropout, sharpening and held-out people.
    device : str
        "cpu", "cuda" or "cuda:i". On the CPU, the same seed and number of threads give the
        same weights.
    deterministic : bool
        Whether the same seed gives the same weights on a GPU too, at the price of time.
    checkpoints : Checkpoints, optional
        Where a training that is stopped leaves what it needs to go on.
    start : Start, optional
        Weights to begin with, of people who are in no fold.
    """

    def __init__(
        self,
        maps: tuple[str, ...] = (),
        mask: NDArray[np.bool_] | None = None,
        widths: tuple[int, ...] = KARAKIS_WIDTHS,
        n_residuals: int = KARAKIS_RESIDUALS,
        hidden: int = 256,
        dropout: float = 0.3,
        attention: bool = False,
        optimizer: str = "sgd",
        learning_rate: float = 1e-4,
        momentum: float = 0.9,
        weight_decay: float = 5e-3,
        epochs: int = 50,
        batch_size: int = 8,
        parts: int = 1,
        schedule: str = "constant",
        halve_after: int = 20,
        stop_after: int = 0,
        validation_share: float = 0.0,
        precision: str = "float32",
        balance: str = "sharpen",
        bounds: tuple[float, float] | None = None,
        n_classes: int = 2,
        random_state: int = 0,
        device: str = "cpu",
        deterministic: bool = False,
        checkpoints: Checkpoints | None = None,
        start: Beginning | None = None,
    ) -> None:
        self.maps = maps
        self.mask = mask
        self.widths = widths
        self.n_residuals = n_residuals
        self.hidden = hidden
        self.dropout = dropout
        self.attention = attention
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.parts = parts
        self.schedule = schedule
        self.halve_after = halve_after
        self.stop_after = stop_after
        self.validation_share = validation_share
        self.precision = precision
        self.balance = balance
        self.bounds = bounds
        self.n_classes = n_classes
        self.random_state = random_state
        self.device = device
        self.deterministic = deterministic
        self.checkpoints = checkpoints
        self.start = start
