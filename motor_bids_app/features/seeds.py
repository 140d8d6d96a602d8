"""Where the seed of connectivity is: M1 on the side of the lesion, off the lesion."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.spaces.atlases import load_cerebra
from motor_bids_app.spaces.grids import Grid

LEFT_M1 = (-38.0, -22.0, 56.0)  # mm, of the hand in left M1 (Gao et al. 2025)
_REGION = "Precentral"
_LEAST_SHARE = 0.5  # of a seed that must be usable, or M1 is searched for other voxels
_FARTHEST = 20.0  # mm from a seed that other voxels of M1 can stand in for it


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
    region = load_cerebra(resolution).mask(f"{_REGION}_{side[0].upper()}")
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
