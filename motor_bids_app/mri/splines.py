"""Cubic B-spline interpolation of volumes at scattered points.

A cubic spline is read by eight linear interpolations between its coefficients (Sigg and
Hadwiger, GPU Gems 2, chapter 20, 2005), each of which torch does at once for all points.
"""

from functools import lru_cache
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

_PAD = 2  # coefficients beyond each edge, that a cubic reaches
_EDGE = 0.5  # voxels beyond the centre of the outermost ones that still belong to the image


def spline_coefficients(volume: NDArray[np.floating]) -> NDArray[np.float32]:
    """Coefficients of the cubic spline through the voxels, mirrored at the edges.

    Parameters
    ----------
    volume : array, shape (X, Y, Z)

    Returns
    -------
    array, shape (X + 4, Y + 4, Z + 4), float32
        Two beyond each edge.
    """
    result = np.asarray(volume, dtype=np.float32)
    for axis in range(3):
        result = np.moveaxis(_inverse(result.shape[axis]) @ np.moveaxis(result, axis, -2), -2, axis)
    return np.ascontiguousarray(result)


def sample_spline(
    coefficients: NDArray[np.float32], points: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Read a spline at voxel coordinates.

    On the CPU whatever torch's default device is: several threads do this at once.

    Parameters
    ----------
    coefficients : array, shape (X + 4, Y + 4, Z + 4)
        From `spline_coefficients`.
    points : array, shape (3, N)

    Returns
    -------
    array, shape (N,), float32
        0 outside the image.
    """
    counts = np.array(coefficients.shape, dtype=np.float32)[:, None]
    places = np.asarray(points, dtype=np.float32)
    low = np.floor(places)
    t = places - low
    # Cubic B-spline weights of the two voxels below and the two above.
    w0 = (1 - t) ** 3 / 6
    w3 = t**3 / 6
    w1 = (4 - 6 * t**2 + 3 * t**3) / 6
    below, above = w0 + w1, 1 - w0 - w1
    positions = np.stack([low + _PAD - 1 + w1 / below, low + _PAD + 1 + w3 / above])
    units = (2 * positions + 1) / counts - 1
    weights = np.stack([below, above])
    volume = torch.from_numpy(coefficients)[None, None]
    total = np.zeros(places.shape[1], dtype=np.float32)
    for x, y, z in product((0, 1), repeat=3):
        grid = np.stack([units[z, 2], units[y, 1], units[x, 0]], axis=1)
        values = functional.grid_sample(
            volume, torch.from_numpy(grid).view(1, -1, 1, 1, 3), align_corners=False
        )
        total += weights[x, 0] * weights[y, 1] * weights[z, 2] * values.view(-1).numpy()
    size = counts - 2 * _PAD
    inside = ((places >= -_EDGE) & (places <= size - 1 + _EDGE)).all(axis=0)
    return np.where(inside, total, np.float32(0))


@lru_cache(maxsize=32)
def _inverse(count: int) -> NDArray[np.float32]:
    """Matrix, shape (count + 4, count), from values to coefficients of a spline, padded."""
    if count == 1:
        return np.ones((1 + 2 * _PAD, 1), dtype=np.float32)
    matrix = np.zeros((count, count))
    rows = np.arange(count)
    matrix[rows, rows] += 4 / 6
    matrix[rows, _mirrored(rows - 1, count)] += 1 / 6
    matrix[rows, _mirrored(rows + 1, count)] += 1 / 6
    padded = np.linalg.inv(matrix)[_mirrored(np.arange(-_PAD, count + _PAD), count)]
    return np.ascontiguousarray(padded.astype(np.float32))


def _mirrored(index: NDArray[np.int_], count: int) -> NDArray[np.int_]:
    """Index within the samples, mirrored about the first and last one."""
    period = 2 * (count - 1)
    folded = np.abs(index) % period
    return np.where(folded < count, folded, period - folded)
