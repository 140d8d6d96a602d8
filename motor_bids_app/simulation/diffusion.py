"""Simulated diffusion-weighted scans."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.simulation.anatomy import scan_grid, soft_tissue
from motor_bids_app.simulation.deformation import CENTRE, Shape, draw_rigid, rigid
from motor_bids_app.simulation.head import SKULL_START, Tissue, load_brain, load_head, wrap
from motor_bids_app.simulation.sampling import grid_points, move, sample
from motor_bids_app.simulation.tensors import FLUID_MD, STEP, TensorField, measures, weights
from motor_bids_app.spaces.grids import Grid

FIELD_OF_VIEW = ((-96.0, 96.0), (-132.0, 108.0), (-84.0, 108.0))  # mm
B_VALUE = 1000.0  # s/mm2
INTENSITY = 500  # of white matter without diffusion weighting, in scanner units
EVERY = 9  # one volume without diffusion weighting before every so many others
# Grey values without diffusion weighting, relative to white matter, in the order of `Tissue`.
_SHADES = np.array([0, 0.35, 0.12, 0.03, 0.08, 2.4, 0.8, 2.6, 1.25, 1.0], dtype=np.float32)
_LESION_SHADE = 1.9
_MOVES = 6.0  # mm from the brain that it reaches when it moves, at least
_RADIUS = 90.0  # mm from the centre of the head to the farthest points of the brain
_SOFT_TISSUE_MD = 1.2e-3  # mm2/s, outside the brain
Volume = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DwiScan:
    """A dwi series and its truth.

    Parameters
    ----------
    image : array, shape (X, Y, Z, N), int16
        On `grid`.
    b_values, directions : array, shape (N,) and (N, 3)
        s/mm2, and nominal unit vectors in the world (RAS); (0, 0, 0) where b is 0.
    motion : array, shape (N, 4, 4)
        Where a point of the head at rest (mm) is during each volume; first the identity.
    to_t1w : array, shape (4, 4)
        World of this scan to world of the T1w scan, mm, for the head at rest.
    fa, md : array, shape (X, Y, Z)
        Of the head at rest; md in mm2/s. 0 outside the brain.
    brain : array, bool
        Of the head at rest.
    """

    grid: Grid
    image: NDArray[np.int16]
    b_values: NDArray[np.float64]
    directions: NDArray[np.float64]
    motion: NDArray[np.float64]
    to_t1w: NDArray[np.float64]
    fa: Volume
    md: Volume
    brain: NDArray[np.bool_]


def scan_dwi(
    shape: Shape,
    field: TensorField,
    *,
    noise: float,
    voxel_size: float,
    n_directions: int,
    rng: np.random.Generator,
    motion: NDArray[np.float64] | None = None,
) -> DwiScan:
    """Scan one head with voxels of `voxel_size` mm; `noise` is relative to white matter.

    `motion` is as in `DwiScan`, drawn when left out.
    """
    grid = scan_grid(FIELD_OF_VIEW, voxel_size)
    to_t1w = draw_rigid(rng, degrees=4, millimetres=4)
    b_values, directions = gradient_table(n_directions, rng)
    motion = draw_motion(len(b_values), rng) if motion is None else motion
    maps = _brain_maps(field)
    points = grid_points(grid)
    standard = shape.to_standard(move(to_t1w, points))
    around, distance = _surroundings(standard, grid, voxel_size, rng)
    near = np.flatnonzero(distance < max(_MOVES, _farthest(motion)))
    image = np.empty((*grid.shape, len(b_values)), dtype=np.int16)
    for volume, movement in enumerate(motion):
        # The scanner stands still: it sees what has moved to each of its voxels.
        at_rest = np.linalg.inv(movement)
        weighted = int(b_values[volume] > 0)
        signal = sample(around[weighted : weighted + 1], grid, move(at_rest, points))[0]
        # Tensors turn with the head; their frame is the standard space.
        turns = _rotation(shape.matrix).T @ to_t1w[:3, :3] @ at_rest[:3, :3]
        seen = shape.to_standard(move(to_t1w @ at_rest, points[near]))
        signal[near] += _brain_signal(maps, seen, turns @ directions[volume], b_values[volume])
        real = signal + noise * rng.standard_normal(len(points), dtype=np.float32)
        imaginary = noise * rng.standard_normal(len(points), dtype=np.float32)
        image[..., volume] = np.round(INTENSITY * np.hypot(real, imaginary)).reshape(grid.shape)
    fa, md, brain = _truth(maps, standard, grid)
    return DwiScan(grid, image, b_values, directions, motion, to_t1w, fa, md, brain)


def gradient_table(
    n_directions: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """b-values (N,) and world directions (N, 3) spread evenly over the sphere."""
    vectors = spread_directions(n_directions, rng)
    b_values, directions = [], []
    for number, vector in enumerate(vectors):
        if number % EVERY == 0:
            b_values.append(0.0)
            directions.append(np.zeros(3))
        b_values.append(B_VALUE)
        directions.append(vector)
    return np.array(b_values), np.array(directions)


def spread_directions(number: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Unit vectors, shape (number, 3), that repel each other and their opposites."""
    vectors = rng.standard_normal((number, 3))
    for step in np.geomspace(0.3, 0.003, 300):
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        ends = np.concatenate([vectors, -vectors])
        offset = vectors[:, None] - ends[None]
        distance = np.maximum(np.linalg.norm(offset, axis=-1, keepdims=True), 1e-3)
        itself = np.eye(number, 2 * number, dtype=bool)[..., None]
        force = np.where(itself, 0, offset / distance**3).sum(axis=1)
        vectors += step * force / np.linalg.norm(force, axis=1, keepdims=True).max()
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def draw_motion(
    n_volumes: int, rng: np.random.Generator, scale: float = 1.0
) -> NDArray[np.float64]:
    """Head movement, shape (n_volumes, 4, 4): slow drift and now and then a jerk."""
    steps = rng.standard_normal((n_volumes, 6)) * [0.12, 0.08, 0.08, 0.06, 0.06, 0.1]
    steps += (rng.random((n_volumes, 1)) < 0.06) * rng.standard_normal((n_volumes, 6)) * 0.6
    steps *= scale
    steps[0] = 0
    places = np.cumsum(steps, axis=0)
    for volume in range(1, n_volumes):  # people settle back towards where they lay
        places[volume:] -= 0.05 * places[volume]
    return np.stack([rigid(place[:3], place[3:]) for place in places])


def _farthest(motion: NDArray[np.float64]) -> float:
    """Longest way, mm, that any volume's motion takes a point of the brain, or nearly so."""
    ends = CENTRE + _RADIUS * np.concatenate([np.eye(3), -np.eye(3)])
    moved = np.einsum("nij,pj->npi", motion[:, :3, :3], ends) + motion[:, None, :3, 3]
    return float(np.linalg.norm(moved - ends, axis=-1).max())


def _brain_maps(field: TensorField) -> Volume:
    """Unweighted signal, six tensor components and brain share, shape (8, X, Y, Z)."""
    brain = load_brain(STEP)
    signal = brain.grey * _SHADES[Tissue.GREY] + brain.white * _SHADES[Tissue.WHITE]
    signal += brain.fluid * _SHADES[Tissue.FLUID]
    signal = np.where(field.lesion, _LESION_SHADE * brain.inside, signal)
    return np.concatenate([signal[None], field.tensors, brain.inside[None]]).astype(np.float32)


def _surroundings(
    standard: Volume, grid: Grid, voxel_size: float, rng: np.random.Generator
) -> tuple[Volume, Volume]:
    """Signal outside the brain without and with weighting, (2, X, Y, Z); mm to the brain, (N,).

    The head is at rest here: its outside needs no sharper picture when it moves.
    """
    head, brain = load_head(), load_brain(STEP)
    outside = np.stack([soft_tissue(head, _SHADES, rng), head.hull, head.cord, head.canal])
    layers = sample(outside, head.grid, standard, edge=True)
    inside = sample(brain.inside[None], brain.grid, standard)[0]
    around = wrap(*layers, shades=_SHADES, thickness=1.0, texture=0 * inside, step=voxel_size)
    around *= 1 - inside
    decay = np.exp(-B_VALUE * np.where(layers[1] < SKULL_START, FLUID_MD, _SOFT_TISSUE_MD))
    both = np.stack([around, around * decay]).astype(np.float32)
    return both.reshape(2, *grid.shape), layers[1]


def _brain_signal(
    maps: Volume, points: Volume, direction: NDArray[np.floating], b_value: float
) -> Volume:
    """Noise-free signal of the brain at standard points, shape (N,)."""
    signal, *tensors = sample(maps[:7], load_brain(STEP).grid, points)
    factors = -b_value * weights(direction[None])[0]
    return signal * np.exp(factors @ np.stack(tensors))


def _rotation(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation part of an affine (polar decomposition)."""
    left, _, right = np.linalg.svd(matrix[:3, :3])
    return left @ right


def _truth(maps: Volume, standard: Volume, grid: Grid) -> tuple[Volume, Volume, NDArray[np.bool_]]:
    *tensors, inside = sample(maps[1:], load_brain(STEP).grid, standard)
    brain = inside > 0.5
    fa, md = measures(np.stack(tensors))
    shape = grid.shape
    return (fa * brain).reshape(shape), (md * brain).reshape(shape), brain.reshape(shape)
