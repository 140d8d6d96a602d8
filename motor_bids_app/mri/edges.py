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
from motor_bids_app.mri.sampling import Sampler, apply_matrix, sample, voxel_grid

_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
_FACTORS = (1.0, 1.0, 1.0, 2**0.5, 2**0.5, 2**0.5)  # each pair but the squares stands for two
_UNSEEN = 0.35  # of an edge that the moving image does not show: what chance meets of one
_SEED = 0
_AT_ONCE = 200_000  # points that are sampled at once: more no longer fit a processor's cache


class EdgeComparison:
    """Edges of two images on their grids: how well rigid matrices from fixed to moving mm fit.

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
        self.moving = Sampler(torch.cat([_products(_directions(moving)), moving.weight]))

    def _n(self, n_points: int | None) -> int:
        return min(n_points or len(self.weights), len(self.weights))

    def costs(self, matrices: Matrix, n_points: int | None = None) -> NDArray[np.float64]:
        """One less the share of the fixed edges that is met, 0 to 1; 1 where images hardly meet.

        Edges that the moving image does not show are worth what chance would meet of them: were
        they left out, a place would fit better the more of its bad edges lie outside. `matrices`
        have the shape (places, 4, 4), the costs (places,). Of the points, the first `n_points` are
        compared.
        """
        n = self._n(n_points)
        at_once = max(1, _AT_ONCE // n)
        parts = [matrices[i : i + at_once] for i in range(0, len(matrices), at_once)]
        return np.concatenate([self._costs(part, n) for part in parts])

    def _costs(self, matrices: Matrix, n: int) -> NDArray[np.float64]:
        fixed = _products(self._turned(matrices, n))
        sampled = self.moving(_mapped(self.to_voxels @ matrices, self.points[:, :n]))
        met, seen, own = self._met(fixed, sampled)
        missed = (self.weights[:n] * sampled[6]).sum(1) < LEAST_OVERLAP * self.weights[:n].sum()
        costs = 1 - (met + _UNSEEN * (own - seen)) / own
        return np.asarray(torch.where(missed, 1.0, costs).double().cpu().numpy())

    def similarity(self, matrix: Matrix) -> float:
        """Share of the fixed edges that the moving image shows and meets, 0 to 1."""
        fixed = _products(self._turned(matrix[None], len(self.weights)))
        met, seen, _ = self._met(
            fixed, self.moving(_mapped(self.to_voxels @ matrix[None], self.points))
        )
        return float(met / seen)

    def _met(self, fixed: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Edges that are met at each place, fixed ones that are shown there, and all of them."""
        weights, square = self.weights[: fixed.shape[-1]], fixed.square().sum(0)
        met = (weights * sampled[6] * (fixed * sampled[:6]).sum(0)).sum(1)
        seen = (weights * sampled[6] * square).sum(1).clamp_min(1e-12)
        return met, seen, (weights * square).sum(1).clamp_min(1e-12)

    def _turned(self, matrices: Matrix, n: int) -> Tensor:
        """Fixed directions as each place turns them, (3, places, points)."""
        return _mapped(matrices[:, :3, :3], self.directions[:, :n])

    def normal_equations(
        self, matrices: Matrix, n_points: int | None = None
    ) -> tuple[Matrix, Matrix, Matrix]:
        """Hessians and gradients for small shifts (mm) and turns, and the centres of the turns.

        Turns are in units of 1 / `UNIT` rad; shapes (places, 6, 6), (places, 6), (places, 3). The
        gradients are those of the costs; the Hessians are Gauss and Newton's of half the squared
        difference of edges, in the unit of the costs: positive, too great where edges fit badly.
        """
        n = self._n(n_points)
        turned = self._turned(matrices, n)
        fixed, places = _products(turned), _mapped(matrices, self.points[:, :n])
        to_voxels = _tensor(self.to_voxels)
        voxels = torch.einsum("ij,j...->i...", to_voxels[:3, :3], places)
        sampled, slopes = self.moving.with_slopes(voxels + to_voxels[:3, 3].view(3, 1, 1))
        slopes = torch.einsum("ij,ic...->jc...", to_voxels[:3, :3], slopes)  # per mm
        moving, weights = sampled[:6], self.weights[:n] * sampled[6]
        met, _, own = self._met(fixed, sampled)
        scale = met / (weights * moving.square().sum(0)).sum(1).clamp_min(1e-12)
        centre = places.mean(2, keepdim=True)
        moved = torch.cat([slopes, torch.stack(_turns((places - centre) / UNIT, slopes))])
        bent = torch.stack([2 / UNIT * _products(one, turned) for one in _crossed(turned)])
        # At the rim of the moving image, edges come to be seen or cease to.
        fit = (fixed * moving).sum(0) - _UNSEEN * fixed.square().sum(0)
        gained = (weights * (moved[:, :6] * fixed).sum(1)).sum(2)
        gained += (self.weights[:n] * moved[:, 6] * fit).sum(2)
        gained[3:] += (weights * (bent * moving).sum(1)).sum(2)
        change = scale[:, None] * moved[:, :6]
        change[3:] -= bent
        jacobian = (change * weights.sqrt()).permute(2, 0, 1, 3).flatten(2)
        unit = (scale * own).clamp_min(1e-12)
        return (
            (jacobian @ jacobian.mT / unit[:, None, None]).double().cpu().numpy(),
            -(gained / own).T.double().cpu().numpy(),
            centre[..., 0].T.double().cpu().numpy(),
        )


def _directions(picture: Picture) -> Tensor:
    """Direction of change per mm, length 0 to 1, shape (3, X, Y, Z)."""
    slopes = torch.stack([slope(picture.volume[0], axis) for axis in range(3)])
    slopes = torch.einsum("ij,ixyz->jxyz", _tensor(np.linalg.inv(picture.affine)[:3, :3]), slopes)
    square = slopes.square().sum(0)
    steepness = square.sqrt()
    bright = (picture.weight[0] > 0.5) & (picture.volume[0] > picture.volume.mean())
    usual = steepness[bright].mean() if bright.any() else steepness.mean()
    return slopes / (square + usual.square()).sqrt().clamp_min(1e-12)


def _mapped(matrices: Matrix, points: Tensor) -> Tensor:
    """Points (3, N) as each of many matrices, 3 x 3 or 4 x 4, maps them: (3, places, N)."""
    mapped = (_tensor(matrices[:, :3, :3]).flatten(0, 1) @ points).view(-1, *points.shape)
    if matrices.shape[-1] == 4:
        mapped += _tensor(matrices[:, :3, 3:])
    return mapped.transpose(0, 1).contiguous()


def _crossed(vectors: Tensor) -> list[Tensor]:
    """How vectors (3, ...) change as they turn about each axis."""
    x, y, z = vectors
    none = torch.zeros_like(x)
    return [torch.stack(one) for one in ((none, -z, y), (z, none, -x), (-y, x, none))]


def _turns(places: Tensor, slopes: Tensor) -> list[Tensor]:
    """How channels change, by their slopes (3, channels, ...), as places turn about each axis."""
    x, y, z = places
    return [
        y * slopes[2] - z * slopes[1],
        z * slopes[0] - x * slopes[2],
        x * slopes[1] - y * slopes[0],
    ]


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
