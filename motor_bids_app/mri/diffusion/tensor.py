"""Diffusion tensor: weighted least squares fit, its maps, and a brain mask on b0."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.errors import EmptyRegionError, GradientTableError
from motor_bids_app.mri.diffusion.gradients import TENSOR_LIMIT, GradientTable

TENSOR_MAPS = ("fa", "md", "rd", "ad", "s0")
_CHUNK = 16384  # voxels fitted at a time: they stay in the cache
_MIN_BRAIN = 100.0  # ml
_MIN_WEIGHT = 1e-7  # of the heaviest volume; lighter ones would leave nothing to solve


def fit_tensor(
    data: NDArray[np.floating], gradients: GradientTable, mask: NDArray[Any]
) -> dict[str, NDArray[np.float32]]:
    """Fit a diffusion tensor by weighted least squares, and return its maps.

    The logarithm of the signal is fitted twice: unweighted, then with the squared
    predicted signals as weights, which undoes what the logarithm does to the noise
    (Veraart et al., NeuroImage 81:335-346, 2013). Volumes above b = 1300 and trace
    volumes are left out.

    Parameters
    ----------
    data : array, shape (X, Y, Z, N)
        Diffusion series.
    gradients : GradientTable
        One entry per volume; the frame does not matter for these maps.
    mask : array, shape (X, Y, Z)
        Positive where to fit.

    Returns
    -------
    dict of arrays, shape (X, Y, Z), float32; 0 outside the mask
        "fa" (0 to 1), "md", "rd" and "ad" (mm2/s), "s0" (units of the data).

    Raises
    ------
    GradientTableError
        The gradients do not fit the data, or do not determine a tensor.
    EmptyRegionError
        The mask is empty, or holds no positive signal.
    """
    gradients.check(data.shape[3])
    gradients.check_tensor()
    volumes = gradients.fits_tensor
    inside = np.asarray(mask) > 0
    signals = _positive(data[..., volumes][inside])
    design = _design(gradients.select(volumes))
    maps = {name: np.zeros(data.shape[:3], dtype=np.float32) for name in TENSOR_MAPS}
    values = torch.cat([_fit(chunk, design) for chunk in torch.split(signals, _CHUNK)])
    for name, column in zip(TENSOR_MAPS, _maps(values), strict=True):
        maps[name][inside] = column.numpy()
    return maps


def fit_trace(
    data: NDArray[np.floating], gradients: GradientTable, mask: NDArray[Any]
) -> dict[str, NDArray[np.float32]]:
    """Mean diffusivity of a series with too few directions for a tensor.

    Clinical series have three orthogonal directions, or their average: the mean of
    the logarithms of the weighted volumes still measures the trace of the tensor.

    Parameters
    ----------
    data, gradients, mask
        As for `fit_tensor`.

    Returns
    -------
    dict of arrays, shape (X, Y, Z), float32; 0 outside the mask
        "md" (mm2/s) and "s0" (units of the data).

    Raises
    ------
    GradientTableError
        The gradients do not fit the data.
    EmptyRegionError
        The mask is empty, or holds no positive signal.
    """
    gradients.check(data.shape[3])
    weighted = ~gradients.is_b0 & (gradients.bvals <= TENSOR_LIMIT)
    if not weighted.any():
        raise GradientTableError(
            f"The lowest weighting is b = {gradients.bvals[~gradients.is_b0].min():.0f}; a mean "
            f"diffusivity needs one of at most {TENSOR_LIMIT:.0f}."
        )
    inside = np.asarray(mask) > 0
    logs = _positive(data[inside]).double().log().numpy()
    log_s0 = logs[:, gradients.is_b0].mean(axis=1)
    fall = log_s0[:, None] - logs[:, weighted]
    diffusivity = (fall / gradients.bvals[weighted]).mean(axis=1)
    maps = {name: np.zeros(data.shape[:3], dtype=np.float32) for name in ("md", "s0")}
    maps["md"][inside] = np.maximum(diffusivity, 0)
    maps["s0"][inside] = np.exp(log_s0)
    return maps


def _positive(signals: NDArray[np.floating]) -> torch.Tensor:
    """Signals with values that have no logarithm raised to the smallest positive one."""
    positive = signals[signals > 0]
    if positive.size == 0:
        raise EmptyRegionError(
            f"No signal to fit: the mask has {len(signals)} voxels, none of them with a positive "
            "value. Check the mask and the series."
        )
    return torch.from_numpy(np.where(signals > 0, signals, positive.min()).astype(np.float32))


def _design(gradients: GradientTable) -> torch.Tensor:
    """Matrix, shape (N, 7), from (Dxx, Dyy, Dzz, Dxy, Dxz, Dyz, log S0) to log signals."""
    x, y, z = gradients.bvecs.T
    products = np.stack([x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z], axis=1)
    columns = [-gradients.bvals[:, None] * products, np.ones((len(gradients), 1))]
    return torch.from_numpy(np.concatenate(columns, axis=1))


def _fit(signals: torch.Tensor, design: torch.Tensor) -> torch.Tensor:
    """Tensor and log S0, shape (voxels, 7), of signals, shape (voxels, N)."""
    logs = signals.double().log()
    scale = design.abs().amax(dim=0)  # conditions the normal equations
    scaled = design / scale
    ordinary = logs @ torch.linalg.pinv(scaled).T
    predicted = ordinary @ scaled.T
    weights = torch.exp(2 * (predicted - predicted.amax(dim=1, keepdim=True)))
    weights = weights.clamp_min(_MIN_WEIGHT)
    outer = (scaled[:, :, None] * scaled[:, None, :]).reshape(len(scaled), -1)
    normal = (weights @ outer).reshape(-1, 7, 7)
    moments = ((weights * logs) @ scaled)[..., None]
    solution = torch.cholesky_solve(moments, torch.linalg.cholesky(normal))[..., 0]
    return solution / scale


def _maps(fit: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """FA, MD, RD, AD and S0 of fits, shape (voxels, 7)."""
    smallest, middle, largest = (value.clamp_min(0) for value in _eigenvalues(fit[:, :6]))
    mean = (smallest + middle + largest) / 3
    squares = smallest**2 + middle**2 + largest**2
    variance = (smallest - mean) ** 2 + (middle - mean) ** 2 + (largest - mean) ** 2
    anisotropy = torch.sqrt(1.5 * variance / squares.clamp_min(1e-30))
    s0 = torch.exp(fit[:, 6].clamp_max(80))  # float32 ends at exp(88)
    return anisotropy, mean, (smallest + middle) / 2, largest, s0


def _eigenvalues(tensor: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Eigenvalues, rising, of symmetric 3x3 matrices given as (xx, yy, zz, xy, xz, yz).

    The trigonometric solution (Smith, Comm ACM 4:168, 1961): many times faster than
    a general solver.
    """
    xx, yy, zz, xy, xz, yz = tensor.T
    mean = (xx + yy + zz) / 3
    xx, yy, zz = xx - mean, yy - mean, zz - mean
    radius = ((xx**2 + yy**2 + zz**2 + 2 * (xy**2 + xz**2 + yz**2)) / 6).sqrt()
    determinant = xx * (yy * zz - yz**2) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
    half = (determinant / (2 * radius**3).clamp_min(1e-60)).clamp(-1, 1)
    angle = half.arccos() / 3
    largest = mean + 2 * radius * angle.cos()
    smallest = mean + 2 * radius * (angle + 2 * np.pi / 3).cos()
    return smallest, 3 * mean - largest - smallest, largest


def dwi_mask(b0: NDArray[np.floating], voxel_sizes: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Mask the brain on a b0 image, where fat is suppressed and the skull is dark.

    The smoothed image is cut between background and brain; bridges to eyes and
    neck are eroded away, the largest piece is kept, grown back and filled.

    Parameters
    ----------
    b0 : array, shape (X, Y, Z)
        Mean of the volumes without diffusion weighting.
    voxel_sizes : array, shape (3,)
        Edge lengths in mm.

    Returns
    -------
    array, shape (X, Y, Z), uint8

    Raises
    ------
    EmptyRegionError
        Nothing in the image is of a size to be a brain.
    """
    sizes = np.asarray(voxel_sizes, dtype=np.float64)
    smooth = ndimage.gaussian_filter(np.asarray(b0, dtype=np.float32), 1.5 / sizes, mode="nearest")
    bright = smooth[smooth > smooth.mean()]
    if bright.size == 0:
        raise EmptyRegionError("The b0 image does not vary: there is no brain to be found in it.")
    # Fluid, much brighter than tissue, would pull the cut into the tissue.
    clipped = np.minimum(smooth, np.median(bright))
    head = clipped > _otsu(clipped)
    core = _largest(~_within(~head, 5.0, sizes))
    brain = _within(core, 7.0, sizes) & head
    brain = ~_within(~_within(brain, 6.0, sizes), 6.0, sizes)
    brain = ndimage.binary_fill_holes(brain)
    volume = brain.sum() * np.prod(sizes) / 1000
    if volume < _MIN_BRAIN:
        raise EmptyRegionError(
            f"The largest bright piece of b0 image has {volume:.0f} ml, too few for a brain. "
            "Check the image, or give a brain mask."
        )
    return brain.astype(np.uint8)


def _otsu(values: NDArray[np.float32]) -> float:
    """Cut that separates the values into the two most homogeneous classes (Otsu, 1979)."""
    counts, edges = np.histogram(values, bins=256)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    sum_below = np.cumsum(counts * middles)[:-1]
    sum_above = (counts * middles).sum() - sum_below
    between = (
        below * above * (sum_below / np.maximum(below, 1) - sum_above / np.maximum(above, 1)) ** 2
    )
    return float(edges[1:-1][np.argmax(between)])


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    return labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])


def _within(mask: NDArray[np.bool_], distance: float, sizes: NDArray[Any]) -> NDArray[np.bool_]:
    """Voxels at most `distance` mm from the mask."""
    return ndimage.distance_transform_edt(~mask, sampling=sizes) <= distance
