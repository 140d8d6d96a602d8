"""Connectivity of a seed with the rest of the brain, over a whole series or sliding windows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from motor_bids_app.errors import DataError, EmptyRegionError
from motor_bids_app.spaces.atlases import load_aal
from motor_bids_app.spaces.grids import Grid

CONNECTIVITY = ("fc", "dfc_mean", "dfc_std")  # maps: static, mean and SD over windows
LEFT_M1 = (-38.0, -22.0, 56.0)  # mm, of the hand in left M1 (Gao et al. 2025)
_REGION = "Precentral"
_LEAST_SHARE = 0.5  # of a seed that must be usable, or M1 is searched for other voxels
_FARTHEST = 20.0  # mm from a seed that other voxels of M1 can stand in for it
_FEWEST_VOLUMES = 5  # of a window
_LEAST_WEIGHT = 0.5  # of a window that scrubbing must leave
_NEAREST_TO_ONE = 1e-6  # of |r|, where Fisher's z ends
_BLOCK = 4096  # voxels at a time, that a cache holds
_TOGETHER = 32  # windows at a time: neighbours share most of their volumes


@dataclass(frozen=True, eq=False)
class Seed:
    """Voxels whose mean time course others are correlated with.

    Parameters
    ----------
    voxels : array of bool, shape (X, Y, Z)
    side : str
        Hemisphere it is in, "left" or "right".
    moved : float
        Mean distance of its voxels, in mm, from the centre of the seed as asked for, if they are
        others; 0 if they are its own.
    share : float
        Part of the seed as asked for that could be used.
    """

    voxels: NDArray[np.bool_]
    side: Literal["left", "right"]
    moved: float
    share: float


def sphere(grid: Grid, centre: tuple[float, float, float], radius: float) -> NDArray[np.bool_]:
    """Voxels of a grid whose centres are within `radius` mm of a point; at least the nearest."""
    distance = _distances(grid, np.asarray(centre))
    return distance <= max(radius, float(distance.min()))


def place_seed(
    wanted: NDArray[np.bool_],
    usable: NDArray[np.bool_],
    grid: Grid,
    side: Literal["left", "right"],
) -> Seed:
    """Put a seed on the intact part of M1 of a side.

    Where less than half of it can be used, because of the lesion or lost signal, the nearest
    usable voxels of the precentral gyrus of that side stand in, as many as the seed has, if they
    are within 20 mm: farther off another part of the body has its place.

    Parameters
    ----------
    wanted : array of bool, shape (X, Y, Z)
        The seed as it is in the left hemisphere; mirrored for the right one.
    usable : array of bool, shape (X, Y, Z)
        Voxels with a signal, outside the lesion.
    grid : Grid
        Standard grid of both; symmetric about x = 0.
    side : str
        "left" or "right".

    Raises
    ------
    EmptyRegionError
        M1 of that side has too few usable voxels.
    """
    wanted = wanted[::-1] if side == "right" else wanted
    size = int(wanted.sum())
    if size == 0:
        raise EmptyRegionError("The seed is empty: no voxel of the standard grid is in it.")
    left = wanted & usable
    share = left.sum() / size
    if share >= _LEAST_SHARE:
        return Seed(left, side, 0.0, float(share))
    resolution = round(float(grid.voxel_sizes[0]))
    region = load_aal(resolution).mask(f"{_REGION}_{side[0].upper()}")
    centre = _centre(wanted, grid)
    near = _distances(grid, centre) <= _FARTHEST
    candidates = np.flatnonzero(region & usable & near)
    if len(candidates) < size * _LEAST_SHARE:
        raise EmptyRegionError(
            f"M1 of the {side} hemisphere has {len(candidates)} voxels with a signal outside the "
            f"lesion within {_FARTHEST:g} mm of the seed, too few for a seed of {size}: it was not "
            "measured, or is destroyed."
        )
    distance = _distances(grid, centre).ravel()[candidates]
    nearest = np.argsort(distance, kind="stable")[:size]
    chosen = np.zeros(wanted.size, dtype=bool)
    chosen[candidates[nearest]] = True
    return Seed(chosen.reshape(wanted.shape), side, float(distance[nearest].mean()), float(share))


def _centre(voxels: NDArray[np.bool_], grid: Grid) -> NDArray[np.float64]:
    """Mean place of voxels, in mm."""
    middle = np.argwhere(voxels).mean(axis=0)
    return np.asarray(grid.affine[:3, :3] @ middle + grid.affine[:3, 3])


def _distances(grid: Grid, point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of all voxels from a point, mm; shape of the grid, whose axes are the world's."""
    squares = [
        (grid.affine[axis, 3] + grid.affine[axis, axis] * np.arange(count) - point[axis]) ** 2
        for axis, count in enumerate(grid.shape)
    ]
    return np.sqrt(squares[0][:, None, None] + squares[1][:, None] + squares[2])


def sliding_windows(
    n_volumes: int,
    length: int,
    *,
    step: int = 1,
    taper: float = 0.0,
    left_out: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Weights of the volumes in each window, shape (windows, T); each row sums to 1.

    Parameters
    ----------
    n_volumes, length, step : int
        Volumes of the series, of a window, and from one window to the next.
    taper : float
        Standard deviation, in volumes, of the Gaussian that the edges of a window are smoothed by
        (Allen et al. 2014); 0 is a rectangle.
    left_out : array of bool, shape (T,), optional
        Volumes that do not count. A window that loses half of its weight to them is left out.

    Raises
    ------
    DataError
        There is no window, or it is too short.
    """
    if length < _FEWEST_VOLUMES:
        raise DataError(
            f"A window of {length} volumes is too short for a correlation: use {_FEWEST_VOLUMES} "
            "or more."
        )
    if n_volumes < length:
        raise DataError(
            f"The bold has {n_volumes} volumes, fewer than the {length} of one window. Use a "
            "shorter window, or a longer series."
        )
    starts = np.arange(0, n_volumes - length + 1, step)
    volumes = np.arange(n_volumes)
    weights = ((volumes >= starts[:, None]) & (volumes < starts[:, None] + length)).astype(float)
    if taper > 0:
        offset = volumes[:, None] - volumes
        weights = weights @ np.exp(-0.5 * (offset / taper) ** 2)
        weights[weights < 1e-3 * weights.max()] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    if left_out is not None and left_out.any():
        weights[:, left_out] = 0
        weights = weights[weights.sum(axis=1) > _LEAST_WEIGHT]
        if not len(weights):
            raise DataError(
                f"{int(left_out.sum())} of {n_volumes} volumes are left out for motion, so that "
                "every window loses half of its volumes. Leave this series out."
            )
        weights /= weights.sum(axis=1, keepdims=True)
    return weights


def window_maps(
    signals: NDArray[np.floating], seed: NDArray[np.floating], weights: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Fisher z of the correlation with a seed in each window.

    Parameters
    ----------
    signals : array, shape (T, voxels)
        Time courses.
    seed : array, shape (T,)
    weights : array, shape (windows, T)
        From `sliding_windows`.

    Returns
    -------
    array, shape (windows, voxels), float32
        0 where a voxel does not vary in a window.
    """
    maps = np.empty((len(weights), signals.shape[1]), dtype=np.float32)
    for part, values in _blocks(signals, seed, weights):
        maps[:, part] = values.numpy()
    return maps


def window_statistics(
    signals: NDArray[np.floating], seed: NDArray[np.floating], weights: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of `window_maps` over windows, which are never all in memory."""
    mean, deviation = (np.empty(signals.shape[1], dtype=np.float32) for _ in range(2))
    for part, values in _blocks(signals, seed, weights):
        spread, middle = torch.std_mean(values, dim=0, correction=0)
        mean[part], deviation[part] = middle.numpy(), spread.numpy()
    return mean, deviation


def static_map(
    signals: NDArray[np.floating],
    seed: NDArray[np.floating],
    left_out: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Fisher z of the correlation with a seed over the whole series, shape (voxels,)."""
    counted = np.ones(len(seed)) if left_out is None else (~left_out).astype(float)
    return window_maps(signals, seed, counted[None] / counted.sum())[0]


def _blocks(
    signals: NDArray[np.floating], seed: NDArray[np.floating], weights: NDArray[np.floating]
) -> Iterator[tuple[slice, torch.Tensor]]:
    """Fisher z of blocks of voxels, shape (windows, block).

    The weighted covariance with the seed is one banded matrix product, the weighted mean and
    mean square of the voxels are two more.
    """
    mean = weights @ seed
    variance = weights @ (np.asarray(seed, dtype=np.float64) ** 2) - mean**2
    centred = seed[None] - mean[:, None]
    scale = np.sqrt(np.maximum(variance, 0))[:, None]
    towards = np.divide(weights * centred, scale, out=np.zeros(weights.shape), where=scale > 0)
    bands = [_Band.of(weights, towards, start) for start in range(0, len(weights), _TOGETHER)]
    for start in range(0, signals.shape[1], _BLOCK):
        part = slice(start, start + _BLOCK)
        values = torch.from_numpy(np.ascontiguousarray(signals[:, part], dtype=np.float32))
        # In units of its own spread, a voxel loses few digits in the difference of squares below.
        spread, middle = torch.std_mean(values, dim=0, correction=0)
        varies = spread > 0
        values = (values - middle) / torch.where(varies, spread, 1)
        squares = values.square()
        z = torch.empty((len(weights), values.shape[1]), device="cpu")  # as numpy's arrays are
        for band in bands:
            z[band.rows] = band.correlate(values, squares)
        yield part, z.mul_(varies)


@dataclass(frozen=True, eq=False)
class _Band:
    """Some neighbouring windows, and the volumes that they have between them."""

    rows: slice
    columns: slice
    weights: torch.Tensor
    both: torch.Tensor  # towards the seed, then plain weights

    @classmethod
    def of(
        cls, weights: NDArray[np.floating], towards: NDArray[np.floating], start: int
    ) -> "_Band":
        rows = slice(start, start + _TOGETHER)
        used = np.flatnonzero(weights[rows].any(axis=0))
        columns = slice(int(used[0]), int(used[-1]) + 1)
        plain = torch.from_numpy(weights[rows, columns].astype(np.float32))
        seed = torch.from_numpy(towards[rows, columns].astype(np.float32))
        return cls(rows, columns, plain, torch.cat([seed, plain]))

    def correlate(self, values: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
        """Fisher z, shape (windows, block), of voxels of mean 0 and variance 1."""
        covariance, mean = (self.both @ values[self.columns]).chunk(2)
        variance = (self.weights @ squares[self.columns]).addcmul_(mean, mean, value=-1)
        # rsqrt of nothing is infinite: a voxel that stands still in a window gets 0.
        r = covariance * variance.clamp_min_(0).rsqrt_().nan_to_num_(posinf=0.0)
        return r.clamp_(_NEAREST_TO_ONE - 1, 1 - _NEAREST_TO_ONE).atanh_()
