"""Rigid search: where one image of a head lies in another of the same head, whatever its header.

Many places are tried at a coarse scale, the header's own among them; several are followed to finer
scales, and the one whose edges fit best is refined. Everything is measured in the fixed image's
world and on the moving image's own voxels, so that neither headers nor the order in which voxels
are stored change the answer by more than the stopping rule does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nibabel.affines import apply_affine, voxel_sizes
from numpy.typing import NDArray

from motor_bids_app.mri.alignment import Matrix, Picture, descend, turned_starts
from motor_bids_app.mri.edges import EdgeComparison
from motor_bids_app.mri.sampling import smooth

_TURNS = (-36.0, -18.0, 0.0, 18.0, 36.0)  # degrees about each axis
_LIFTS = (-12.0, 0.0, 12.0)  # mm along the head: fields of view end above or below
_COARSE, _MIDDLE, _FINE, _FINEST = 6.0, 5.0, 4.0, 2.5  # mm
_N_POINTS, _LAST_ROUNDS = 15_000, 40  # at the finest scale
_APART = 5.0  # mm between places that are followed
_SAME = 1.0  # mm between places that are one at the finest scale
_CLEARLY = 0.01  # of similarity by which another place must beat the header's
_COIL = 25.0  # mm; brightness changes more slowly than that for the coil alone
_DARK = 0.1  # of the usual brightness; darker voxels are not raised to it
LEAST_SIMILARITY = 0.4  # of a coregistration; noise reaches 0.33, real bold 0.45 or more


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
        With voxels in the order right, anterior, superior.
    """
    fixed, moving = fixed.at_scale(_FINEST), moving.at_scale(_FINEST)
    points, starts = _points(fixed), _starts(fixed, moving)
    places = [np.eye(4)]
    for one, other in ((fixed, moving), (_levelled(fixed), _levelled(moving))):
        coarse = _compare(one, other, _COARSE, 1200)
        places += _distinct(sorted(starts, key=coarse.cost), points, 4)
    places = _follow(_compare(fixed, moving, _MIDDLE, 3000), places, 8)
    places = [places[0], *_distinct(places, points, 4)]
    places = _follow(_compare(fixed, moving, _FINE, 6000), places, 12)
    places = [places[0], *_distinct(places, points, 2, apart=_SAME)]
    finest = EdgeComparison(fixed, moving, _N_POINTS)
    found = [descend(finest, place, 6, rounds=8) for place in places]
    cost, matrix = min(found, key=lambda one: one[0])
    if found[0][0] < cost + _CLEARLY:
        matrix = found[0][1]
    cost, matrix = descend(finest, matrix, 6, rounds=_LAST_ROUNDS)
    return Coregistration(matrix, 1 - cost)


def refine_place(fixed: Picture, moving: Picture, place: Matrix) -> Coregistration:
    """Improve a place that is right but for a few mm, and measure how well the edges fit there."""
    finest = EdgeComparison(fixed.at_scale(_FINEST), moving.at_scale(_FINEST), _N_POINTS)
    cost, matrix = descend(finest, place, 6, rounds=_LAST_ROUNDS)
    return Coregistration(matrix, 1 - cost)


def _compare(fixed: Picture, moving: Picture, spacing: float, n_points: int) -> EdgeComparison:
    return EdgeComparison(fixed.at_scale(spacing), moving.at_scale(spacing), n_points)


def _follow(comparison: EdgeComparison, places: Sequence[Matrix], rounds: int) -> list[Matrix]:
    """Improve places: the first, which is the header's, then the others by how well they fit."""
    found = [descend(comparison, place, 6, rounds=rounds) for place in places]
    return [found[0][1], *(place for _, place in sorted(found, key=lambda one: one[0]))]


def _starts(fixed: Picture, moving: Picture) -> list[Matrix]:
    """Centre on centre, of what is bright and of the fields of view, turned and lifted."""
    starts = [np.eye(4)]
    for one, other in ((fixed.centre(), moving.centre()), (_middle(fixed), _middle(moving))):
        for lift in _LIFTS:
            starts += turned_starts(one + np.array([0, 0, lift]), other, turns=_TURNS)
    return starts


def _middle(picture: Picture) -> NDArray[np.float64]:
    middle = (np.array(picture.volume.shape[1:]) - 1) / 2
    return np.asarray(apply_affine(picture.affine, middle), dtype=np.float64)


def _points(picture: Picture) -> NDArray[np.float64]:
    """Points all over the part of an image that counts, by which places are told apart."""
    inside = np.argwhere(picture.weight[0].cpu().numpy() > 0.5)
    return np.asarray(apply_affine(picture.affine, inside[:: 1 + len(inside) // 100]))


def _distinct(
    places: Sequence[Matrix], points: NDArray[np.float64], count: int, apart: float = _APART
) -> list[Matrix]:
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
    return chosen


def _levelled(picture: Picture) -> Picture:
    """Without the coil's bright rim: divided by a smooth copy."""
    volume = picture.volume.clamp_min(0)
    x, y, z = (_COIL / voxel_sizes(picture.affine)).tolist()
    usual = volume[volume > volume.mean()].median()
    level = volume / (smooth(volume, (x, y, z)) + _DARK * usual)
    return Picture(level, picture.weight, picture.affine)
