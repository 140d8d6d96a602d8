"""Attention to channels, then to places: the convolutional block attention module.

Woo et al. (2018), ECCV, as cbam2025 uses it: both stages weigh by a sigmoid, and the weights
of the channels come from one small network that sees their means and their maxima.
"""

import torch
from torch import Tensor, nn

REDUCTION = 8  # channels per hidden unit of the channel stage, as published
_WINDOW = 7  # voxels along an edge of the spatial stage


class ChannelAttention(nn.Module):
    """Weigh channels by what their mean and maximum over all voxels say."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = max(1, width // REDUCTION)
        self.weigh = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape as `x`, (n, width, X, Y, Z)."""
        voxels = (2, 3, 4)
        weights = torch.sigmoid(self.weigh(x.mean(voxels)) + self.weigh(x.amax(voxels)))
        return x * weights[:, :, None, None, None]


class SpatialAttention(nn.Module):
    """Weigh voxels by a convolution over the mean and the maximum of their channels."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Conv3d(2, 1, _WINDOW, padding=_WINDOW // 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the same shape as `x`, (n, width, X, Y, Z)."""
        seen = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], dim=1)
        return x * torch.sigmoid(self.weigh(seen))


class AttentionBlock(nn.Sequential):
    """Channels first, then places; the shape stays the same."""

    def __init__(self, width: int) -> None:
        super().__init__(ChannelAttention(width), SpatialAttention())
