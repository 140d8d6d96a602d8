"""Fitted networks of sliding windows opened for explanation."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor, nn

from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS
from motor_bids_app.models.instances.windowed import MapsOnly, WindowClassifier, WindowRegressor
from motor_bids_app.models.networks.vgg import VggNetwork
from motor_bids_app.models.opened.maps import COARSEST, OneNumber, plain_model, untrained

_TOGETHER = 8  # windows at a time


@dataclass(frozen=True, eq=False)
class OpenWindows:
    """A fitted network of windows as explanations take it.

    Attributes
    ----------
    module : OneNumber
        From maps of windows, and demographics that it does not read, to one number each. On the
        device of its model, in evaluation mode.
    learned : WindowClassifier or WindowRegressor
    """

    module: OneNumber
    learned: WindowClassifier | WindowRegressor

    @property
    def block(self) -> int:
        """Which block Grad-CAM looks at, from 0.

        The last one whose places are `COARSEST` apart or less (published: none is looked at). Of
        the last block of all they are 48 mm apart at 3 mm, wider than the motor cortex.
        """
        apart = float(self.learned.grid_.voxel_sizes.max()) * 2 ** np.arange(len(self._blocks))
        return max(1, int((apart <= COARSEST).sum()) - 1)

    @property
    def stage(self) -> nn.Module:
        """What the last convolution of that block is given: rectified maps of all its channels."""
        block = self._blocks[self.block]
        return [part for part in block.children() if isinstance(part, nn.ReLU)][-1]

    @property
    def places(self) -> tuple[int, float]:
        """Voxels between places of that layer, and where the first one is.

        Each place stands for the cube of voxels that were pooled into it.
        """
        stride = 2**self.block
        return stride, (stride - 1) / 2

    @property
    def _blocks(self) -> nn.Sequential:
        network = self.module.network
        assert isinstance(network, MapsOnly)
        assert isinstance(network.network, VggNetwork)
        return network.network.blocks

    def inputs(self, samples: Samples, most: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield maps of some evenly spaced windows of one scan, `most` or fewer in all."""
        apart, _ = samples.apart(WINDOWS, most)
        for start in range(0, len(apart), _TOGETHER):
            part = apart[start : start + _TOGETHER]
            maps, demographics = self.learned.inputs(part)
            yield maps.to(self.learned.device), demographics.to(self.learned.device)

    def randomised(self, seed: int) -> "OpenWindows":
        """Return the same network with all weights drawn anew, and nothing learned."""
        return replace(self, module=untrained(self.module, seed))


def open_windows(model: Any) -> OpenWindows | None:
    """Return the network of windows of a fitted model; None if it is none."""
    plain = plain_model(model)
    if not isinstance(plain, WindowClassifier | WindowRegressor):
        return None
    module = OneNumber(plain.network_, plain.one_number()).to(plain.device).eval()
    return OpenWindows(module, plain)
