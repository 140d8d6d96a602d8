"""Denoising of a diffusion series by random-matrix theory (MP-PCA)."""

from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.errors import DataError
from motor_bids_app.mri.threads import alone_on_threads

# Voxels between patch centres: every voxel lies in about 5 patches. With 2 it would be in 16, which
# takes three times as long for an error 5 % smaller.
_STRIDE = 3
# Share of the greatest eigenvalue of noise from which a component is kept. In patches of some
# hundred voxels signal is found on both sides of that edge, and what is dropped lowers anisotropy:
# by 1.0 to 1.3 % with 1 and by 0.7 to 0.9 % with 0.85, of 34 and 70 volumes of tensors that turn
# within 2 voxels. Less would keep a tenth of the noise and more.
_EDGE = 0.85
_CHUNK = 2048  # patches decomposed at a time: bounds the memory
MIN_VOLUMES = 8  # with fewer, noise and signal cannot be told apart


def denoise_mppca(
    data: NDArray[np.floating], mask: NDArray[Any]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Remove what cannot be told from noise in the principal components of small patches.

    In each cubic patch, the eigenvalues of pure noise follow the Marchenko-Pastur
    law. It yields the noise level [1]_, and with it the components that hold signal:
    those are kept as they are, the others dropped. (Shrinking them to the least expected
    squared error brings signals nearer to the truth, but lowers anisotropy by a tenth:
    it is the weak components that tell directions apart.) Overlapping patches are
    averaged, simpler ones with more weight [2]_.

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
    .. [2] Manjon et al., PLoS ONE 8:e73021, 2013.
    """
    n_volumes = data.shape[3]
    if n_volumes < MIN_VOLUMES:
        raise DataError(
            f"MP-PCA denoising needs {MIN_VOLUMES} volumes, and the series has {n_volumes}. "
            "Skip it for this series."
        )
    widths = _patch_widths(data.shape[:3], n_volumes)
    corners = _patch_corners(np.asarray(mask) > 0, widths)
    # Images come with volumes one after the other; torch turns them faster than numpy does.
    series = torch.as_tensor(np.asarray(data, dtype=np.float32), device="cpu").contiguous().numpy()
    denoised, sigma, covered = _denoise_patches(series, corners, widths)
    denoised[~covered] = series[~covered]
    return denoised, sigma


def _patch_widths(shape: tuple[int, ...], n_volumes: int) -> NDArray[np.int64]:
    """Edges of the patches: 5 voxels, or more for patches with at least as many voxels as volumes.

    An image with few slices gets flatter, wider patches.
    """
    width = 5
    while np.prod(np.minimum(width, shape)) < n_volumes and width < max(shape):
        width += 2
    return np.minimum(width, shape)


def _patch_corners(mask: NDArray[np.bool_], widths: NDArray[np.int64]) -> NDArray[np.int64]:
    """First corners, shape (P, 3), of the patches that touch the mask; all inside the image."""
    near = ndimage.maximum_filter(mask, widths, origin=tuple(-(widths // 2)))
    last = [size - width for size, width in zip(mask.shape, widths, strict=True)]
    starts = [np.unique(np.append(np.arange(0, end, _STRIDE), end)) for end in last]
    lattice = np.stack(np.meshgrid(*starts, indexing="ij"), axis=-1).reshape(-1, 3)
    return lattice[near[tuple(lattice.T)]]


def _denoise_patches(
    series: NDArray[np.float32], corners: NDArray[np.int64], widths: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Average the denoised patches where they overlap; also noise, and where there is any."""
    shape, n_volumes = series.shape[:3], series.shape[3]
    voxels = torch.as_tensor(series).reshape(-1, n_volumes)
    strides = np.array([shape[1] * shape[2], shape[2], 1])
    inside = list(product(*(range(width) for width in widths)))
    offsets = torch.as_tensor(np.array(inside) @ strides)
    starts = torch.as_tensor(corners @ strides)
    total = torch.zeros(len(voxels), n_volumes + 2)  # weighted signals, noise, weight

    def denoise(first: int) -> tuple[torch.Tensor, torch.Tensor]:
        index = starts[first : first + _CHUNK, None] + offsets
        signals, sigma, rank = _without_noise(voxels[index])
        weight = (1 / (1 + rank))[:, None, None].expand(-1, len(offsets), 1)
        noise = sigma[:, None, None].expand_as(weight)
        values = torch.cat([signals, noise, torch.ones_like(weight)], dim=2) * weight
        return index.reshape(-1), values.reshape(-1, n_volumes + 2)

    for index, values in alone_on_threads(denoise, range(0, len(starts), _CHUNK)):
        total.index_add_(0, index, values)
    covered = total[:, -1] > 0
    total /= torch.where(covered, total[:, -1], 1)[:, None]
    result = total.cpu().numpy().reshape(*shape, n_volumes + 2)
    return (
        result[..., :-2],  # not copied: the two columns beside it are small
        result[..., -2].copy(),
        covered.cpu().numpy().reshape(shape),
    )


def _without_noise(patches: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Denoise patches, shape (P, voxels, N); also return their noise level and rank, shape (P,)."""
    n_voxels, n_volumes = patches.shape[1:]
    mean = patches.mean(dim=1, keepdim=True)
    centred = patches - mean
    eigenvalues, vectors = torch.linalg.eigh(centred.transpose(1, 2) @ centred / n_voxels)
    variance = _noise_level(eigenvalues.clamp_min(0), n_voxels)
    edge = (1 + (n_volumes / n_voxels) ** 0.5) ** 2 * variance
    kept = eigenvalues > _EDGE * edge[:, None]
    signals = (centred @ (vectors * kept[:, None])) @ vectors.transpose(1, 2) + mean
    return signals, variance.sqrt(), kept.sum(dim=1)


def _noise_level(eigenvalues: torch.Tensor, n_voxels: int) -> torch.Tensor:
    """Noise variance of each patch, shape (P,).

    The p smallest eigenvalues are noise as long as they are not spread wider than
    the Marchenko-Pastur law with their own mean allows.
    """
    n_volumes = eigenvalues.shape[1]
    p = torch.arange(1, n_volumes + 1, dtype=eigenvalues.dtype, device=eigenvalues.device)
    mean = eigenvalues.cumsum(dim=1) / p
    ratio = p / (n_voxels - (n_volumes - p)).clamp_min(1)
    spread = (eigenvalues - eigenvalues[:, :1]) / (4 * ratio.sqrt())
    n_noise = (torch.where(spread < mean, p, 0)).amax(dim=1).long().clamp_min(1)
    return mean.gather(1, n_noise[:, None] - 1)[:, 0]
