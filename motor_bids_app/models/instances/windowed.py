"""Networks that learn from sliding windows and answer for people (gao2025).

Each window is a sample of the training; what a scan is given is the mean over its windows.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from torch import Tensor, nn

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS, WindowVolumes
from motor_bids_app.models.networks.deep import NetworkClassifier, NetworkRegressor
from motor_bids_app.models.networks.inputs import Maps
from motor_bids_app.models.networks.vgg import GAO_DROPOUT, GAO_HIDDEN, VggNetwork, voxels_left
from motor_bids_app.models.training.folds import binary_labels
from motor_bids_app.models.training.settings import TrainingSettings

GAO_BLOCKS = (64, 128, 256, 512, 512)
GAO_CONVOLUTIONS = (2, 2, 3, 3, 3)


class MapsOnly(nn.Module):
    """A network of maps in the place of one that reads demographics too."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, maps: Tensor, demographics: Tensor) -> Tensor:  # noqa: ARG002
        """Return what the network gives for maps, shape (n, n_outputs)."""
        outputs: Tensor = self.network(maps)
        return outputs


@dataclass(kw_only=True, eq=False, repr=False)
class _OfWindows(TrainingSettings):
    """What classifier and regressor share; how they are trained, see `TrainingSettings`.

    Parameters
    ----------
    mask, hidden, dropout, deterministic
        As of `NetworkSettings`.
    widths, convolutions : tuple of int
        Channels of each block, and convolutions in it.
    windows : int
        Windows of each scan at most, evenly spaced, to learn from and to judge by; 0: all.
    epsilon : float
        Added to the root of Adam's mean square.
    """

    fewest_widths: ClassVar[int] = 2
    maps: tuple[str, ...] = field(init=False, default=())  # all there are: that of the window
    start: Any = field(init=False, default=None)  # no weights to begin with

    mask: NDArray[np.bool_] | None = None
    widths: tuple[int, ...] = GAO_BLOCKS
    convolutions: tuple[int, ...] = GAO_CONVOLUTIONS
    hidden: int = GAO_HIDDEN
    dropout: float = GAO_DROPOUT
    windows: int = 0
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    epsilon: float = 1e-3
    weight_decay: float = 0.0
    batch_size: int = 32
    schedule: str = "steps"
    halve_after: int = 10
    balance: str = "none"
    deterministic: bool = False

    def _apart(self, X: Samples, y: NDArray[Any]) -> tuple[Samples, NDArray[Any]]:
        """Windows to learn from, each with the answer of its scan."""
        if WINDOWS not in X.instances or not X.instances[WINDOWS].size:
            raise DataError(
                "This model learns from sliding windows of the bold, and none of its training "
                "people has any. Run the participant level on their bold."
            )
        apart, rows = X.apart(WINDOWS, self.windows)
        return apart, y[rows]

    def _volumes(self, X: Samples) -> Maps:
        """Maps of windows: samples are taken apart before."""
        return WindowVolumes(X.instances[WINDOWS])

    def _columns(self, X: Samples) -> NDArray[np.float64]:
        """No demographics: a column of zeros in their place."""
        return np.zeros((len(X), 1))

    def check_inputs(self, X: Samples) -> None:
        """Raise UsageError if the windows of scans are too small for the blocks of the network."""
        if len(self.widths) != len(self.convolutions):
            raise UsageError(
                f"[model] widths names {len(self.widths)} blocks and convolutions "
                f"{len(self.convolutions)}: give both for the same blocks."
            )
        voxels_left(self._volumes(X).grid.shape, len(self.widths))

    def _network(self) -> nn.Module:
        blocks = [
            (width,) * count for width, count in zip(self.widths, self.convolutions, strict=True)
        ]
        shape: tuple[int, int, int] = self.grid_.shape
        n_outputs: int = self._n_outputs
        return MapsOnly(VggNetwork(shape, n_outputs, blocks, self.hidden, self.dropout))

    def _of_average(self) -> NDArray[np.float64]:
        """What the network gives for the mean map of its training windows, (1, n_outputs)."""
        network = self.network_.to(self.device).eval()
        nothing = torch.zeros((1, 1, *self.grid_.shape), device=self.device)
        with torch.inference_mode():
            return network(nothing, nothing).cpu().numpy().astype(np.float64)


class WindowClassifier(_OfWindows, NetworkClassifier):
    """Mean probability over the windows of a scan; see `_OfWindows`."""

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Train on the windows of scans with classes 0 and 1, shape (n_scans,).

        Scans without a window take no part, and are later given what an average map would be.

        Raises
        ------
        DataError
            No scan has a window, or those that have are of one class.
        """
        return super().fit(*self._apart(X, binary_labels(y)))

    def predict_proba(self, X: Samples) -> NDArray[np.float64]:
        """Return the probability of each class, shape (n_scans, 2)."""
        instances = X.instances[WINDOWS].at_most(self.windows)
        values = np.zeros((0, 2))
        if instances.size:
            values = super().predict_proba(X.apart(WINDOWS, self.windows)[0])
        return instances.mean(values, softmax(self._of_average(), axis=1))


class WindowRegressor(_OfWindows, NetworkRegressor):
    """Mean score over the windows of a scan; see `_OfWindows`."""

    def fit(self, X: Samples, y: ArrayLike) -> Self:
        """Train on the windows of scans with scores, shape (n_scans,)."""
        return super().fit(*self._apart(X, np.asarray(y, dtype=np.float64)))

    def predict(self, X: Samples) -> NDArray[np.float64]:
        """Return scores, shape (n_scans,)."""
        instances = X.instances[WINDOWS].at_most(self.windows)
        values = np.zeros(0)
        if instances.size:
            values = super().predict(X.apart(WINDOWS, self.windows)[0])
        return instances.mean(values, self._scores(self._of_average()[:, 0]))
