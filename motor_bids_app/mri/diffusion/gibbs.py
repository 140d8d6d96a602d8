"""Removal of Gibbs ringing by local shifts of the sampling grid."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_SHIFTS = 20  # on each side of 0, up to half a voxel
_NEAR, _FAR = 1, 3  # voxels: the window in which ringing is judged
_CHUNK = 64  # slices at a time


def remove_gibbs(data: NDArray[np.floating], slice_axis: int = 2) -> NDArray[np.float32]:
    """Undo the ringing at edges that a full sampling of a square of k-space leaves.

    Along both axes of a slice, each voxel is read from the image shifted by the part of a voxel
    at which its neighbourhood oscillates least, then interpolated back [1]_. Partial Fourier
    acquisitions ring otherwise: they get little better.

    Parameters
    ----------
    data : array, shape (X, Y, Z) or (X, Y, Z, N)
        Magnitudes as acquired or denoised, not interpolated.
    slice_axis : int
        Axis along which slices are stacked.

    Returns
    -------
    array, shape of `data`, float32

    References
    ----------
    .. [1] Kellner et al., Magn Reson Med 76:1574-1581, 2016.
    """
    stacked = np.moveaxis(np.asarray(data, dtype=np.float32), slice_axis, 0)
    if stacked.ndim == 4:
        stacked = np.moveaxis(stacked, 3, 1)
    slices = torch.as_tensor(np.ascontiguousarray(stacked)).reshape(-1, *stacked.shape[-2:])
    clean = torch.cat([_remove(part) for part in slices.split(_CHUNK)])
    result = clean.reshape(stacked.shape).cpu().numpy()
    if stacked.ndim == 4:
        result = np.moveaxis(result, 1, 3)
    return np.ascontiguousarray(np.moveaxis(result, 0, slice_axis))


def _remove(slices: Tensor) -> Tensor:
    """Correct slices, shape (P, X, Y), along both axes.

    Each axis gets the frequencies that ring along it: near the edge of k-space of that axis.
    """
    waves = [1 + torch.cos(2 * torch.pi * torch.fft.fftfreq(n)) for n in slices.shape[1:]]
    along_x, along_y = waves[0][:, None], waves[1][None]
    both = (along_x + along_y).clamp_min(1e-6)
    spectrum = torch.fft.fft2(slices)
    rings_x, rings_y = (
        torch.fft.ifft2(spectrum * share / both).real for share in (along_y, along_x)
    )
    return _unring(rings_x.transpose(1, 2)).transpose(1, 2) + _unring(rings_y)


def _unring(lines: Tensor) -> Tensor:
    """Correct along the last axis."""
    n = lines.shape[-1]
    spectrum = torch.fft.rfft(lines)
    ramp = 2j * torch.pi * torch.fft.rfftfreq(n)
    best, result = _oscillation(lines), lines.clone()
    for step in range(1, _SHIFTS + 1):
        for shift in (step / (2 * _SHIFTS), -step / (2 * _SHIFTS)):
            moved = torch.fft.irfft(spectrum * torch.exp(ramp * shift), n)  # value at n + shift
            oscillation = _oscillation(moved)
            back = moved.roll(1 if shift > 0 else -1, -1)
            value = (1 - abs(shift)) * moved + abs(shift) * back
            better = oscillation < best
            best = torch.where(better, oscillation, best)
            result = torch.where(better, value, result)
    return result


def _oscillation(lines: Tensor) -> Tensor:
    """Total variation in the window to the left or right of each voxel, whichever is less."""
    steps = (lines - lines.roll(1, -1)).abs()  # at i: from i - 1 to i
    left = sum((steps.roll(k, -1) for k in range(_NEAR, _FAR + 1)), torch.zeros_like(lines))
    right = sum((steps.roll(-k - 1, -1) for k in range(_NEAR, _FAR + 1)), torch.zeros_like(lines))
    return torch.minimum(left, right)
