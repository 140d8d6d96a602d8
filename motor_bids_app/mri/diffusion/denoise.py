"""Denoising of a diffusion series by random-matrix theory (MP-PCA)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.errors import DataError

_STRIDE = 2  # voxels between patch centres; every voxel still lies in about 16 patches
_CHUNK = 2048  # patches decomposed at a time: bounds the memory
MIN_VOLUMES = 8  # with fewer, noise and signal cannot be told apart


def denoise_mppca(
    data: NDArray[np.floating], mask: NDArray[Any]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Remove what cannot be told from noise in the principal components of small patches.

    In each cubic patch, the eigenvalues of pure noise follow the Marchenko-Pastur
    law. It yields the noise level and the number of components that hold signal
    [1]_; those are shrunk to the least expected squared error [2]_, the others
    dropped. Overlapping patches are averaged, simpler ones with more weight [3]_.

    Parameters
    ----------
    data : array, shape (X, Y, Z, N)
        Series as acquired: interpolated data have correlated noise, which stays.
    mask : array, shape (X, Y, Z)
        Positive inside the brain; patches that do not touch it are left as they are.

    Returns
    -------
    denoised : array, shape (X, Y, Z, N), float32
    sigma : array, shape (X, Y, Z), float32
        Standard deviation of the noise, in units of the data; 0 where not estimated.

    Raises
    ------
    DataError
        There are fewer than 8 volumes.

    References
    ----------
    .. [1] Veraart et al., NeuroImage 142:394-406, 2016.
    .. [2] Gavish and Donoho, IEEE Trans Inf Theory 63:2137-2152, 2017.
    .. [3] Manjon et al., PLoS ONE 8:e73021, 2013.
    """
    n_volumes = data.shape[3]
    if n_volumes < MIN_VOLUMES:
        raise DataError(
            f"MP-PCA denoising needs {MIN_VOLUMES} volumes, and the series has {n_volumes}. "
            "Skip it for this series."
        )
    radius = 2
    while (2 * radius + 1) ** 3 < n_volumes:
        radius += 1
    centres = _patch_centres(np.asarray(mask) > 0, radius)
    padding = [(radius, radius + _STRIDE)] * 3
    padded = np.pad(np.asarray(data, dtype=np.float32), [*padding, (0, 0)], mode="reflect")
    denoised, sigma, weight = _denoise_patches(padded, centres, radius)
    inside = tuple(slice(radius, radius + size) for size in data.shape[:3])
    covered = weight[inside] > 0
    denoised, sigma = denoised[inside], sigma[inside]
    denoised[~covered] = data[~covered]
    return denoised, sigma


def _patch_centres(mask: NDArray[np.bool_], radius: int) -> NDArray[np.int64]:
    """First corners, shape (P, 3), of the patches that touch the mask, in the padded image."""
    near = np.pad(ndimage.maximum_filter(mask, 2 * radius + 1), [(0, _STRIDE)] * 3)
    corners = [np.arange(0, size + _STRIDE - 1, _STRIDE) for size in mask.shape]
    lattice = np.stack(np.meshgrid(*corners, indexing="ij"), axis=-1).reshape(-1, 3)
    return lattice[near[tuple(lattice.T)]]


def _denoise_patches(
    padded: NDArray[np.float32], corners: NDArray[np.int64], radius: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Average the denoised patches where they overlap; also return noise level and weight."""
    shape, n_volumes = padded.shape[:3], padded.shape[3]
    voxels = torch.from_numpy(padded).reshape(-1, n_volumes)
    width = range(2 * radius + 1)
    strides = np.array([shape[1] * shape[2], shape[2], 1])
    offsets = torch.from_numpy(np.array(list(product(width, width, width))) @ strides)
    starts = torch.from_numpy(corners @ strides)
    total = torch.zeros(len(voxels), n_volumes + 2)  # weighted signals, noise, weight

    def denoise(first: int) -> tuple[torch.Tensor, torch.Tensor]:
        index = starts[first : first + _CHUNK, None] + offsets
        signals, sigma, rank = _shrink(voxels[index])
        weight = (1 / (1 + rank))[:, None, None].expand(-1, len(offsets), 1)
        noise = sigma[:, None, None].expand_as(weight)
        values = torch.cat([signals, noise, torch.ones_like(weight)], dim=2) * weight
        return index.reshape(-1), values.reshape(-1, n_volumes + 2)

    with _one_thread_each() as n_threads, ThreadPoolExecutor(n_threads) as pool:
        for index, values in pool.map(denoise, range(0, len(starts), _CHUNK)):
            total.index_add_(0, index, values)
    weight = total[:, -1:]
    total /= torch.where(weight > 0, weight, 1)
    result = total.numpy().reshape(*shape, n_volumes + 2)
    return (
        np.ascontiguousarray(result[..., :-2]),
        np.ascontiguousarray(result[..., -2]),
        weight.numpy().reshape(shape),
    )


def _shrink(patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Denoise patches, shape (P, voxels, N); also return their noise level and rank, shape (P,)."""
    n_voxels, n_volumes = patches.shape[1:]
    mean = patches.mean(dim=1, keepdim=True)
    centred = patches - mean
    eigenvalues, vectors = torch.linalg.eigh(centred.transpose(1, 2) @ centred / n_voxels)
    eigenvalues = eigenvalues.clamp_min(0)
    variance, rank = _noise_level(eigenvalues, n_voxels)
    ratio = n_volumes / n_voxels
    power = eigenvalues / variance.clamp_min(1e-20)[:, None]
    gain = ((power - ratio - 1) ** 2 - 4 * ratio).clamp_min(0).sqrt() / power.clamp_min(1e-20)
    kept = torch.arange(n_volumes) >= n_volumes - rank[:, None]
    gain = torch.where(kept & (power > (1 + ratio**0.5) ** 2), gain, 0)
    signals = (centred @ (vectors * gain[:, None])) @ vectors.transpose(1, 2) + mean
    return signals, variance.sqrt(), rank


def _noise_level(eigenvalues: torch.Tensor, n_voxels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise variance and number of signal components of each patch.

    The p smallest eigenvalues are noise as long as they are not spread wider than
    the Marchenko-Pastur law with their own mean allows.
    """
    n_volumes = eigenvalues.shape[1]
    p = torch.arange(1, n_volumes + 1, dtype=eigenvalues.dtype)
    mean = eigenvalues.cumsum(dim=1) / p
    ratio = p / (n_voxels - (n_volumes - p)).clamp_min(1)
    spread = (eigenvalues - eigenvalues[:, :1]) / (4 * ratio.sqrt())
    n_noise = (torch.where(spread < mean, p, 0)).amax(dim=1).long().clamp_min(1)
    rank = n_volumes - n_noise
    return mean.gather(1, n_noise[:, None] - 1)[:, 0], rank


@contextmanager
def _one_thread_each() -> Iterator[int]:
    """Give each of torch's threads whole patches instead of a part of every operation."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield n_threads
    finally:
        torch.set_num_threads(n_threads)
