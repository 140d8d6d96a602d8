"""Rigid and affine alignment of two images of any contrast.

The best matrix explains most of the moving image's variance by the fixed image's values
(correlation ratio, Roche et al. 1998). Whatever the two contrasts are, this is a least-squares
problem, which Gauss-Newton steps solve in a few iterations.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from nibabel.affines import apply_affine, from_matvec, voxel_sizes
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.spatial.transform import Rotation
from torch import Tensor

from motor_bids_app.mri.sampling import apply_matrix, sample, shrink, smooth, voxel_grid

Matrix = NDArray[np.float64]

_BINS = 24  # values of the fixed image that are told apart
LEAST_OVERLAP = 0.3  # share of the fixed points that must meet the moving image
_COARSE_TURNS = (-30.0, 0.0, 30.0)  # degrees about each axis; steps reach half way
UNIT = 50.0  # mm; distances are divided by it, so that turns and shifts weigh alike
_ROUNDS = 25
_LEAST_GAIN = 2e-5


@dataclass(frozen=True, eq=False)
class Picture:
    """An image with a weight for each voxel, in the world.

    Parameters
    ----------
    volume, weight : Tensor, shape (1, X, Y, Z)
        Weights from 0 (left out) to 1.
    affine : array, shape (4, 4)
        Voxel to mm.
    """

    volume: Tensor
    weight: Tensor
    affine: Matrix

    def at_scale(self, spacing: float) -> "Picture":
        """Smooth and thin out to about one voxel in `spacing` mm; left-out voxels do not spread."""
        x, y, z = np.maximum(1, spacing / voxel_sizes(self.affine))
        weight = shrink(self.weight, (x, y, z))
        volume = shrink(self.volume * self.weight, (x, y, z)) / weight.clamp_min(1e-3)
        return Picture(volume, weight, self.affine @ np.diag([x, y, z, 1]))

    def near(self, margin: float = 20.0) -> "Picture":
        """The part of the image with weight, and `margin` mm around it."""
        places = torch.argwhere(self.weight[0] > 0).cpu().numpy()
        reach = np.ceil(margin / voxel_sizes(self.affine)).astype(int)
        low = np.maximum(places.min(0) - reach, 0)
        high = places.max(0) + reach + 1
        box = (slice(None), *(slice(a, b) for a, b in zip(low, high, strict=True)))
        corner = from_matvec(np.eye(3), low)
        return Picture(self.volume[box], self.weight[box], self.affine @ corner)

    def widened(self, margin: float) -> "Picture":
        """The image with weight in the `margin` mm around what has weight, too."""
        x, y, z = (margin / 2 / voxel_sizes(self.affine)).tolist()
        return Picture(self.volume, (smooth(self.weight, (x, y, z)) > 0.02).float(), self.affine)

    def centre(self) -> NDArray[np.float64]:
        """Centre of the voxels brighter than average, in mm."""
        counted = self.volume[0] * (self.weight[0] > 0)
        bright = torch.argwhere(counted > counted.mean()).double().mean(0).cpu().numpy()
        return np.asarray(apply_affine(self.affine, bright), dtype=np.float64)


class _Comparison:
    """Two images at one scale: how well a matrix from fixed to moving mm aligns them."""

    def __init__(self, fixed: Picture, moving: Picture, spacing: float) -> None:
        fixed, moving = fixed.at_scale(spacing), moving.at_scale(spacing)
        used = fixed.weight[0] > 0.05
        voxels = voxel_grid(tuple(used.shape))[:, used]
        self.points = apply_matrix(_tensor(fixed.affine), voxels)
        self.weights = fixed.weight[0][used]
        self._sort_values(fixed.volume[0][used])
        to_voxels = np.linalg.inv(moving.affine)
        slopes = torch.stack([slope(moving.volume[0], axis) for axis in range(3)])  # per voxel
        slopes = torch.einsum("ij,ixyz->jxyz", _tensor(to_voxels[:3, :3]), slopes)  # per mm
        self.moving = torch.cat([moving.volume, moving.weight, slopes])
        self.to_voxels = to_voxels

    def _sort_values(self, values: Tensor) -> None:
        low, high = values.min(), torch.quantile(values[:: 1 + len(values) // 100_000], 0.995)
        place = ((values - low) / (high - low).clamp_min(1e-9)).clamp(0, 1) * (_BINS - 1)
        self.bin = place.long().clamp(max=_BINS - 2)
        self.into_next = place - self.bin

    def residuals(self, matrix: Matrix, n_channels: int = 2) -> tuple[Tensor, Tensor, Tensor]:
        """Unexplained part of the moving values, weights, and sampled channels."""
        voxels = apply_matrix(_tensor(self.to_voxels @ matrix), self.points)
        sampled = sample(self.moving[:n_channels], voxels)
        weights = self.weights * sampled[1]
        sums, counts = torch.zeros(_BINS), torch.full((_BINS,), 1e-6)
        for bins, share in ((self.bin, 1 - self.into_next), (self.bin + 1, self.into_next)):
            sums.index_add_(0, bins, share * weights * sampled[0])
            counts.index_add_(0, bins, share * weights)
        means = sums / counts
        explained = torch.lerp(means[self.bin], means[self.bin + 1], self.into_next)
        return sampled[0] - explained, weights, sampled

    def cost(self, matrix: Matrix) -> float:
        """Unexplained share of the variance, 0 to 1; 1 too where the images hardly meet."""
        residual, weights, sampled = self.residuals(matrix)
        return self._cost(residual, weights, sampled[0])

    def _cost(self, residual: Tensor, weights: Tensor, values: Tensor) -> float:
        total = weights.sum()
        if total < LEAST_OVERLAP * self.weights.sum():
            return 1.0
        deviation = values - (weights * values).sum() / total
        variance = (weights * deviation.square()).sum()
        return min(1.0, float((weights * residual.square()).sum() / variance.clamp_min(1e-12)))

    def normal_equations(self, matrix: Matrix, basis: Tensor) -> tuple[Matrix, Matrix, Matrix]:
        """Hessian and gradient for small motions in `basis`, and the centre they turn about."""
        residual, weights, sampled = self.residuals(matrix, 5)
        places = apply_matrix(_tensor(matrix), self.points)
        centre = places.mean(1, keepdim=True)
        places = torch.cat([(places - centre) / UNIT, torch.ones(1, places.shape[1])])
        motion = (sampled[2:5, None] * places[None]).flatten(0, 1)  # (12, N)
        jacobian = basis @ motion
        weighted = jacobian * weights
        hessian = (weighted @ jacobian.T).double().cpu().numpy()
        return (
            hessian,
            (weighted @ residual).double().cpu().numpy(),
            centre[:, 0].double().cpu().numpy(),
        )


def align(
    fixed: Picture,
    moving: Picture,
    starts: Sequence[Matrix],
    stages: Iterable[tuple[float, int]],
) -> tuple[Matrix, float]:
    """Find the matrix that maps fixed mm to moving mm.

    Parameters
    ----------
    fixed, moving : Picture
    starts : sequence of arrays, shape (4, 4)
        First guesses. The three best at the first stage are followed.
    stages : iterable of (float, int)
        Scale in mm, from coarse to fine, and degrees of freedom: 6 rigid, 7 with one scale,
        12 affine.

    Returns
    -------
    matrix : array, shape (4, 4)
    similarity : float
        Share of the moving image's variance that the fixed image explains, 0 to 1.
    """
    best, cost = list(starts), 1.0
    for spacing, freedom in stages:
        comparison = _Comparison(fixed, moving, spacing)
        if len(best) > 1:
            best = sorted(best, key=comparison.cost)[:3]
        results = [descend(comparison, matrix, freedom) for matrix in best]
        cost, matrix = min(results, key=lambda result: result[0])
        best = [matrix]
    return best[0], 1 - cost


def turned_starts(
    fixed_centre: NDArray[np.float64],
    moving_centre: NDArray[np.float64],
    scale: float = 1.0,
    turns: Sequence[float] = _COARSE_TURNS,
) -> list[Matrix]:
    """First guesses that lay one centre on the other, turned about each axis."""
    angles = np.array(list(product(turns, repeat=3)))
    found = scale * Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    return [from_matvec(turn, moving_centre - turn @ fixed_centre) for turn in found]


def descend(
    comparison: _Comparison, matrix: Matrix, freedom: int, *, rounds: int = _ROUNDS
) -> tuple[float, Matrix]:
    """Damped Gauss-Newton steps until they gain nothing; return the cost and the matrix."""
    basis = _basis(freedom)
    cost, damping = comparison.cost(matrix), 1e-3
    for _ in range(rounds):
        hessian, gradient, centre = comparison.normal_equations(matrix, basis)
        before = cost
        while damping < 1e3:
            damped = hessian + damping * np.diag(np.diag(hessian) + 1e-9)
            step = -np.linalg.solve(damped, gradient)
            candidate = _motion(step @ basis.double().cpu().numpy(), centre) @ matrix
            new_cost = comparison.cost(candidate)
            if new_cost < cost:
                cost, matrix, damping = new_cost, candidate, max(damping / 5, 1e-6)
                break
            damping *= 5
        if before - cost < _LEAST_GAIN:
            break
    return cost, matrix


def _basis(freedom: int) -> Tensor:
    """Small motions as rows of 3x4 matrices, flattened: shape (freedom, 12)."""
    shifts = [_unit(axis, 3) for axis in range(3)]
    if freedom == 12:
        return torch.stack(shifts + [_unit(i, j) for i in range(3) for j in range(3)])
    turns = [_unit(i, j) - _unit(j, i) for i, j in ((2, 1), (0, 2), (1, 0))]
    growth = [_unit(0, 0) + _unit(1, 1) + _unit(2, 2)]
    return torch.stack(shifts + turns + (growth if freedom == 7 else []))


def _unit(row: int, column: int) -> Tensor:
    matrix = torch.zeros(3, 4)
    matrix[row, column] = 1
    return matrix.flatten()


def _motion(generator: Matrix, centre: NDArray[np.float64]) -> Matrix:
    """Matrix of a motion about a centre (mm) whose rate is given in units of `UNIT`."""
    rate = np.zeros((4, 4))
    rate[:3] = generator.reshape(3, 4)
    rate[:3, :3] /= UNIT
    linear = np.asarray(expm(rate), dtype=np.float64)
    return from_matvec(np.eye(3), centre) @ linear @ from_matvec(np.eye(3), -centre)


def slope(volume: Tensor, axis: int) -> Tensor:
    """Central differences along an axis; none along one with a single voxel."""
    if volume.shape[axis] == 1:
        return torch.zeros_like(volume)
    return torch.gradient(volume, dim=axis)[0]


def _tensor(matrix: NDArray[np.floating]) -> Tensor:
    return torch.tensor(matrix, dtype=torch.float32)
