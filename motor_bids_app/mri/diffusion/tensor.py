"""Diffusion tensor: weighted least squares fit and its maps."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from motor_bids_app.errors import EmptyRegionError, GradientTableError
from motor_bids_app.mri.diffusion.gradients import GradientTable

TENSOR_MAPS = ("fa", "md", "rd", "ad", "s0", "rmse")
_CHUNK = 16384  # voxels fitted at a time: they stay in the cache
_MOST_UNEVEN = 0.15  # of the mean square of a direction, which is a third when all count alike
_MIN_WEIGHT = 1e-7  # of the heaviest volume; lighter ones would leave nothing to solve


def fit_tensor(
    data: NDArray[np.floating],
    gradients: GradientTable,
    mask: NDArray[Any],
    usable: NDArray[np.bool_] | None = None,
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
        One entry per volume; the frame matters for "direction" only.
    mask : array, shape (X, Y, Z)
        Positive where to fit.
    usable : array, shape (X, Y, Z, N), optional
        False where a value is known to be wrong; it does not count.

    Returns
    -------
    dict of arrays, shape (X, Y, Z), float32; 0 outside the mask
        "fa" (0 to 1), "md", "rd" and "ad" (mm2/s), "s0" (units of the data), "rmse" (root
        mean square of what the tensor leaves of the signals, units of the data), and, with
        shape (X, Y, Z, 3), "direction": unit vector of fastest diffusion, in the frame of
        the table.

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
    counted = None if usable is None else torch.from_numpy(usable[..., volumes][inside])
    design = _design(gradients.select(volumes))
    maps: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(signals), _CHUNK):
        part = slice(start, start + _CHUNK)
        fit = _fit(signals[part], design, None if counted is None else counted[part])
        for name, column in _maps(fit, signals[part], design).items():
            maps.setdefault(name, np.zeros((len(signals), *column.shape[1:]), dtype=np.float32))
            maps[name][part] = column.numpy()
    return {name: _placed(values, inside) for name, values in maps.items()}


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
        The gradients do not fit the data, or their mean is not that of all directions.
    EmptyRegionError
        The mask is empty, or holds no positive signal.
    """
    gradients.check(data.shape[3])
    weighted = ~gradients.is_b0 & (gradients.bvals <= gradients.tensor_limit)
    if not (weighted & ~gradients.has_direction).any():
        along = gradients.bvecs[weighted]
        spread = np.linalg.eigvalsh(along.T @ along / len(along))
        if np.abs(spread - 1 / 3).max() > _MOST_UNEVEN:
            raise GradientTableError(
                f"The {len(along)} weighted volumes measure some directions more than others: "
                "neither a tensor nor a mean diffusivity follows from them. Add the missing "
                "directions, or leave dwi out."
            )
        counted = weighted
    else:
        counted = weighted & ~gradients.has_direction  # averages over directions, by the scanner
    inside = np.asarray(mask) > 0
    logs = _positive(data[inside]).double().log().numpy()
    log_s0 = logs[:, gradients.is_b0].mean(axis=1)
    fall = log_s0[:, None] - logs[:, counted]
    diffusivity = (fall / gradients.bvals[counted]).mean(axis=1)
    maps = {"md": np.maximum(diffusivity, 0), "s0": np.exp(log_s0)}
    return {name: _placed(values, inside) for name, values in maps.items()}


def _placed(values: NDArray[np.floating], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Map of the values of the voxels inside; 0 elsewhere."""
    image = np.zeros((*inside.shape, *values.shape[1:]), dtype=np.float32)
    image[inside] = values
    return image


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


def _fit(signals: torch.Tensor, design: torch.Tensor, usable: torch.Tensor | None) -> torch.Tensor:
    """Tensor and log S0, shape (voxels, 7), of signals, shape (voxels, N)."""
    logs = signals.double().log()
    scale = design.abs().amax(dim=0)  # conditions the normal equations
    scaled = design / scale
    ordinary = logs @ torch.linalg.pinv(scaled).T
    if usable is not None:
        wrong = ~usable.all(dim=1)
        weights = usable[wrong].double().clamp_min(_MIN_WEIGHT)
        ordinary[wrong] = _solve(logs[wrong], scaled, weights)
    predicted = ordinary @ scaled.T
    weights = torch.exp(2 * (predicted - predicted.amax(dim=1, keepdim=True)))
    if usable is not None:
        weights = weights * usable
    return _solve(logs, scaled, weights.clamp_min(_MIN_WEIGHT)) / scale


def _solve(logs: torch.Tensor, design: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted least squares, voxel by voxel."""
    outer = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    normal = (weights @ outer).reshape(-1, 7, 7)
    moments = ((weights * logs) @ design)[..., None]
    return torch.cholesky_solve(moments, torch.linalg.cholesky(normal))[..., 0]


def _maps(
    fit: torch.Tensor, signals: torch.Tensor, design: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Return the maps of fits, shape (voxels, 7), to signals, shape (voxels, N)."""
    eigenvalues = _eigenvalues(fit[:, :6])
    smallest, middle, largest = (value.clamp_min(0) for value in eigenvalues)
    mean = (smallest + middle + largest) / 3
    squares = smallest**2 + middle**2 + largest**2
    variance = (smallest - mean) ** 2 + (middle - mean) ** 2 + (largest - mean) ** 2
    left = signals - torch.exp((fit @ design.T).clamp_max(80))  # float32 ends at exp(88)
    return {
        "fa": torch.sqrt(1.5 * variance / squares.clamp_min(1e-30)),
        "md": mean,
        "rd": (smallest + middle) / 2,
        "ad": largest,
        "s0": torch.exp(fit[:, 6].clamp_max(80)),
        "rmse": left.square().mean(dim=1).sqrt(),
        "direction": _direction(fit[:, :6], eigenvalues[2]),
    }


def _direction(tensor: torch.Tensor, largest: torch.Tensor) -> torch.Tensor:
    """Unit eigenvectors, shape (voxels, 3), of the largest eigenvalues.

    All rows of the matrix less its eigenvalue are orthogonal to the eigenvector: it is the
    cross product of two of them, of those that give the longest one.
    """
    xx, yy, zz, xy, xz, yz = tensor.T
    rows = torch.stack([xx - largest, xy, xz, xy, yy - largest, yz, xz, yz, zz - largest], dim=1)
    rows = rows.reshape(-1, 3, 3)
    products = torch.linalg.cross(rows, rows.roll(1, dims=1))
    best = products.norm(dim=2).argmax(dim=1)
    longest = products[torch.arange(len(best), device=best.device), best]
    return longest / longest.norm(dim=1, keepdim=True).clamp_min(1e-30)


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
