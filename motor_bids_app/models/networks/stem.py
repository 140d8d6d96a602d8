"""First layers of a branch on the CPU, without ever holding their output at full size.

Convolution of one channel, batch normalisation, ReLU and pooling turn 2 MB of a map into
65 MB for a moment; moving that about is most of the work. Three facts avoid it, and the
function and its gradients stay the same up to rounding:

- the mean and variance of a convolution of one channel follow from the mean and covariance
  of its 27 shifted inputs, so that normalisation becomes part of the weights beforehand;
- rows can be convolved, rectified and pooled a slab at a time, while they are in the cache;
- the backward pass computes slabs again, so that only the input is kept.

Under autocast, slabs are convolved and pooled in its type, as layers by themselves would be;
mean and variance are differences of large sums, and stay in float32.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

_SLAB = 1 << 17  # voxels convolved at a time: 16 MiB of 32 channels
_SHIFTS = 27  # of a 3x3x3 window


def stem(x: Tensor, convolution: nn.Conv3d, norm: nn.BatchNorm3d) -> Tensor:
    """Return ``pool(relu(norm(convolution(x))))`` for the pool of `networks`.

    Parameters
    ----------
    x : float tensor on the CPU, shape (n, 1, X, Y, Z)
        Gets no gradient.
    convolution : Conv3d
        From 1 channel, 3x3x3, that keeps the size.
    norm : BatchNorm3d
        Its running statistics are updated in training, as its own call would.

    Returns
    -------
    tensor, shape (n, channels, X/2, Y/2, Z/2), halves rounded up
        Channels last in memory; float32, or the type of autocast.
    """
    assert convolution.bias is not None
    half = torch.is_autocast_enabled("cpu")
    x, kind = x.float(), torch.get_autocast_dtype("cpu") if half else torch.float32
    with torch.autocast("cpu", enabled=False):
        weight = convolution.weight.flatten(1)  # (channels, 27)
        mean, variance = _statistics(x, weight, convolution.bias, norm)
        scale = norm.weight * torch.rsqrt(variance + norm.eps)
        shift = norm.bias + scale * (convolution.bias - mean)
        folded = torch.cat([(weight * scale[:, None]).T, shift[None]])  # (28, channels)
        return _PooledConvolution.apply(x.to(kind), folded)


def _statistics(
    x: Tensor, weight: Tensor, bias: Tensor, norm: nn.BatchNorm3d
) -> tuple[Tensor, Tensor]:
    """Mean and variance of the convolution's output, shape (channels,), and their update."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    if not norm.training:
        return norm.running_mean, norm.running_var
    products = torch.zeros(_SHIFTS + 1, _SHIFTS + 1, dtype=torch.float64)
    for volume in _padded(x):
        for start, stop in _slabs(x.shape[2:], step=1):
            columns = _columns(volume, start, stop)
            products += columns @ columns.T
    count = float(products[-1, -1])
    centre = products[:-1, -1] / count
    covariance = products[:-1, :-1] / count - torch.outer(centre, centre)
    exact = weight.double()
    mean = exact @ centre + bias
    variance = ((exact @ covariance) * exact).sum(dim=1).clamp_min(0)
    with torch.no_grad():
        assert norm.momentum is not None
        norm.num_batches_tracked += 1
        norm.running_mean.lerp_(mean.float(), norm.momentum)
        norm.running_var.lerp_(variance.float() * count / max(count - 1, 1), norm.momentum)
    return mean.float(), variance.float()


class _PooledConvolution(torch.autograd.Function):
    """Pooled, rectified convolution of volumes (n, 1, X, Y, Z) with weights (28, channels).

    In the type of the volumes; the gradient of the weights is summed in float32.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, folded: Tensor) -> Tensor:
        ctx.save_for_backward(x, folded)
        shape, counts, weights = x.shape[2:], _counts(x.shape[2:]), folded.to(x.dtype)
        out = x.new_empty(len(x), *counts.shape[:3], folded.shape[1])
        for volume, pooled in zip(_padded(x), out, strict=True):
            for first, last in _slabs(shape, step=2):
                start, stop = max(2 * first - 1, 0), min(2 * last, shape[0])
                slab = (_columns(volume, start, stop).T @ weights).relu_()
                slab = slab.view(stop - start, *shape[1:], -1)
                if first == 0:  # nothing lies before the first row
                    slab = pad(slab, (0, 0, 0, 0, 0, 0, 1, 0))
                # rows 2i - 1, 2i, 2i + 1, the last of which may lie behind the end
                slab = _sum_of_three(slab[1:], slab[0], axis=0)
                slab = _sum_of_three(_sum_of_three(slab, None, axis=1), None, axis=2)
                torch.div(slab, counts[first:last], out=pooled[first:last])
        return out.permute(0, 4, 1, 2, 3)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        x, folded = ctx.saved_tensors
        shape, counts, weights = x.shape[2:], _counts(x.shape[2:]), folded.to(x.dtype)
        total = torch.zeros_like(folded)
        gradient = gradients[0].permute(0, 2, 3, 4, 1)
        for volume, pooled in zip(_padded(x), gradient, strict=True):
            shared = (pooled / counts).to(x.dtype)
            for first, last in _slabs(shape, step=2):
                stop = min(2 * last, shape[0])
                columns = _columns(volume, 2 * first, stop)
                active = columns.T @ weights
                slab = _spread(shared[first : last + 1], axis=0, size=stop - 2 * first)
                slab = _spread(slab, axis=1, size=shape[1])
                slab = _spread(slab, axis=2, size=shape[2]).view(active.shape)
                slab = torch.ops.aten.threshold_backward(slab, active, 0)
                total += columns @ slab
        return None, total


def _padded(x: Tensor) -> Iterator[Tensor]:
    """Each volume with zeros around it, shape (X + 2, Y + 2, Z + 2)."""
    for volume in x[:, 0]:
        yield pad(volume, (1,) * 6)


def _slabs(shape: torch.Size, step: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows, or for `step` 2 of pooled rows, that fit in the cache."""
    rows = -(-shape[0] // step)
    size = max(1, _SLAB // (shape[1] * shape[2] * step))
    for first in range(0, rows, size):
        yield first, min(first + size, rows)


def _columns(volume: Tensor, start: int, stop: int) -> Tensor:
    """Shifted inputs of some rows, and ones for the bias, shape (28, voxels)."""
    _, y, z = (size - 2 for size in volume.shape)
    columns = volume.new_empty(_SHIFTS + 1, stop - start, y, z)
    columns[-1] = 1
    windows = volume.unfold(0, 3, 1).unfold(1, 3, 1).unfold(2, 3, 1)[start:stop]
    shifted = columns[:-1].view(3, 3, 3, stop - start, y, z)
    shifted.copy_(windows.permute(3, 4, 5, 0, 1, 2))
    return columns.view(_SHIFTS + 1, -1)


def _sum_of_three(values: Tensor, before: Tensor | None, axis: int) -> Tensor:
    """Sums of values 2i - 1, 2i and 2i + 1 along an axis; outside counts as 0, or `before`."""
    even, odd = (values[(slice(None),) * axis + (slice(first, None, 2),)] for first in (0, 1))
    sums = even.clone()
    n, m = even.shape[axis], odd.shape[axis]
    sums.narrow(axis, 0, m).add_(odd)
    sums.narrow(axis, 1, n - 1).add_(odd.narrow(axis, 0, n - 1))
    if before is not None:
        sums.select(axis, 0).add_(before)
    return sums


def _spread(values: Tensor, axis: int, size: int) -> Tensor:
    """Transpose of `_sum_of_three`: to 2i what i has, to 2i + 1 what i and i + 1 have."""
    shape = list(values.shape)
    shape[axis] = size
    wide = values.new_empty(shape)
    even, odd = (wide[(slice(None),) * axis + (slice(first, None, 2),)] for first in (0, 1))
    n, m = even.shape[axis], odd.shape[axis]
    even.copy_(values.narrow(axis, 0, n))
    odd.copy_(values.narrow(axis, 0, m))
    after = min(m, values.shape[axis] - 1)
    odd.narrow(axis, 0, after).add_(values.narrow(axis, 1, after))
    return wide


def _counts(shape: torch.Size) -> Tensor:
    """How many voxels each pooling window has inside, shape (X/2, Y/2, Z/2, 1)."""
    x, y, z = (_sum_of_three(torch.ones(size), None, axis=0) for size in shape)
    return (x[:, None, None] * y[:, None] * z)[..., None]
