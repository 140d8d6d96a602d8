"""Fitted networks of slices opened for explanation."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from motor_bids_app.features.samples import Samples
from motor_bids_app.features.slices import SLICES, VolumeSlices
from motor_bids_app.models.instances.fusion import FusionModel
from motor_bids_app.models.instances.modalities import SliceModality
from motor_bids_app.models.instances.network import InstanceNetwork
from motor_bids_app.models.networks.backbones import SliceNetwork, first_place
from motor_bids_app.models.opened.maps import COARSEST, plain_model, untrained


class OneNumber(nn.Module):
    """Network of slices whose output is one number: log odds of poor, or points of the score."""

    def __init__(self, network: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.head = head

    def forward(self, pictures: Tensor) -> Tensor:
        """Return shape (n,), from pictures (n, size, size)."""
        number: Tensor = self.head(self.network(pictures))
        return number


@dataclass(frozen=True, eq=False)
class OpenSlices:
    """A fitted network of slices as explanations take it.

    Attributes
    ----------
    module : OneNumber
        On the device of its model, in evaluation mode.
    learned : InstanceNetwork
    voxel_size : float
        Of the slices, in mm.
    """

    module: OneNumber
    learned: InstanceNetwork
    voxel_size: float

    @property
    def modality(self) -> SliceModality:
        """How slices become pictures."""
        assert isinstance(self.learned.modality, SliceModality)
        return self.learned.modality

    @property
    def stage(self) -> nn.Module:
        """Last layer whose places are `COARSEST` mm apart or less."""
        return self._stage[0]

    @property
    def places(self) -> tuple[int, int]:
        """Pixels between places of that layer, and where the first one is."""
        return self._stage[1], first_place(self.modality.backbone)

    @property
    def pixel_size(self) -> float:
        """Edge of a pixel in mm."""
        return self.voxel_size * max(self.learned.facts_["shape"]) / self.modality.size

    @cached_property
    def _stage(self) -> tuple[nn.Module, int]:
        network = self.module.network
        assert isinstance(network, SliceNetwork)
        return network.stage(self.modality.size, COARSEST / self.pixel_size)

    def pictures(self, samples: Samples) -> Iterator[Tensor]:
        """Yield some slices at a time as the network takes them."""
        return self.learned.batches(samples.instances[SLICES])

    def randomised(self, seed: int) -> "OpenSlices":
        """Return the same network with all weights drawn anew, and nothing learned."""
        return replace(self, module=untrained(self.module, seed))


def open_slices(model: Any, voxel_size: float) -> OpenSlices | None:
    """Return the network of slices of a fitted model; None if it has none."""
    plain = plain_model(model)
    if not isinstance(plain, FusionModel) or SLICES not in plain.networks_:
        return None
    learned = plain.networks_[SLICES]
    module = OneNumber(learned.network_, learned.one_number()).to(plain.device).eval()
    return OpenSlices(module, learned, voxel_size)


def places_of(samples: Samples, row: int) -> NDArray[np.intp]:
    """Positions on the third axis of the slices of a scan."""
    instances = samples.instances[SLICES][[row]]
    source = instances.source
    assert isinstance(source, VolumeSlices)
    if not instances.size:
        return np.zeros(0, dtype=np.intp)
    return np.asarray(source.places[instances.scans[0]][instances.numbers])
