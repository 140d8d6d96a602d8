"""Weights of one network as the start of another: what fits by map, name and shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from motor_bids_app.models.networks.model import NetworkModel
from motor_bids_app.models.networks.networks import MultiBranchNetwork
from motor_bids_app.models.opened.maps import plain_model


@dataclass(frozen=True, eq=False)
class Start:
    """Weights to begin with.

    Parameters
    ----------
    branches : mapping of str to mapping of str to Tensor
        By map: the tensors of its branch.
    joined : mapping of str to Tensor
        Those of all layers behind the branches.
    maps : tuple of str
        Maps of the network, in its order; the layers behind fit those alone.
    name : str
        Whose weights they are; the same name stands for the same weights.
    """

    branches: Mapping[str, Mapping[str, Tensor]]
    joined: Mapping[str, Tensor]
    maps: tuple[str, ...]
    name: str

    def __deepcopy__(self, memo: Any) -> "Start":
        """Return itself: nothing changes it, and every clone of a network would copy it."""
        return self

    def give(self, network: MultiBranchNetwork, maps: tuple[str, ...]) -> tuple[int, int]:
        """Put all tensors that fit into a network of these maps.

        Returns
        -------
        int, int
            How many tensors were taken, of how many.
        """
        own = network.state_dict()
        offered: dict[str, Tensor] = {}
        for number, name in enumerate(maps):
            for key, value in self.branches.get(name, {}).items():
                offered[f"branches.{number}.{key}"] = value
        if maps == self.maps:
            offered |= self.joined
        fitting = {
            key: value
            for key, value in offered.items()
            if key in own and own[key].shape == value.shape
        }
        network.load_state_dict({**own, **fitting})
        return len(fitting), len(own)


def start_from(model: Any, name: str) -> Start | None:
    """Return the weights of a fitted model; None where it is no network.

    Of networks by map and inner fold, the first of each map is taken: means of weights of
    different networks mean nothing.
    """
    plain = plain_model(model)
    if not isinstance(plain, NetworkModel):
        return None
    if hasattr(plain, "networks_"):
        ones = [ones[0] for ones in plain.networks_]
        branches = {one.maps_[0]: _branch(one.network_, 0) for one in ones}
        first = ones[0]
        return Start(branches, _joined(first.network_), tuple(first.maps_), name)
    branches = {map_: _branch(plain.network_, k) for k, map_ in enumerate(plain.maps_)}
    return Start(branches, _joined(plain.network_), tuple(plain.maps_), name)


def _branch(network: nn.Module, number: int) -> dict[str, Tensor]:
    prefix = f"branches.{number}."
    return {
        key.removeprefix(prefix): value.detach().to("cpu", copy=True)
        for key, value in network.state_dict().items()
        if key.startswith(prefix)
    }


def _joined(network: nn.Module) -> dict[str, Tensor]:
    return {
        key: value.detach().to("cpu", copy=True)
        for key, value in network.state_dict().items()
        if not key.startswith("branches.")
    }
