"""Edges of two images of one head, whatever their contrasts, and how well they lie on each other.

Tissue borders are where they are in every contrast, while brightness and its slow changes are not:
an edge is the direction in which the image changes, without its sign, and of a length near 1
where the change stands out from the image's own (normalised gradient fields, Haber and Modersitzki
2006). Kept as the product of that direction with itself, edges can be interpolated.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from motor_bids_app.mri.alignment import LEAST_OVERLAP, UNIT, Matrix, Picture, slope
from motor_bids_app.mri.sampling import apply_matrix, sample, voxel_grid

_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
_FACTORS = (1.0, 1.0, 1.0, 2**0.5, 2**0.5, 2**0.5)  # each pair but the squares stands for two
_SEED = 0


class EdgeComparison:
    """Edges of two images on their grids: how well a rigid matrix from fixed to moving mm fits.

    Parameters
    ----------
    fixed, moving : Picture
        Weight 0 where an image does not count.
    n_points : int
        At most so many points of the fixed image are compared, chosen at random.
    """

    def __init__(self, fixed: Picture, moving: Picture, n_points: int) -> None:
        chance = np.random.default_rng(_SEED)
        used = fixed.weight[0] > 0.05
        voxels = voxel_grid(tuple(used.shape))[:, used]
        chosen = chance.permutation(voxels.shape[1])[:n_points]
        voxels = voxels[:, torch.as_tensor(chosen)]
        # Off the grid, or the best place would be one where voxels meet voxels.
        shift = chance.uniform(-0.5, 0.5, tuple(voxels.shape))
        voxels = voxels + torch.as_tensor(shift, dtype=torch.float32)
        there = sample(torch.cat([_directions(fixed), fixed.weight]), voxels, padding="border")
        self.points = apply_matrix(_tensor(fixed.affine), voxels)
        self.directions, self.weights = there[:3], there[3]
        self.to_voxels = np.linalg.inv(moving.affine)
        edges = _products(_directions(moving))
        self.moving = torch.cat([edges, moving.weight])
        slopes = torch.stack([torch.stack([slope(e, k) for e in edges]) for k in range(3)])
        slopes = torch.einsum("ij,icxyz->jcxyz", _tensor(self.to_voxels[:3, :3]), slopes)
        self.with_slopes = torch.cat([self.moving, slopes.flatten(0, 1)])  # per mm

    def _meet(self, matrix: Matrix, volumes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Turned fixed directions, weights, and sampled channels."""
        sampled = sample(volumes, apply_matrix(_tensor(self.to_voxels @ matrix), self.points))
        turned = _tensor(matrix[:3, :3]) @ self.directions
        return turned, self.weights * sampled[6], sampled

    def cost(self, matrix: Matrix) -> float:
        """One less the share of the fixed edges that is met, 0 to 1; 1 where images hardly meet."""
        turned, weights, sampled = self._meet(matrix, self.moving)
        if weights.sum() < LEAST_OVERLAP * self.weights.sum():
            return 1.0
        fixed = _products(turned)
        own = (weights * fixed.square().sum(0)).sum()
        return 1 - float((weights * (fixed * sampled[:6]).sum(0)).sum() / own.clamp_min(1e-12))

    def normal_equations(self, matrix: Matrix, basis: Tensor) -> tuple[Matrix, Matrix, Matrix]:
        """Hessian and gradient for small motions in `basis`, and the centre they turn about.

        The Hessian is that of the squared difference of edges, which is positive.
        """
        turned, weights, sampled = self._meet(matrix, self.with_slopes)
        fixed, moving, slopes = _products(turned), sampled[:6], sampled[7:].view(3, 6, -1)
        scale = (weights * (fixed * moving).sum(0)).sum()
        scale = scale / (weights * moving.square().sum(0)).sum().clamp_min(1e-12)
        places = apply_matrix(_tensor(matrix), self.points)
        centre = places.mean(1, keepdim=True)
        places = (places - centre) / UNIT
        rows, gradient = [], []
        for motion in basis.view(-1, 3, 4):
            shifted = (slopes * (motion[:, :3] @ places + motion[:, 3:])[:, None]).sum(0)
            bent = 2 * _products((motion[:, :3] / UNIT) @ turned, turned)
            rows.append(((scale * shifted - bent) * weights.sqrt()).flatten())
            gradient.append(-scale * (weights * (shifted * fixed + bent * moving)).sum())
        jacobian = torch.stack(rows)
        return (
            (jacobian @ jacobian.T).double().cpu().numpy(),
            torch.stack(gradient).double().cpu().numpy(),
            centre[:, 0].double().cpu().numpy(),
        )


def _directions(picture: Picture) -> Tensor:
    """Direction of change per mm, length 0 to 1, shape (3, X, Y, Z)."""
    slopes = torch.stack([slope(picture.volume[0], axis) for axis in range(3)])
    slopes = torch.einsum("ij,ixyz->jxyz", _tensor(np.linalg.inv(picture.affine)[:3, :3]), slopes)
    steepness = slopes.norm(dim=0)
    bright = (picture.weight[0] > 0.5) & (picture.volume[0] > picture.volume.mean())
    usual = steepness[bright].mean() if bright.any() else steepness.mean()
    return slopes / (steepness.square() + usual.square()).sqrt().clamp_min(1e-12)


def _products(vectors: Tensor, others: Tensor | None = None) -> Tensor:
    """Symmetric outer products of vectors, shape (3, ...), as shape (6, ...)."""
    others = vectors if others is None else others
    return torch.stack(
        [
            factor * (vectors[i] * others[j] + vectors[j] * others[i]) / 2
            for (i, j), factor in zip(_PAIRS, _FACTORS, strict=True)
        ]
    )


def _tensor(matrix: NDArray[np.floating]) -> Tensor:
    return torch.tensor(matrix, dtype=torch.float32)
