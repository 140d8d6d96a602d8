"""Two kinds of instances as networks take them: windows of EEG and EMG, and slices of volumes."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from motor_bids_app.errors import IncompatibleModelError, UsageError
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.recordings import SIGNALS, RecordedWindows
from motor_bids_app.features.slices import SLICES
from motor_bids_app.models.networks.backbones import (
    InitialWeights,
    SliceNetwork,
    load_initial,
    source_name,
)
from motor_bids_app.models.networks.sequence import WindowLSTM, count_steps

MODALITIES = (SIGNALS, SLICES)
_BLOCK = 256  # instances in memory at once
Images = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SignalModality:
    """Windows of EEG and EMG, and the LSTM that reads them.

    Parameters
    ----------
    hidden : tuple of int
        Units of each LSTM layer.
    step : float
        Seconds that become one step of it.
    """

    name: ClassVar[str] = SIGNALS
    title: ClassVar[str] = "windows of EEG or EMG"
    hidden: tuple[int, ...] = (128, 64, 32)
    step: float = 0.1

    def facts(self, instances: Instances) -> dict[str, Any]:
        """What new windows must agree in, as JSON can hold it."""
        source = instances.source
        assert isinstance(source, RecordedWindows)
        return {
            "channels": list(source.channels),
            "rate": source.rate,
            "n_samples": source.shape[1],
        }

    def start(self) -> str:
        """What it starts from: there are no other weights."""
        return "random"

    def check(self, instances: Instances, facts: dict[str, Any]) -> None:
        """Raise IncompatibleModelError for windows that a network did not learn to read."""
        found = self.facts(instances)
        if found["channels"] != facts["channels"]:
            lacking = sorted(set(facts["channels"]) - set(found["channels"]))
            what = f"these lack {', '.join(lacking)}" if lacking else "these have others too"
            raise IncompatibleModelError(
                f"The model reads {len(facts['channels'])} channels in a fixed order, and {what}. "
                "Record the same channels."
            )
        if found != facts:
            raise IncompatibleModelError(
                f"The model reads windows of {facts['n_samples']} samples at {facts['rate']:g} Hz, "
                f"and these have {found['n_samples']} at {found['rate']:g} Hz."
            )

    def scale(self, instances: Instances) -> tuple[float, float]:  # noqa: ARG002 - of slices alone
        """Mean and spread to standardise by: windows have theirs already."""
        return 0.0, 1.0

    def network(self, facts: dict[str, Any], n_outputs: int, *, fresh: bool = True) -> nn.Module:  # noqa: ARG002
        """Return a network with random weights."""
        self._check_steps(facts)
        return WindowLSTM(
            len(facts["channels"]), facts["rate"], self.step, tuple(self.hidden), n_outputs
        )

    def check_size(self, instances: Instances) -> None:
        """Raise UsageError for windows that are too short for the network."""
        self._check_steps(self.facts(instances))

    def _check_steps(self, facts: dict[str, Any]) -> None:
        seconds = facts["n_samples"] / facts["rate"]
        n_steps = count_steps(facts["n_samples"], facts["rate"], self.step)
        if n_steps < 2 or not self.hidden:
            raise UsageError(
                f"A window of {seconds:g} s has {n_steps} steps of {self.step:g} s: set [model] "
                "step so that it has 2 or more, and at least one LSTM layer."
            )

    def prepare(self, images: Images, random: np.random.Generator | None) -> Tensor:  # noqa: ARG002
        """Return windows as the network takes them."""
        return torch.from_numpy(images)


@dataclass(frozen=True, kw_only=True)
class SliceModality:
    """Slices of volumes, and the two-dimensional network that reads them.

    Parameters
    ----------
    backbone : str
        See `backbones`.
    size : int
        Edge of a picture in pixels; the longer side of a slice fills it.
    rotation : float
        Degrees by which training slices are turned at most, either way.
    brightness : float
        Share by which their values are changed at most, up or down.
    flip : bool
        Whether every other training slice is mirrored, left to right.
    weights : InitialWeights, optional
        Where to start from; random weights without.
    """

    name: ClassVar[str] = SLICES
    title: ClassVar[str] = "slices of bold"
    backbone: str = "shufflenet"
    size: int = 224
    rotation: float = 15.0
    brightness: float = 0.2
    flip: bool = False
    weights: InitialWeights | None = field(default=None, compare=False)

    def facts(self, instances: Instances) -> dict[str, Any]:
        """What new slices must agree in, as JSON can hold it."""
        return {"shape": list(instances.source.shape)}

    def start(self) -> str:
        """What it starts from, in a word that tells two starts apart."""
        return "random" if self.weights is None else self.weights.digest(source_name(self.backbone))

    def check(self, instances: Instances, facts: dict[str, Any]) -> None:
        """Raise IncompatibleModelError for slices that a network did not learn to read."""
        found = self.facts(instances)
        if found != facts:
            raise IncompatibleModelError(
                f"The model reads slices of {facts['shape']} voxels, and these have "
                f"{found['shape']}. Use the version that trained it."
            )

    def check_size(self, instances: Instances) -> None:
        """Pictures of any size can be read: slices are brought to `size` pixels, 32 or more."""

    def scale(self, instances: Instances) -> tuple[float, float]:
        """Mean and standard deviation of all voxels of the training slices."""
        n, total, squares = 0, 0.0, 0.0
        for start in range(0, instances.size, _BLOCK):
            values = instances.read(slice(start, start + _BLOCK)).astype(np.float64)
            n += values.size
            total += float(values.sum())
            squares += float(np.square(values).sum())
        mean = total / n
        return mean, float(np.sqrt(max(squares / n - mean**2, 0))) or 1.0

    def network(self, facts: dict[str, Any], n_outputs: int, *, fresh: bool = True) -> nn.Module:  # noqa: ARG002
        """Return a network with random weights or, where it is to learn, those to start from."""
        network = SliceNetwork(self.backbone, n_outputs)
        if fresh and self.weights is not None:
            found = self.weights.load(source_name(self.backbone))
            if found is not None:
                load_initial(network, self.backbone, found)
        return network

    def prepare(self, images: Images, random: np.random.Generator | None) -> Tensor:
        """Return slices, shape (n, X, Y), as pictures (n, size, size), changed at random.

        Turning, mirroring and resizing are one interpolation.
        """
        n, angles, mirror = len(images), np.zeros(len(images)), np.ones(len(images))
        if random is not None:
            angles = np.deg2rad(random.uniform(-self.rotation, self.rotation, n))
            images = images * random.uniform(
                1 - self.brightness, 1 + self.brightness, (n, 1, 1)
            ).astype(np.float32)
            if self.flip:
                mirror = random.choice([-1.0, 1.0], n)
        return pictures(images, self.size, angles, mirror)


def pictures(
    slices: Images,
    size: int,
    angles: NDArray[np.float64],
    mirror: NDArray[np.float64],
) -> Tensor:
    """Put slices in the middle of square pictures, whose edge is the longer side of a slice.

    Parameters
    ----------
    slices : float32 array, shape (n, X, Y)
    size : int
        Pixels along an edge.
    angles : float array, shape (n,)
        Radians to turn each by.
    mirror : float array, shape (n,)
        -1 to reverse the first axis (left and right), or 1.

    Returns
    -------
    float32 tensor, shape (n, size, size)
        0 outside of the slices.
    """
    shape = np.array(slices.shape[1:], dtype=np.float64)
    tall, wide = shape.max() / shape
    cos, sin, zero = np.cos(angles), np.sin(angles), np.zeros(len(angles))
    theta = np.stack(
        [
            np.stack([cos * wide, -sin * wide, zero], axis=1),
            np.stack([mirror * sin * tall, mirror * cos * tall, zero], axis=1),
        ],
        axis=1,
    )  # rows: the second axis (X of torch), then the first
    points = functional.affine_grid(
        torch.from_numpy(theta).float(), [len(slices), 1, size, size], align_corners=False
    )
    stack = torch.from_numpy(np.ascontiguousarray(slices))[:, None]
    return functional.grid_sample(stack, points, "bilinear", "zeros", align_corners=False)[:, 0]
