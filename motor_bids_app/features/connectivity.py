"""Connectivity of a seed with the rest of the brain, over a whole series or sliding windows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.mri.threads import alone_on_threads

CONNECTIVITY = ("fc", "dfc_mean", "dfc_std")  # maps: static, mean and SD over windows
_FEWEST_VOLUMES = 5  # of a window
_LEAST_WEIGHT = 0.5  # of a window that scrubbing must leave
_NEAREST_TO_ONE = 1e-6  # of |r|, where Fisher's z ends
_STILL = 1e-6  # of the variance of a voxel, and of its mean: what single precision leaves of them
_BLOCK = 2048  # voxels at a time, that a cache holds with many windows of a long series
_CACHED = 2**19  # values of a series that it holds too: of one window, many voxels at a time
_TOGETHER = 12  # windows at a time: neighbours share most of their volumes


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
        Volumes that do not count. A window that loses half of its weight to them, or keeps fewer
        than 5 volumes, is left out; see `kept_windows`.

    Raises
    ------
    DataError
        There is no window, or it is too short.
    """
    weights = _all_windows(n_volumes, length, step, taper)
    if left_out is None or not left_out.any():
        return weights
    weights = np.where(left_out, 0, weights)[_kept(weights, left_out)]
    if not len(weights):
        raise DataError(
            f"{int(left_out.sum())} of {n_volumes} volumes are left out for motion, so that no "
            f"window keeps more than half of its volumes, and {_FEWEST_VOLUMES} of them. Leave "
            "this series out."
        )
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def kept_windows(
    n_volumes: int, length: int, left_out: NDArray[np.bool_], *, step: int = 1, taper: float = 0.0
) -> NDArray[np.intp]:
    """Numbers of the windows that `sliding_windows` keeps, among all of the series, from 0."""
    weights = _all_windows(n_volumes, length, step, taper)
    return np.flatnonzero(_kept(weights, left_out))


def _kept(weights: NDArray[np.float64], left_out: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Windows that still have most of their weight, and volumes enough, shape (windows,)."""
    left = weights[:, ~left_out]
    enough = np.count_nonzero(left, axis=1) >= _FEWEST_VOLUMES
    return np.asarray(enough & (left.sum(axis=1) > _LEAST_WEIGHT))


def _all_windows(n_volumes: int, length: int, step: int, taper: float) -> NDArray[np.float64]:
    """Weights of the volumes in each window, none of which is left out."""
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
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


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
    whole = torch.from_numpy(maps)
    _fill_blocks(signals, seed, weights, lambda part: whole[:, part])
    return maps


def window_statistics(
    signals: NDArray[np.floating], seed: NDArray[np.floating], weights: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of `window_maps` over windows, which are never all in memory."""
    mean, deviation = (np.empty(signals.shape[1], dtype=np.float32) for _ in range(2))

    def place(part: slice) -> torch.Tensor:
        return torch.empty((len(weights), len(mean[part])), device="cpu")  # as numpy's arrays are

    def keep(part: slice, z: torch.Tensor) -> None:
        spread, middle = torch.std_mean(z, dim=0, correction=0)
        mean[part], deviation[part] = middle.numpy(), spread.numpy()

    _fill_blocks(signals, seed, weights, place, keep)
    return mean, deviation


def static_map(
    signals: NDArray[np.floating],
    seed: NDArray[np.floating],
    left_out: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Fisher z of the correlation with a seed over the whole series, shape (voxels,)."""
    counted = np.ones(len(seed)) if left_out is None else (~left_out).astype(float)
    return window_maps(signals, seed, counted[None] / counted.sum())[0]


def _fill_blocks(
    signals: NDArray[np.floating],
    seed: NDArray[np.floating],
    weights: NDArray[np.floating],
    place: Callable[[slice], torch.Tensor],
    keep: Callable[[slice, torch.Tensor], None] | None = None,
) -> None:
    """Put Fisher z of blocks of voxels, shape (windows, block), where `place` says.

    The weighted covariance with the seed is one banded matrix product, the weighted mean and
    mean square of the voxels are two more. Blocks fit into a cache, so that each is the work of
    one thread from start to end; `keep` is then told of it.
    """
    mean = weights @ seed
    variance = weights @ (np.asarray(seed, dtype=np.float64) ** 2) - mean**2
    centred = seed[None] - mean[:, None]
    scale = np.sqrt(np.maximum(variance, 0))[:, None]
    towards = np.divide(weights * centred, scale, out=np.zeros(weights.shape), where=scale > 0)
    bands = [_Band.of(weights, towards, start) for start in range(0, len(weights), _TOGETHER)]

    size = max(_BLOCK, _CACHED // len(signals))

    @torch.inference_mode()  # of each thread: the caller may be in it, whose tensors these are
    def work(start: int) -> None:
        part = slice(start, start + size)
        values, least = _centred(signals[:, part])
        z = place(part)
        for band in bands:
            band.correlate(values[band.columns], least, z[band.rows])
        if keep is not None:
            keep(part, z)

    list(alone_on_threads(work, range(0, signals.shape[1], size)))


def _centred(signals: NDArray[np.floating]) -> tuple[torch.Tensor, torch.Tensor]:
    """Series without their mean, and the least variance in a window that is one.

    That is a millionth of the variance of the whole series, where rounding hides what is left;
    infinite in voxels that do not vary at all.
    """
    # Half precision becomes single several times as fast in torch as in numpy.
    values = torch.from_numpy(np.array(signals, order="C")).float()
    middle = values.mean(dim=0)
    values -= middle
    power = values.square().mean(dim=0)
    varies = power > (_STILL * middle) ** 2
    return values, torch.where(varies, _STILL * power, torch.inf)


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

    def correlate(self, values: torch.Tensor, least: torch.Tensor, z: torch.Tensor) -> None:
        """Put Fisher z of series in these volumes into `z`, shape (windows, block).

        The nearer they are to 0, the fewer digits are lost in the difference of squares.
        """
        values = values - values.mean(dim=0)
        covariance, mean = (self.both @ values).chunk(2)
        variance = (self.weights @ values.square()).addcmul_(mean, mean, value=-1)
        r = covariance.mul_(torch.maximum(variance, least, out=variance).rsqrt_())
        torch.atanh(r.clamp_(_NEAREST_TO_ONE - 1, 1 - _NEAREST_TO_ONE), out=z)
