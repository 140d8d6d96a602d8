"""Sanity check of a gradient table: flipped or exchanged axes, seen in the course of the fibres."""

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

_FIBRES = 0.3  # FA from which a voxel is taken to hold one bundle
_MIN_VOXELS = 1000
_SHARPNESS = 8  # power of the cosine: about 30 degrees around a neighbour
_MARGIN = 1.02  # of a better coherence, to call a table wrong
_STEPS = [step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]


@dataclass(frozen=True, eq=False)
class AxesCheck:
    """What a gradient table would have to be multiplied by, and the evidence.

    Parameters
    ----------
    matrix : array, shape (3, 3)
        Signed permutation that makes fibres most coherent: row vectors times this matrix.
    coherence, best : float
        Of the table as it is, and as `matrix` makes it.
    """

    matrix: NDArray[np.float64]
    coherence: float
    best: float

    @property
    def is_wrong(self) -> bool:
        """Whether another table fits clearly better."""
        return self.best > _MARGIN * self.coherence

    @property
    def words(self) -> str:
        """The change in words: 'axes in the order y, x, z; y reversed'."""
        order = np.abs(self.matrix).argmax(axis=0)
        signs = self.matrix[order, range(3)]
        moved = "axes in the order " + ", ".join("xyz"[axis] for axis in order)
        turned = [name for name, sign in zip("xyz", signs, strict=True) if sign < 0]
        parts = [moved] if list(order) != [0, 1, 2] else []
        parts += [f"{' and '.join(turned)} reversed"] if turned else []
        return "; ".join(parts) or "unchanged"


def check_axes(
    directions: NDArray[np.floating],
    anisotropy: NDArray[np.floating],
    sizes: NDArray[np.floating],
    reversed_first: bool,
) -> AxesCheck | None:
    """Find the order and signs of the axes by which fibres go on into their neighbours.

    A bundle runs from voxel to voxel along its own direction. The coherence is the mean
    agreement of the directions of two neighbours with the line between them (after
    Schilling et al., Magn Reson Imaging 58:82-89, 2019). It is compared for the 24
    distinct tables: opposite directions are the same.

    Parameters
    ----------
    directions : array, shape (X, Y, Z, 3)
        Principal directions in the frame of the bvec file.
    anisotropy : array, shape (X, Y, Z)
        FA, 0 outside the brain.
    sizes : array, shape (3,)
        Edges of the voxels in mm.
    reversed_first : bool
        Whether that frame reverses the first voxel axis.

    Returns
    -------
    AxesCheck or None
        None where too few voxels are anisotropic to tell.
    """
    fibres = anisotropy > _FIBRES
    if fibres.sum() < _MIN_VOXELS:
        return None
    frame = np.array([-1.0 if reversed_first else 1.0, 1, 1])
    pairs = [(_pairs(directions, fibres, step), np.array(step) * sizes) for step in _STEPS]
    total, count = np.zeros(len(_tables())), 0
    for (first, second), line in pairs:
        units = np.stack([table @ (line / np.linalg.norm(line) * frame) for table in _tables()], 1)
        total += (((first @ units) * (second @ units)) ** _SHARPNESS).sum(axis=0)
        count += len(first)
    scores = total / max(count, 1)
    best = int(np.argmax(scores))
    return AxesCheck(_tables()[best], float(scores[0]), float(scores[best]))


def _tables() -> list[NDArray[np.float64]]:
    """The 24 signed permutations up to overall sign, the identity first."""
    signs = [(1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1)]
    return [np.eye(3)[:, order] * sign for order in permutations(range(3)) for sign in signs]


def _pairs(
    directions: NDArray[np.floating], fibres: NDArray[np.bool_], step: tuple[int, ...]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Directions of all pairs of fibre voxels that are one step apart, shape (P, 3) each."""
    here = tuple(slice(max(-s, 0), -s if s > 0 else None) for s in step)
    there = tuple(slice(max(s, 0), s if s < 0 else None) for s in step)
    both = fibres[here] & fibres[there]
    return directions[here][both], directions[there][both]
