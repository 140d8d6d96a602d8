"""Fitted models opened for explanation: the only place that knows how they are built inside."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from motor_bids_app.features.masks import mask_voxels
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import Volumes
from motor_bids_app.models.instances.windowed import WindowClassifier, WindowRegressor
from motor_bids_app.models.networks.model import NetworkModel
from motor_bids_app.models.networks.networks import DownBlock, ResidualBlock
from motor_bids_app.models.tables.kernel import KernelClassifier, KernelRegressor
from motor_bids_app.models.tables.lesion_maps import LesionMap
from motor_bids_app.models.tables.recalibration import RecalibratedClassifier

COARSEST = 16.0  # mm between the places of the layer that Grad-CAM looks at
Module = TypeVar("Module", bound=nn.Module)


class OneNumber(nn.Module):
    """Network whose output is one number per scan.

    The log odds of poor, points of the score, or the expected number of an ordered class.
    """

    def __init__(self, network: nn.Module, number: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.number = number

    def forward(self, maps: Tensor, demographics: Tensor) -> Tensor:
        """Return shape (n,), from maps (n, n_maps, X, Y, Z) and demographics (n, n_columns)."""
        one: Tensor = self.number(self.network(maps, demographics))
        return one


class OneMap(nn.Module):
    """The same number as a function of one map: what the others gave is held.

    To hide places of one map, only its own branch has to be computed again.

    Parameters
    ----------
    one : OneNumber
        Of a network with one branch per map.
    column : int
        Number of the map.
    """

    def __init__(self, one: OneNumber, column: int) -> None:
        super().__init__()
        self.one = one
        self.column = column

    def forward(self, maps: Tensor, joined: Tensor) -> Tensor:
        """Return shape (n,), from one map (n, 1, X, Y, Z) and the joined features of all."""
        network: Any = self.one.network
        own = network.branches[self.column](maps)
        start = self.column * own.shape[1]
        features = torch.cat([joined[:, :start], own, joined[:, start + own.shape[1] :]], dim=1)
        number: Tensor = self.one.number(network.output(network.units(features)[-1]))
        return number


@dataclass(frozen=True, eq=False)
class OpenNetwork:
    """A fitted network as explanations take it.

    Attributes
    ----------
    module : OneNumber
        On the device of its estimator, in evaluation mode.
    maps : tuple of str
        Order of the maps it takes.
    inputs : callable
        From samples to maps, float32 (n, n_maps, X, Y, Z), deviations from the mean of the
        training fold (so that 0 is the average brain), and demographics, (n, n_columns).
    voxel_size : float
        Of the maps, in mm.
    """

    module: OneNumber
    maps: tuple[str, ...]
    inputs: Callable[[Samples], tuple[Tensor, Tensor]]
    voxel_size: float

    @property
    def stages(self) -> tuple[nn.Module, ...]:
        """In the branch of each map, the last stage whose places are `COARSEST` apart or less.

        Those of the last residual stage of all are 64 mm apart in maps of 2 mm: half a hemisphere.
        """
        return tuple(_stage(branch, self.voxel_size)[0] for branch in _branches(self.module))

    @property
    def stride(self) -> int:
        """Voxels from one place of a stage to the next, the first being at the first voxel."""
        return _stage(_branches(self.module)[0], self.voxel_size)[1]

    def joined(self, maps: Tensor, demographics: Tensor) -> Tensor:
        """Features of all maps and demographics, (n, n_features), which `of_map` holds."""
        network: Any = self.module.network
        with torch.inference_mode():
            features: Tensor = network.flatten(maps, demographics)
        return features

    def of_map(self, column: int) -> OneMap:
        """Return the network as a function of the map with this number."""
        return OneMap(self.module, column)

    def randomised(self, seed: int) -> "OpenNetwork":
        """Return the same network with all weights drawn anew, and nothing learned."""
        return replace(self, module=untrained(self.module, seed))


def untrained(module: Module, seed: int) -> Module:
    """Return a copy of a network with all weights drawn anew, and nothing learned."""
    copy = deepcopy(module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for part in copy.modules():
            reset = getattr(part, "reset_parameters", None)
            if callable(reset):
                reset()
    return copy


def plain_model(model: Any) -> Any:
    """Return the model itself, without a recalibration of its probabilities; fitted or not."""
    if isinstance(model, RecalibratedClassifier):
        return getattr(model, "model_", model.model)
    return model


def is_opened(model: Any) -> bool:
    """Whether `open_networks` finds networks in a model, once that is fitted."""
    plain = plain_model(model)
    windowed = isinstance(plain, WindowClassifier | WindowRegressor)
    return isinstance(plain, NetworkModel) and not windowed  # explanations are of maps of scans


def open_networks(model: Any) -> list[OpenNetwork]:
    """Return the networks of a fitted model, whose mean it is; none if it is no network."""
    if not is_opened(model):
        return []
    plain = plain_model(model)
    if hasattr(plain, "networks_"):  # networks by map and inner fold, of which some maps count
        by_map = zip(plain.maps_, plain.networks_, strict=True)
        chosen = [one for name, ones in by_map if name in plain.chosen_ for one in ones]
        return [network for one in chosen for network in open_networks(one)]
    module = OneNumber(plain.network_, plain.one_number())
    module = module.to(plain.device).eval()

    def inputs(samples: Samples) -> tuple[Tensor, Tensor]:
        maps, demographics = plain.inputs(samples)
        return maps.to(plain.device), demographics.to(plain.device)

    return [OpenNetwork(module, plain.maps_, inputs, float(plain.grid_.voxel_sizes.max()))]


def is_linear(model: Any) -> bool:
    """Whether a model is linear in the voxels of maps: no longer where those were normed."""
    plain = plain_model(model)
    kernel = isinstance(plain, KernelClassifier | KernelRegressor)
    return kernel and not isinstance(plain, LesionMap)


def linear_weights(model: Any) -> NDArray[np.float32]:
    """Return the exact weight of every voxel of a linear model, which is ``X.T @ alpha``.

    Returns
    -------
    float32 array, shape (n_maps, X, Y, Z)
        Log odds of poor, or points of the score, per stored unit of the map; 0 outside the mask.
    """
    plain = plain_model(model)
    weights, _ = plain.primal()
    maps = np.zeros((len(weights), int(np.prod(plain.grid_.shape))), dtype=np.float32)
    maps[:, mask_voxels(plain.mask, plain.grid_)] = weights
    return maps.reshape(-1, *plain.grid_.shape)


def seen_volumes(model: Any, samples: Samples) -> Volumes:
    """Return maps of samples as a linear model sees them: harmonised, where it is told to."""
    volumes: Volumes = plain_model(model).seen(samples)
    return volumes


def linear_scores(model: Any, samples: Samples) -> NDArray[np.float64]:
    """Return the log odds of poor, or the scores, of a linear model, shape (n_scans,)."""
    return np.asarray(plain_model(model).decision_function(samples))


def _branches(module: OneNumber) -> list[nn.Module]:
    return list(module.network.branches)  # type: ignore[arg-type]


def _stage(branch: nn.Module, voxel_size: float) -> tuple[nn.Module, int]:
    """Last stage of a branch that is fine enough, and how many voxels its places are apart.

    Stages are the output of the layers between two halvings; the first is behind the first one,
    and is taken where maps are so coarse that none is fine enough.
    """
    found, stride = [], 1
    for part in branch.children():
        if isinstance(part, DownBlock | nn.AvgPool3d):
            stride *= 2
        if isinstance(part, DownBlock | ResidualBlock | nn.ReLU) and stride > 1:
            found.append((part, stride))
    fine = [one for one in found if one[1] * voxel_size <= COARSEST]
    return (fine or [one for one in found if one[1] == found[0][1]])[-1]
