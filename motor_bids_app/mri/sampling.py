"""Torch kernels that resampling and registration share: sampling and filtering of volumes.

Volumes are tensors of shape (C, X, Y, Z); coordinates are in voxels, shape (3, ...), in the
order of the axes. Filters are products with banded matrices, one per axis: on a CPU about
four times faster than convolutions.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

# Values that fade towards 0 make a CPU several times slower once they are denormal.
torch.set_flush_denormal(True)


def as_volume(values: NDArray[np.generic]) -> Tensor:
    """Array of shape (X, Y, Z) or (X, Y, Z, C) as float32 tensor (C, X, Y, Z), own memory.

    It lies on torch's default device, as all tensors of these kernels do: `use_device` of the
    levels chooses it.
    """
    array = np.moveaxis(values, -1, 0) if values.ndim == 4 else values[None]
    return torch.as_tensor(np.array(array, dtype=np.float32, order="C"))


def voxel_grid(shape: tuple[int, ...]) -> Tensor:
    """Coordinates of all voxels, shape (3, X, Y, Z)."""
    axes = [torch.arange(count, dtype=torch.float32) for count in shape]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


def apply_matrix(matrix: Tensor, points: Tensor) -> Tensor:
    """Map points of shape (3, ...) by an affine of shape (4, 4)."""
    mapped = matrix[:3, :3] @ points.flatten(1) + matrix[:3, 3:]
    return mapped.view_as(points)


def sample(
    volume: Tensor,
    points: Tensor,
    mode: Literal["bilinear", "nearest"] = "bilinear",
    padding: Literal["zeros", "border"] = "zeros",
) -> Tensor:
    """Interpolate volumes (C, X, Y, Z) at coordinates (3, ...); result (C, ...)."""
    # In this convention voxel i of n lies at (2 i + 1) / n - 1, so that n = 1 works too.
    counts = torch.tensor(volume.shape[1:], dtype=torch.float32)
    flat = ((2 * points.flatten(1).T + 1) / counts - 1).flip(-1)
    result = functional.grid_sample(
        volume[None], flat.view(1, -1, 1, 1, 3), mode, padding, align_corners=False
    )
    return result.view(volume.shape[0], *points.shape[1:])


class Sampler:
    """Volumes (C, X, Y, Z) of many channels that are interpolated again and again.

    Kept voxel by voxel, so that the eight neighbours of a point are eight rows: with 25 channels
    `sample` takes five times as long on a CPU. A rim of zeros stands for what lies outside.
    """

    def __init__(self, volumes: Tensor) -> None:
        padded = functional.pad(volumes, (1, 1) * 3)
        self.shape = padded.shape[1:]
        self.rows = padded.flatten(1).T.contiguous()

    def __call__(self, points: Tensor) -> Tensor:
        """Channels at coordinates (3, ...), linear, 0 outside; result (C, ...)."""
        corner, (u, v, w), _ = self._cells(points)
        return self._mixed(corner, _shares(_ends(u), _ends(v), _ends(w)), points)

    def with_slopes(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Channels (C, ...), and by how much each changes per voxel along each axis: (3, C, ...).

        The slopes are those of the interpolation itself: what it gives is what they foretell.
        """
        corner, (u, v, w), within = self._cells(points)
        ends, steps = (_ends(u), _ends(v), _ends(w)), (-torch.ones_like(u), torch.ones_like(u))
        values = self._mixed(corner, _shares(*ends), points)
        slopes = [
            self._mixed(
                corner, _shares(*ends[:k], steps, *ends[k + 1 :]) * within[k, :, None], points
            )
            for k in range(3)
        ]
        return values, torch.stack(slopes)

    def _cells(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """First of the eight neighbours, place between them (3, N), whether that is within."""
        _, y, z = self.shape
        last = torch.tensor(self.shape, dtype=torch.float32).view(3, 1) - 1
        wanted = points.flatten(1) + 1
        padded = wanted.clamp_min(0).minimum(last)
        low = padded.floor().minimum(last - 1)
        i, j, k = low.int()
        return (i * y + j) * z + k, padded - low, (padded == wanted).float()

    def _mixed(self, corner: Tensor, shares: Tensor, points: Tensor) -> Tensor:
        """Sum of the eight neighbours, each with its share."""
        _, y, z = self.shape
        to_next = [a + b + c for a in (0, y * z) for b in (0, z) for c in (0, 1)]
        neighbours = corner[:, None] + torch.tensor(to_next, dtype=torch.int32)
        found = functional.embedding_bag(
            neighbours, self.rows, mode="sum", per_sample_weights=shares
        )
        return found.T.contiguous().view(-1, *points.shape[1:])


def _ends(share: Tensor) -> tuple[Tensor, Tensor]:
    """Shares of the voxel before and the voxel after."""
    return 1 - share, share


def _shares(*axes: tuple[Tensor, Tensor]) -> Tensor:
    """Shares of eight neighbours, (N, 8), from those of the two along each axis."""
    along_x, along_y, along_z = axes
    flat = [a * b for a in along_x for b in along_y]
    return torch.stack([a * b for a in flat for b in along_z], 1)


@lru_cache(maxsize=256)
def _band(count: int, kernel: tuple[float, ...]) -> Tensor:
    """Matrix (n, n) that filters n samples; weights sum to 1 at the ends too."""
    weights, radius = torch.tensor(kernel), len(kernel) // 2
    index = torch.arange(count)
    distance = (index[:, None] - index[None]).abs()
    band = torch.where(
        distance <= radius, weights[(distance + radius).clamp(max=2 * radius)], torch.zeros(())
    )
    return band / band.sum(1, keepdim=True)


def _filter(volume: Tensor, kernels: list[tuple[float, ...]]) -> Tensor:
    return _along(volume, [_band(n, k) for n, k in zip(volume.shape[1:], kernels, strict=True)])


def _along(volume: Tensor, matrices: list[Tensor]) -> Tensor:
    """Volume (C, X, Y, Z) with a matrix applied to each axis."""
    along_x, along_y, along_z = matrices
    c, x, y, z = volume.shape
    volume = (volume.reshape(-1, z) @ along_z.T).view(c, x, y, -1)
    volume = along_y @ volume
    return (along_x @ volume.flatten(2)).view(c, len(along_x), len(along_y), len(along_z))


@lru_cache(maxsize=64)
def _gaussian(sigma: float) -> tuple[float, ...]:
    if sigma < 0.2:
        return (1.0,)
    offsets = np.arange(-max(1, round(2.5 * sigma)), max(1, round(2.5 * sigma)) + 1)
    return tuple(np.exp(-0.5 * (offsets / sigma) ** 2).tolist())


def smooth(volume: Tensor, sigma: float | tuple[float, float, float]) -> Tensor:
    """Gaussian filter; `sigma` in voxels, one for all axes or one for each."""
    sigmas = (sigma,) * 3 if isinstance(sigma, int | float) else sigma
    return _filter(volume, [_gaussian(round(float(one), 3)) for one in sigmas])


def box_mean(volume: Tensor, width: int) -> Tensor:
    """Mean over cubes of odd `width` voxels around each voxel."""
    return _filter(volume, [(1.0,) * width] * 3)


def shrink(volume: Tensor, factors: tuple[float, float, float]) -> Tensor:
    """Smooth against aliasing, then keep one voxel in `factors`; voxel 0 stays in place."""
    return _along(volume, [_thinned(n, f) for n, f in zip(volume.shape[1:], factors, strict=True)])


def _thinned(n: int, factor: float) -> Tensor:
    """Matrix that smooths n samples and interpolates between them at multiples of `factor`."""
    band = _band(n, _gaussian(round(0.4 * factor, 3) if factor > 1 else 0.0))
    places = torch.arange(int((n - 1) / factor + 1e-6) + 1) * factor
    low = places.long().clamp_max(n - 1)
    share = (places - low)[:, None]
    return (1 - share) * band[low] + share * band[(low + 1).clamp_max(n - 1)]
