"""Layers of the networks, from the published descriptions.

karakis2023: Karakis et al. (2023), J Biomed Inform 141, 104357: one residual branch per map, their
features joined with one unit for demographics. cbam2025: the same branch with attention, one
network per map. The layer list published with the latter gives the order of convolution,
normalisation and pooling. Two things differ: batch normalisation is over channels (published:
over a spatial axis, which ties the statistics to a slice), and pooling windows are centred on
the voxels that the shortcut picks for even sizes too (published: half a voxel beside them).

Weights and activations are kept channels last: convolutions of 16 channels take half the time.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from motor_bids_app.models.networks.attention import AttentionBlock
from motor_bids_app.models.networks.pooling import MeanPool
from motor_bids_app.models.networks.stem import stem

KARAKIS_WIDTHS = (32, 16, 16, 64, 128, 256, 512)
KARAKIS_RESIDUALS = 5
_EPSILON = 1e-3  # of batch normalisation, as published


def _convolution(n_in: int, n_out: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    """Return a convolution that keeps the size (up to the stride), then batch normalisation."""
    return nn.Sequential(
        nn.Conv3d(n_in, n_out, size, stride, padding=size // 2),
        nn.BatchNorm3d(n_out, eps=_EPSILON),
    )


class ResidualBlock(nn.Module):
    """Convolution added to its own input, at the same size."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.path = _convolution(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape as `x`, (n, width, X, Y, Z)."""
        return torch.relu_(self.path(x) + x)


class DownBlock(nn.Module):
    """Convolution and pooling, added to every second voxel of the input at the new width."""

    def __init__(self, n_in: int, n_out: int, attention: bool = False) -> None:
        super().__init__()
        self.path = nn.Sequential(_convolution(n_in, n_out), MeanPool())
        if attention:
            self.path.append(AttentionBlock(n_out))
        self.shortcut = _convolution(n_in, n_out, size=1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return shape (n, n_out, X/2, Y/2, Z/2), halves rounded up."""
        return torch.relu_(self.path(x) + self.shortcut(x))


class Layer(NamedTuple):
    """One line of the table of a branch: what it is, and its channels."""

    kind: str  # convolution, pool, relu, residual, down, attention or mean
    width: int


def branch_layers(
    widths: Sequence[int] = KARAKIS_WIDTHS,
    n_residuals: int = KARAKIS_RESIDUALS,
    attention: bool = False,
) -> tuple[Layer, ...]:
    """Return the table of a branch, first layer first; parameters as of `ResidualBranch`.

    Convolutions are followed by normalisation. With attention, every down-sampling block
    has its own, beside the one before the mean.
    """
    first, second, *down, last = widths
    return (
        Layer("convolution", first),
        Layer("relu", first),
        Layer("pool", first),
        Layer("convolution", second),
        Layer("relu", second),
        *(Layer("residual", second) for _ in range(n_residuals)),
        *(Layer("down", width) for width in down),
        Layer("convolution", last),
        *([Layer("attention", last)] if attention else []),
        Layer("mean", last),
    )


class ResidualBranch(nn.Sequential):
    """Features of one map: (n, 1, X, Y, Z) to (n, widths[-1]).

    Parameters
    ----------
    widths : sequence of int, at least 4
        Channels of the first convolution; of the second and of the residual blocks; of each
        down-sampling block; of the last convolution.
    n_residuals : int
        Residual blocks before the down-sampling ones.
    attention : bool
        Whether down-sampling blocks and the last convolution have attention (cbam2025).
    """

    def __init__(
        self,
        widths: Sequence[int] = KARAKIS_WIDTHS,
        n_residuals: int = KARAKIS_RESIDUALS,
        attention: bool = False,
    ) -> None:
        super().__init__()
        n_in = 1
        for layer in branch_layers(widths, n_residuals, attention):
            for module in _modules(layer, n_in, attention):
                self.append(module)
            n_in = layer.width

    def forward(self, x: Tensor) -> Tensor:
        """Return the features; on the CPU, the first layers go through `stem`.

        A map that needs a gradient, as an explanation does, takes the layers one by one:
        the result is the same.
        """
        if x.device.type != "cpu" or x.requires_grad:
            return super().forward(x)
        first, *others = self
        convolution, norm = first.children()
        assert isinstance(convolution, nn.Conv3d)
        assert isinstance(norm, nn.BatchNorm3d)
        x = stem(x, convolution, norm)
        for module in others[2:]:  # after ReLU and pool, which the stem has done
            x = module(x)
        return x

    @property
    def last_convolution(self) -> nn.Module:
        """Last module whose output, (n, widths[-1], X/32, Y/32, Z/32), still has places."""
        return self[-3]


def _modules(layer: Layer, n_in: int, attention: bool) -> list[nn.Module]:
    """Return what a line of the table stands for."""
    match layer.kind:
        case "convolution":
            return [_convolution(n_in, layer.width)]
        case "relu":
            return [nn.ReLU()]
        case "pool":
            return [MeanPool()]
        case "residual":
            return [ResidualBlock(layer.width)]
        case "down":
            return [DownBlock(n_in, layer.width, attention)]
        case "attention":
            return [AttentionBlock(layer.width)]
        case _:
            return [nn.AdaptiveAvgPool3d(1), nn.Flatten()]


class MultiBranchNetwork(nn.Module):
    """One branch per map, joined with a unit for demographics, then two dense layers.

    Parameters
    ----------
    n_maps, n_demographics, n_outputs : int
        Maps; columns of demographics; classes, or 1 for a score.
    widths, n_residuals
        Of each branch, see `ResidualBranch`. Branches share their shape, not their weights.
    hidden : int
        Units of each dense layer.
    dropout : float
        Share of hidden units left out in training.
    attention : bool
        See `ResidualBranch`.
    """

    def __init__(
        self,
        n_maps: int,
        n_demographics: int,
        n_outputs: int,
        widths: Sequence[int] = KARAKIS_WIDTHS,
        n_residuals: int = KARAKIS_RESIDUALS,
        hidden: int = 256,
        dropout: float = 0.3,
        attention: bool = False,
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            ResidualBranch(widths, n_residuals, attention) for _ in range(n_maps)
        )
        self.demographic_unit = nn.Sequential(nn.Linear(n_demographics, 1), nn.ReLU())
        n_features = n_maps * widths[-1] + 1
        self.normalise = nn.BatchNorm1d(n_features, eps=_EPSILON)
        self.dense = nn.ModuleList(
            nn.Sequential(
                nn.Linear(n_in, hidden),
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.BatchNorm1d(hidden, eps=_EPSILON),
            )
            for n_in in (n_features, hidden)
        )
        self.output: nn.Module = nn.Linear(hidden, n_outputs)
        self.apply(_initialise)
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def flatten(self, maps: Tensor, demographics: Tensor) -> Tensor:
        """Return the joined features, shape (n, n_maps * widths[-1] + 1).

        Parameters
        ----------
        maps : float tensor, shape (n, n_maps, X, Y, Z)
        demographics : float tensor, shape (n, n_demographics)
        """
        features = [branch(maps[:, k : k + 1]) for k, branch in enumerate(self.branches)]
        return torch.cat([*features, self.demographic_unit(demographics)], dim=1)

    def layers(self, maps: Tensor, demographics: Tensor) -> tuple[Tensor, ...]:
        """Return the joined features and the units of either dense layer; see `flatten`."""
        joined = self.flatten(maps, demographics)
        return (joined, *self.units(joined))

    def units(self, joined: Tensor) -> tuple[Tensor, ...]:
        """Return the units of either dense layer, from joined features."""
        outputs: list[Tensor] = []
        features = self.normalise(joined)
        for layer in self.dense:
            features = layer(features)
            outputs.append(features)
        return tuple(outputs)

    def forward(self, maps: Tensor, demographics: Tensor) -> Tensor:
        """Return logits, or a score, shape (n, n_outputs); parameters as of `flatten`."""
        outputs: Tensor = self.output(self.layers(maps, demographics)[-1])
        return outputs


def _initialise(module: nn.Module) -> None:
    """Start as published: Glorot uniform weights, biases of 0."""
    if isinstance(module, nn.Conv3d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        assert module.bias is not None
        nn.init.zeros_(module.bias)


def count_parameters(network: nn.Module) -> int:
    """Return how many numbers training changes."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
