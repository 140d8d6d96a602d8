"""Deformable alignment by local cross-correlation: greedy, diffeomorphic.

Each step moves every voxel up the slope of the squared correlation within small cubes
(Avants et al. 2008), smoothes that update and composes it with what was found before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from motor_bids_app.mri.sampling import box_mean, sample, shrink, smooth, voxel_grid

_WIDTH = 5  # voxels, edge of the cubes
_UPDATE_SMOOTHING = 1.0  # voxels
_FIELD_SMOOTHING = 0.7  # voxels
_STEP = 0.8  # voxels, longest update of the first step
_LAST_STEP = 0.1  # of that, to which steps shrink: constant ones would not settle
_STEEP = 3.0  # times the root mean square: what is steeper goes no farther, or would slow the rest
_LEAST_VARIANCE = 1e-4  # of values between 0 and 1; in flatter cubes noise would steer


@dataclass(frozen=True, eq=False)
class Match:
    """Two images on one grid.

    Parameters
    ----------
    fixed, moving : Tensor, shape (1, X, Y, Z)
        Values from 0 to about 1.
    weight : Tensor, shape (1, X, Y, Z)
        Of the moving image: 0 in lesions and where it was not measured, else 1.
    """

    fixed: Tensor
    moving: Tensor
    weight: Tensor


@torch.no_grad()
def deform(match: Match, levels: Sequence[tuple[int, int]], start: Tensor | None = None) -> Tensor:
    """Find the displacement that brings the moving image to the fixed one.

    Parameters
    ----------
    match : Match
    levels : sequence of (int, int)
        Factor by which the grid is thinned out, and number of steps; coarse to fine.
    start : Tensor, shape (3, X, Y, Z), optional
        Displacement to begin with, in voxels.

    Returns
    -------
    Tensor, shape (3, X, Y, Z)
        In voxels: fixed voxel x lies at x + displacement in the moving image.
    """
    displacement, previous = start, 1
    for factor, n_steps in levels:
        level = _thin_out(match, factor)
        grid = voxel_grid(tuple(level.fixed.shape[1:]))
        if displacement is None:
            displacement = torch.zeros_like(grid)
        else:
            displacement = _enlarge(displacement, grid, previous / factor)
        for step in range(n_steps):
            length = _STEP * (1 - (1 - _LAST_STEP) * step / n_steps)
            update = length * _bounded(_slope(level, grid + displacement))
            displacement = update + sample(displacement, grid + update, padding="border")
            displacement = smooth(displacement, _FIELD_SMOOTHING)
        previous = factor
    assert displacement is not None, "no levels"
    if previous > 1:
        grid = voxel_grid(tuple(match.fixed.shape[1:]))
        displacement = _enlarge(displacement, grid, previous)
    return displacement


@torch.no_grad()
def local_correlation(match: Match, displacement: Tensor) -> Tensor:
    """Squared correlation within the cube around each voxel, shape (1, X, Y, Z), 0 to 1."""
    grid = voxel_grid(tuple(match.fixed.shape[1:]))
    moments = _Moments.of(match, grid + displacement)
    squared = moments.covariance.square() / (moments.fixed_variance * moments.moving_variance)
    return torch.where(moments.usable, squared, 0).clamp(0, 1)


def _thin_out(match: Match, factor: int) -> Match:
    if factor == 1:
        return match
    factors = (float(factor),) * 3
    weight = shrink(match.weight, factors)
    moving = shrink(match.moving * match.weight, factors) / weight.clamp_min(1e-3)
    return Match(shrink(match.fixed, factors), moving, weight)


def _enlarge(displacement: Tensor, grid: Tensor, ratio: float) -> Tensor:
    """Bring a displacement to a finer grid whose voxels are `ratio` times as many."""
    return ratio * sample(displacement, grid / ratio, padding="border")


@dataclass(frozen=True, eq=False)
class _Moments:
    """What the correlation of the cubes is made of, each of shape (1, X, Y, Z)."""

    warped: Tensor
    weight: Tensor
    share: Tensor  # of each cube that counts
    fixed_mean: Tensor
    moving_mean: Tensor
    fixed_variance: Tensor
    moving_variance: Tensor
    covariance: Tensor
    usable: Tensor

    @classmethod
    def of(cls, match: Match, points: Tensor) -> "_Moments":
        warped, weight = sample(torch.cat([match.moving, match.weight]), points)[:, None]
        fixed = match.fixed
        products = torch.cat([fixed, warped, fixed * fixed, warped * warped, fixed * warped])
        sums = box_mean(torch.cat([products * weight, weight]), _WIDTH)
        share = sums[5:].clamp_min(1e-3)
        mean = sums[:5] / share
        f, m, ff, mm, fm = (mean[k : k + 1] for k in range(5))
        fixed_variance, moving_variance = ff - f * f, mm - m * m
        usable = (fixed_variance > _LEAST_VARIANCE) & (moving_variance > _LEAST_VARIANCE)
        return cls(
            warped=warped,
            weight=weight,
            share=share,
            fixed_mean=f,
            moving_mean=m,
            fixed_variance=fixed_variance.clamp_min(_LEAST_VARIANCE / 10),
            moving_variance=moving_variance.clamp_min(_LEAST_VARIANCE / 10),
            covariance=fm - f * m,
            usable=usable,
        )


def _slope(level: Match, points: Tensor) -> Tensor:
    """Smoothed direction in which the correlation grows, shape (3, X, Y, Z).

    A voxel is in many cubes, each with means of its own: the slope is that of their sum.
    """
    m = _Moments.of(level, points)
    gain = m.covariance / (m.fixed_variance * m.moving_variance)
    gain = torch.where(m.usable, gain, 0)  # a cube counts by what is seen of it
    loss = gain * m.covariance / m.moving_variance
    parts = torch.cat([gain, gain * m.fixed_mean, loss, loss * m.moving_mean])
    gain, gain_mean, loss, loss_mean = box_mean(parts, _WIDTH)[:, None]
    force = (gain * level.fixed - gain_mean - loss * m.warped + loss_mean) * m.weight
    gradient = torch.stack(torch.gradient(m.warped[0])) * force
    smoothed = smooth(torch.cat([gradient, m.weight]), _UPDATE_SMOOTHING)
    # Divided by the share of voxels that count, so that the edge of a lesion carries its inside.
    return smoothed[:3] / smoothed[3:].clamp_min(0.05)


def _bounded(slope: Tensor) -> Tensor:
    """Scale a slope, shape (3, X, Y, Z), and cut its steepest places, so that 1 is the longest."""
    length = slope.square().sum(0).sqrt()
    limit = (_STEEP * length.square().mean().sqrt()).clamp_min(1e-12)
    return slope / torch.maximum(length, limit)
