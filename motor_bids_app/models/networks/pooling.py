"""Pooling between the layers of a branch, and how often a map can be halved."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from motor_bids_app.errors import UsageError

_POOLED = 3  # voxels along each edge of a pooling window


class MeanPool(nn.AvgPool3d):
    """Mean over 3x3x3 voxels at every second voxel; outside does not count.

    The gradient of torch's own pooling has no deterministic form on a GPU: where one is asked
    for, sums of slices give the same numbers.
    """

    def __init__(self) -> None:
        super().__init__(_POOLED, stride=2, padding=1, count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return shape (n, width, X/2, Y/2, Z/2), halves rounded up."""
        if x.is_cuda and torch.are_deterministic_algorithms_enabled():
            return sliced_means(x)
        return super().forward(x).to(x.dtype)  # autocast pools in float32 on a CPU


def sliced_means(x: Tensor) -> Tensor:
    """Return what `MeanPool` does, axis by axis, by operations that add in a fixed order."""
    for axis in (2, 3, 4):
        size = x.shape[axis]
        sides = [0, 0] * (4 - axis) + [1, 1]
        padded = torch.nn.functional.pad(x, sides)
        parts = [
            padded.narrow(axis, start, size).unfold(axis, 1, 2).squeeze(-1) for start in (0, 1, 2)
        ]
        total = parts[0] + parts[1] + parts[2]
        places = torch.arange(0, size, 2, device=x.device)
        inside = 3 - (places == 0).to(x.dtype) - (places == size - 1).to(x.dtype)
        x = total / inside.view(*(-1 if k == axis else 1 for k in range(5)))
    return x


def check_depth(shape: Sequence[int], widths: Sequence[int]) -> None:
    """Raise UsageError unless every pooling of a `ResidualBranch` has its 3 voxels along each axis.

    Parameters
    ----------
    shape : sequence of int
        Voxels of a map along each axis.
    widths : sequence of int
        See `ResidualBranch`.
    """
    n_pools, least = len(widths) - 2, min(shape)
    possible, size = 0, least
    while size >= _POOLED:
        possible, size = possible + 1, -(-size // 2)
    if n_pools > possible:
        raise UsageError(
            f"[model] widths = {tuple(widths)} halve a map {n_pools} times, but one of "
            f"{' x '.join(str(n) for n in shape)} voxels can be halved {possible} times before "
            f"nothing is left to convolve: use at most {possible + 2} widths, or finer maps "
            "([inputs] resolution)."
        )
