"""How well the values of one image explain those of another, at many places at once.

The correlation ratio (Roche et al. 1998) of images without the bias of the coil has far fewer
false optima than their edges have: steps reach the right place from farther, and end nearer to one
another. What it finds is a little drawn to the rim of distorted images, where edges are exact.
"""

import numpy as np
import torch
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray
from torch import Tensor

from motor_bids_app.mri.alignment import (
    LEAST_OVERLAP,
    UNIT,
    Matrix,
    Picture,
    slope,
    slopes_of_turns,
)
from motor_bids_app.mri.sampling import (
    Sampler,
    apply_matrices,
    apply_matrix,
    sample,
    scattered_voxels,
    smooth,
)

_BINS = 24  # values of the fixed image that are told apart
_HIGHEST = 0.995  # quantile of the values; brighter voxels count as that bright
_COIL = 25.0  # mm; brightness changes more slowly than that for the coil alone
_DARK = 0.1  # of the usual brightness; darker voxels are not raised to it


class RatioComparison:
    """Values of two images: how well rigid matrices from fixed to moving mm fit.

    Parameters
    ----------
    fixed, moving : Picture
        Weight 0 where an image does not count.
    n_points : int
        At most so many points of the fixed image are compared, chosen at random.
    """

    def __init__(self, fixed: Picture, moving: Picture, n_points: int) -> None:
        voxels = scattered_voxels(fixed.weight, n_points)
        self.points = apply_matrix(_tensor(fixed.affine), voxels)
        values, self.weights = sample(
            torch.cat([fixed.volume, fixed.weight]), voxels, padding="border"
        )
        self.shares = _shares(values)
        self.to_voxels = np.linalg.inv(moving.affine)
        slopes = torch.stack([slope(moving.volume[0], axis) for axis in range(3)])
        slopes = torch.einsum("ij,ixyz->jxyz", _tensor(self.to_voxels[:3, :3]), slopes)  # per mm
        self.moving = Sampler(torch.cat([moving.volume, moving.weight, slopes]))

    def _residuals(self, matrices: Matrix, n_points: int | None) -> tuple[Tensor, Tensor, Tensor]:
        """Unexplained part of the moving values, weights, and channels, (channels, places, N)."""
        sampled = self.moving(apply_matrices(self.to_voxels @ matrices, self.points[:, :n_points]))
        weights, shares = self.weights[:n_points] * sampled[1], self.shares[:n_points]
        sums, counts = (weights * sampled[0]) @ shares, weights @ shares
        return sampled[0] - (sums / counts.clamp_min(1e-6)) @ shares.T, weights, sampled

    def costs(self, matrices: Matrix, n_points: int | None = None) -> NDArray[np.float64]:
        """Unexplained share of the variance, 0 to 1; 1 where images hardly meet.

        `matrices` have the shape (places, 4, 4), the costs (places,). Of the points, the first
        `n_points` are compared.
        """
        residuals, weights, sampled = self._residuals(matrices, n_points)
        total = weights.sum(1)
        means = (weights * sampled[0]).sum(1) / total.clamp_min(1e-6)
        variance = (weights * (sampled[0] - means[:, None]).square()).sum(1)
        costs = (weights * residuals.square()).sum(1) / variance.clamp_min(1e-12)
        missed = total < LEAST_OVERLAP * self.weights[:n_points].sum()
        return np.asarray(torch.where(missed, 1.0, costs.clamp(max=1)).double().cpu().numpy())

    def normal_equations(
        self, matrices: Matrix, n_points: int | None = None
    ) -> tuple[Matrix, Matrix, Matrix]:
        """Hessians and gradients for small shifts (mm) and turns, and the centres of the turns.

        Turns are in units of 1 / `UNIT` rad; shapes (places, 6, 6), (places, 6), (places, 3).
        """
        residuals, weights, sampled = self._residuals(matrices, n_points)
        places = apply_matrices(matrices, self.points[:, :n_points])
        centre = places.mean(2, keepdim=True)
        turns = slopes_of_turns((places - centre) / UNIT, sampled[2:])
        jacobian = torch.cat([sampled[2:], torch.stack(turns)]).transpose(0, 1)
        weighted = jacobian * weights[:, None]
        return (
            (weighted @ jacobian.mT).double().cpu().numpy(),
            (weighted @ residuals[..., None])[..., 0].double().cpu().numpy(),
            centre[..., 0].T.double().cpu().numpy(),
        )


def levelled(picture: Picture) -> Picture:
    """Without the coil's bright rim: divided by a smooth copy."""
    volume = picture.volume.clamp_min(0)
    x, y, z = (_COIL / voxel_sizes(picture.affine)).tolist()
    usual = volume[volume > volume.mean()].median()
    level = volume / (smooth(volume, (x, y, z)) + _DARK * usual)
    return Picture(level, picture.weight, picture.affine)


def _shares(values: Tensor) -> Tensor:
    """Share of each of the points (N,) in each bin of their values, shape (N, bins)."""
    if not len(values):
        return torch.zeros(0, _BINS)
    low, high = values.min(), torch.quantile(values, _HIGHEST)
    place = ((values - low) / (high - low).clamp_min(1e-9)).clamp(0, 1) * (_BINS - 1)
    return (1 - (place[:, None] - torch.arange(_BINS)).abs()).clamp_min(0)


def _tensor(matrix: NDArray[np.floating]) -> Tensor:
    return torch.tensor(matrix, dtype=torch.float32)
