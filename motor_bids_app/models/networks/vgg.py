"""The network of Gao et al. (2025): VGG in three dimensions, on one connectivity map.

Layers follow Table 1 of the paper: batch normalisation and ReLU come before every convolution but
the first, and the last pooling has stride 1. One thing differs: no ReLU on the two outputs, which
would leave no gradient where both are below 0 (published: ReLU, then softmax). Pooling windows
that stick out at the end are dropped, as in the software of the paper.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from motor_bids_app.errors import UsageError

GAO_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
GAO_HIDDEN = 4096
GAO_DROPOUT = 0.7


class VggNetwork(nn.Module):
    """Blocks of 3x3x3 convolutions, each followed by pooling, then two dense layers.

    Parameters
    ----------
    shape : tuple of int
        Voxels of a map along each axis; 61, 73, 61 in the paper.
    n_outputs : int
        Classes, or 1 for a score.
    widths : sequence of sequences of int
        Channels of the convolutions of each block.
    hidden : int
        Units of each dense layer.
    dropout : float
        Share of hidden units left out in training.

    Raises
    ------
    UsageError
        The map is too small for that many poolings.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_outputs: int = 2,
        widths: Sequence[Sequence[int]] = GAO_WIDTHS,
        hidden: int = GAO_HIDDEN,
        dropout: float = GAO_DROPOUT,
    ) -> None:
        super().__init__()
        left = voxels_left(shape, len(widths))
        self.blocks = nn.Sequential(*_blocks(widths))
        self.dense = nn.Sequential(
            nn.Flatten(),
            nn.Linear(widths[-1][-1] * left[0] * left[1] * left[2], hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        self.output = nn.Linear(hidden, n_outputs)
        self.apply(_initialise)

    def forward(self, maps: Tensor) -> Tensor:
        """Return logits, or a score, shape (n, n_outputs), of maps (n, 1, X, Y, Z)."""
        output: torch.Tensor = self.output(self.dense(self.blocks(maps)))
        return output


def voxels_left(shape: tuple[int, int, int], n_blocks: int) -> tuple[int, int, int]:
    """Voxels along each axis after the poolings of `VggNetwork`.

    Raises
    ------
    UsageError
        There are none: the map is too small for that many poolings.
    """
    x, y, z = (size // 2 ** (n_blocks - 1) - 1 for size in shape)
    if min(x, y, z) < 1:
        raise UsageError(
            f"A map of {' x '.join(str(n) for n in shape)} voxels is too small for {n_blocks} "
            f"poolings: use {2**n_blocks} voxels or more along each axis ([inputs] resolution), or "
            "fewer blocks ([model] widths and convolutions)."
        )
    return x, y, z


def _blocks(widths: Sequence[Sequence[int]]) -> list[nn.Sequential]:
    """Convolutions and pooling of each block; the first convolution takes the map as it is."""
    blocks: list[nn.Sequential] = []
    n_in = 1
    for number, block in enumerate(widths, start=1):
        layers: list[nn.Module] = []
        for n_out in block:
            if blocks or layers:
                layers += [nn.BatchNorm3d(n_in), nn.ReLU()]
            layers.append(nn.Conv3d(n_in, n_out, 3, padding=1))
            n_in = n_out
        layers.append(nn.MaxPool3d(2, stride=1 if number == len(widths) else 2))
        blocks.append(nn.Sequential(*layers))
    return blocks


def _initialise(module: nn.Module) -> None:
    """Start as published: normal weights of the variance of He et al. 2015, biases of 0."""
    if isinstance(module, nn.Conv3d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        assert module.bias is not None
        nn.init.zeros_(module.bias)
