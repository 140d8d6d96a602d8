"""Rigid search: where one image of a head lies in another of the same head, whatever its header.

Many places are tried at a coarse scale, the header's own among them; fewer and fewer are followed
to finer scales, and the one whose edges fit best is refined. The skull helps to find the place, but
not to refine it: echo-planar images do not show it, and their brain would be drawn to it.

Everything is measured in the fixed image's world and on the moving image's own voxels, so that
neither headers nor the order in which voxels are stored change the answer by more than the stopping
rule does.
"""

from dataclasses import dataclass

import numpy as np
from nibabel.affines import apply_affine, voxel_sizes
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from motor_bids_app.mri.alignment import UNIT, Matrix, Picture, turned_starts
from motor_bids_app.mri.edges import EdgeComparison
from motor_bids_app.mri.sampling import shrink, smooth

_TURNS = (-40.0, -27.0, -13.0, 0.0, 13.0, 27.0, 40.0)  # degrees about each axis
_LIFTS = (-12.0, 0.0, 12.0)  # mm along the head: fields of view end above or below
_COARSE, _FINEST = 6.0, 2.5  # mm
_BOTH_COARSE = 4.0  # mm; finest scale where the voxels of both images are larger than `_LARGE`
_LARGE = 2.75  # mm
_SKULL = 8.0  # mm around the brain that help to find the place
_RIM = 3.0  # mm around it that count to the end: the border of the brain is an edge of its own
_RANKED, _TRIED, _KEPT, _ROUNDS = 300, 30, 10, 4  # points; places tried, kept; steps of each
_STAGES = ((5.0, 2000, 6, 12), (4.0, 3000, 6, 8))  # scale in mm, points, steps, places kept
_N_POINTS, _LAST_ROUNDS = 40_000, 25  # at the finest scale
_LAST_STAGES = ((4000, 8, 3), (15_000, 5, 3))  # points, steps, places kept
_LENGTHS = (1.0, 3.0)  # of a step: where edges fit badly, Gauss and Newton's is too short
_LEAST_GAIN, _MOST_DAMPING = 2e-5, 1e3
_APART = 5.0  # mm between places that are followed
_SAME = 1.0  # mm between places that are one at the finest scale
_CLEARLY = 0.01  # of similarity by which another place must beat the header's
_COIL = 25.0  # mm; brightness changes more slowly than that for the coil alone
_DARK = 0.1  # of the usual brightness; darker voxels are not raised to it
LEAST_SIMILARITY = 0.4  # of a coregistration; noise reaches 0.35, a blurred FLAIR 0.36, others 0.42


@dataclass(frozen=True, eq=False)
class Coregistration:
    """Where an image of a head lies.

    Parameters
    ----------
    matrix : array, shape (4, 4)
        Maps points of the fixed image to points of the moving one, in mm.
    similarity : float
        Share of the fixed image's edges, weighted by their length, that edges of the moving image
        meet; 0 to 1.
    """

    matrix: Matrix
    similarity: float

    def doubt(self, what: str) -> str | None:
        """What to say of an image that hardly fits the head; None where it fits."""
        if self.similarity >= LEAST_SIMILARITY:
            return None
        return (
            f"The edges of the {what} hardly fit those of the head image ({self.similarity:.2f} of "
            f"1; {LEAST_SIMILARITY:g} or more is usual): it may lie in the wrong place. Check the "
            f"picture of the {what} on the anatomy, and that both are of one person."
        )


def find_place(fixed: Picture, moving: Picture) -> Coregistration:
    """Find the rigid matrix that lays the edges of two images on each other.

    Parameters
    ----------
    fixed, moving : Picture
        With voxels in the order right, anterior, superior. Of one that is the same everywhere
        nothing can be found: it stays in place, with a similarity of 0.
    """
    if any(float(one.volume.max()) <= float(one.volume.min()) for one in (fixed, moving)):
        return Coregistration(np.eye(4), 0.0)
    finest = _finest(fixed, moving)
    moving = moving.at_scale(finest)
    alone, near, wide = _pictures(fixed, finest)
    points, starts = _points(alone), _starts(alone, moving)
    pairs = (wide, moving), (_levelled(wide), _levelled(moving)), (alone, moving)
    found = [_coarse_places(one, other, starts, points) for one, other in pairs]
    places = np.concatenate([np.eye(4)[None], *found])
    for scale, n_points, rounds, count in _STAGES:
        comparison = EdgeComparison(wide.at_scale(scale), moving.at_scale(scale), n_points)
        places = _followed(comparison, places, points, rounds, count)
    comparison = EdgeComparison(near, moving, _N_POINTS)
    for n_points, rounds, count in _LAST_STAGES:
        places = _followed(comparison, places, points, rounds, count, n_points)
    costs = comparison.costs(places)
    best = 0 if costs[0] < costs.min() + _CLEARLY else int(costs.argmin())
    return _settled(comparison, places[best])


def _finest(fixed: Picture, moving: Picture) -> float:
    """Finest scale in mm at which two images are compared."""
    voxels = [float(np.cbrt(np.prod(voxel_sizes(one.affine)))) for one in (fixed, moving)]
    return _BOTH_COARSE if min(voxels) > _LARGE else _FINEST


def _pictures(fixed: Picture, finest: float) -> tuple[Picture, Picture, Picture]:
    """What has weight, alone, with its rim and with the skull around it, at the finest scale."""
    x, y, z = np.maximum(1, finest / voxel_sizes(fixed.affine))
    wide = fixed.widened(_SKULL).at_scale(finest)
    alone = Picture(wide.volume, shrink(fixed.weight, (x, y, z)), wide.affine)
    return alone, alone.widened(_RIM), wide


def _coarse_places(
    fixed: Picture, moving: Picture, starts: Matrix, points: NDArray[np.float64]
) -> Matrix:
    """The best of the places that many starts lead to."""
    coarse = EdgeComparison(fixed.at_scale(_COARSE), moving.at_scale(_COARSE), 2 * _RANKED)
    places = starts[_first(coarse.costs(starts, _RANKED))[: 5 * _TRIED]]
    places = _distinct(places[_first(coarse.costs(places))], points, _TRIED)
    costs, places = _descend(coarse, places, _ROUNDS)
    return _distinct(places[_first(costs)], points, _KEPT)


def _followed(
    comparison: EdgeComparison,
    places: Matrix,
    points: NDArray[np.float64],
    rounds: int,
    count: int,
    n_points: int | None = None,
) -> Matrix:
    """Improve places, and keep some: the first, which is the header's, then those that fit best."""
    costs, places = _descend(comparison, places, rounds, n_points)
    return _distinct(places[[0, *(1 + _first(costs[1:]))]], points, count, _SAME)


def refine_place(fixed: Picture, moving: Picture, place: Matrix) -> Coregistration:
    """Improve a place that is right but for a few mm, and measure how well the edges fit there."""
    finest = _finest(fixed, moving)
    near = _pictures(fixed, finest)[1]
    comparison = EdgeComparison(near, moving.at_scale(finest), _N_POINTS)
    return _settled(comparison, place)


def _settled(comparison: EdgeComparison, place: Matrix) -> Coregistration:
    """Follow a place to the end, and measure how well the edges fit there."""
    _, places = _descend(comparison, place[None], _LAST_ROUNDS)
    return Coregistration(places[0], comparison.similarity(places[0]))


def _first(costs: NDArray[np.float64]) -> NDArray[np.intp]:
    """Places by how well they fit, the best first."""
    return np.argsort(costs, kind="stable")


def _descend(
    comparison: EdgeComparison, places: Matrix, rounds: int, n_points: int | None = None
) -> tuple[NDArray[np.float64], Matrix]:
    """Damped Gauss-Newton steps of many places at once, each until it gains nothing."""
    places, costs = places.copy(), comparison.costs(places, n_points)
    damping, going = np.full(len(places), 1e-3), np.arange(len(places))
    for _ in range(rounds):
        hessians, gradients, centres = comparison.normal_equations(places[going], n_points)
        diagonal = np.einsum("bii->bi", hessians)
        diagonal += damping[going, None] * (diagonal + 1e-9)
        steps = -np.linalg.solve(hessians, gradients[..., None])[..., 0].astype(np.float64)
        longer = [_motions(length * steps, centres) @ places[going] for length in _LENGTHS]
        reached = np.stack([comparison.costs(one, n_points) for one in longer])
        best, each = reached.argmin(0), np.arange(len(going))
        tried, new = np.stack(longer)[best, each], reached[best, each]
        gain = costs[going] - new
        better = going[gain > 0]
        places[better], costs[better] = tried[gain > 0], new[gain > 0]
        damping[going] = np.where(gain > 0, damping[going] / 5, damping[going] * 25).clip(1e-6)
        going = going[((gain >= _LEAST_GAIN) | (gain <= 0)) & (damping[going] < _MOST_DAMPING)]
        if not going.size:
            break
    return costs, places


def _motions(steps: NDArray[np.float64], centres: NDArray[np.float64]) -> Matrix:
    """Matrices that turn by steps[3:] / `UNIT` rad about centres, and shift by steps[:3] mm."""
    motions = np.tile(np.eye(4), (len(steps), 1, 1))
    turns = Rotation.from_rotvec(steps[:, 3:] / UNIT).as_matrix()
    motions[:, :3, :3] = turns
    motions[:, :3, 3] = centres + steps[:, :3] - np.einsum("bij,bj->bi", turns, centres)
    return motions


def _starts(fixed: Picture, moving: Picture) -> Matrix:
    """Centre on centre, of what is bright and of the fields of view, turned and lifted."""
    starts = [np.eye(4)]
    for one, other in ((fixed.centre(), moving.centre()), (_middle(fixed), _middle(moving))):
        for lift in _LIFTS:
            starts += turned_starts(one + np.array([0, 0, lift]), other, turns=_TURNS)
    return np.stack(starts)


def _middle(picture: Picture) -> NDArray[np.float64]:
    middle = (np.array(picture.volume.shape[1:]) - 1) / 2
    return np.asarray(apply_affine(picture.affine, middle), dtype=np.float64)


def _points(picture: Picture) -> NDArray[np.float64]:
    """Points all over the part of an image that counts, by which places are told apart."""
    inside = np.argwhere(picture.weight[0].cpu().numpy() > 0.5)
    return np.asarray(apply_affine(picture.affine, inside[:: 1 + len(inside) // 100]))


def _distinct(
    places: Matrix, points: NDArray[np.float64], count: int, apart: float = _APART
) -> Matrix:
    """The first places that are not near another."""
    chosen: list[Matrix] = []
    moved: list[NDArray[np.float64]] = []
    for place in places:
        there = apply_affine(place, points)
        if all(np.linalg.norm(there - one, axis=1).mean() > apart for one in moved):
            chosen.append(place)
            moved.append(there)
        if len(chosen) == count:
            break
    return np.stack(chosen)


def _levelled(picture: Picture) -> Picture:
    """Without the coil's bright rim: divided by a smooth copy."""
    volume = picture.volume.clamp_min(0)
    x, y, z = (_COIL / voxel_sizes(picture.affine)).tolist()
    usual = volume[volume > volume.mean()].median()
    level = volume / (smooth(volume, (x, y, z)) + _DARK * usual)
    return Picture(level, picture.weight, picture.affine)
