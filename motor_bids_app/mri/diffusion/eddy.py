"""Fields of eddy currents beyond stretch and shear: quadratic ones, kept where they are real.

Like the linear ones they move signal along the phase-encoding axis, in proportion to the gradient
within a shell. Sequences that null eddy currents have none to speak of, so that what is found must
first foretell voxels that it was not fitted to.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.mri.diffusion.poses import LOST, Level, Pose, sample, voxel_map
from motor_bids_app.mri.diffusion.prediction import predict_members
from motor_bids_app.mri.threads import each

N_TERMS = 10  # of a polynomial of the second degree in three coordinates
_LINEAR = 4  # of them, the constant and the linear ones
_REACH = 50.0  # mm; there a term is 1, so that coefficients are in mm
_ROUNDS = 2
_MAX_POINTS = 20_000
_BLOCK = 16.0  # mm, edge of the cubes of which one half foretells the other
_LEAST_GAIN = 0.004  # of the squares that the linear field leaves in the other half
_FEWEST = 10  # directions, twice as many as terms that describe the place of a volume
_LEAST_FORETOLD = 0.5  # of the squares of that place

Array = NDArray[np.float64]


def uniform_shifts(
    places: Array, shells: NDArray[np.intp], directions: Array
) -> NDArray[np.float64]:
    """Return what eddy currents move of whole volumes along the phase-encoding axis, in mm.

    A uniform field looks like a head that moves along this axis, but in proportion to the
    gradient, which no head follows (Andersson and Sotiropoulos 2016). Within a shell the place
    is therefore regressed on the gradient, beside a constant and a slow movement, and what
    follows the gradient counts as such a shift if it foretells at least half of the squares of
    volumes that it was not fitted to, each left out in turn, and does so better than the volumes
    before and after: gradients that turn little by little follow a head that does.

    Parameters
    ----------
    places : array, shape (N,)
        Of the volumes along the axis, in mm.
    shells : array, shape (N,)
        0 for b0.
    directions : array, shape (N, 3)
        Of the gradients.

    Returns
    -------
    array, shape (N,)
        0 for b0, for shells of fewer than 10 directions, and where nothing follows the gradient.
    """
    shifts = np.zeros(len(places))
    for shell in np.unique(shells[shells > 0]):
        members = np.flatnonzero(shells == shell)
        slow = np.column_stack([np.ones(len(members)), np.linspace(-1, 1, len(members))])
        design, own = np.column_stack([slow, directions[members]]), places[members]
        if len(members) < _FEWEST:
            continue
        left = np.square(_left_out(design, own))
        beside = np.square(own[1:-1] - (own[:-2] + own[2:]) / 2)
        least = (1 - _LEAST_FORETOLD) * np.square(_left_out(slow, own)).sum()
        if left.sum() <= least and left[1:-1].sum() <= beside.sum():
            weights = np.linalg.pinv(design) @ own
            shifts[members] = directions[members] @ weights[slow.shape[1] :]
    return shifts


def _left_out(design: Array, values: Array) -> Array:
    """Error of least squares at each row when fitted to the others."""
    hat = design @ np.linalg.pinv(design)
    return np.asarray((values - hat @ values) / np.maximum(1 - np.diag(hat), 1e-6))


def bend(coefficients: Array, points: Array, axis: int) -> tuple[Array, Array]:
    """Displacement in mm at points (3, P) in mm from the centre, and its slope along an axis.

    `coefficients` are of 1, x, y, z, xx, yy, zz, xy, xz and yz, in mm at 50 mm. Both have shape
    (P,); the slope is per mm.
    """
    constant, linear = coefficients[0], coefficients[1:_LINEAR] / _REACH
    xx, yy, zz, xy, xz, yz = coefficients[_LINEAR:] / _REACH**2
    square = np.array([[xx, xy / 2, xz / 2], [xy / 2, yy, yz / 2], [xz / 2, yz / 2, zz]])
    half = square @ points
    shift = constant + linear @ points + np.einsum("ip,ip->p", half, points)
    return shift, linear[axis] + 2 * half[axis]


def fit_bends(
    level: Level, poses: Sequence[Pose], shells: NDArray[np.intp], directions: Array
) -> Array:
    """Fit quadratic fields to a series whose motion and linear fields are known.

    Each volume is compared with what the others of its shell predict for its direction. What
    differs is explained by small shifts along the phase-encoding axis, whose coefficients are
    linear in the gradient. A shell keeps them if those of one half of the brain, in cubes like the
    fields of a chessboard, explain the other half better than linear ones do.

    Parameters
    ----------
    level : Level
        Volumes as acquired.
    poses : sequence of N Pose
        Where the head is in each.
    shells : array, shape (N,)
        0 for b0.
    directions : array, shape (N, 3)
        Of the gradients, along the voxel axes of the scanner.

    Returns
    -------
    array, shape (N, 10)
        Coefficients for `bend`, at points where the head was; 0 where nothing is kept.
    """
    bends = np.zeros((len(poses), N_TERMS))
    thin = slice(None, None, -(-len(level.points) // _MAX_POINTS))
    level = replace(level, points=level.points[thin], depth=level.depth[thin])
    turned = np.stack([p.rotation.T @ d for p, d in zip(poses, directions, strict=True)])
    numbers = np.unique(shells[shells > 0]).tolist()
    for turn in range(_ROUNDS):
        for shell in numbers:
            members = np.flatnonzero(shells == shell)
            if turn and not bends[members].any():
                continue
            normals = _normals(level, poses, bends, members, turned, directions)
            if normals is None or (turn == 0 and not _foretells(*normals)):
                continue
            matrix, moments, _ = (part.sum(axis=0) for part in normals)
            bends[members] += directions[members] @ _solve(matrix, moments, N_TERMS)
    return bends


def _normals(
    level: Level,
    poses: Sequence[Pose],
    bends: Array,
    members: NDArray[np.intp],
    turned: Array,
    directions: Array,
) -> tuple[Array, Array, Array] | None:
    """Normal equations of the three times ten coefficients, of each half of the brain.

    Matrices, shape (2, 30, 30), moments, shape (2, 30), and squares, shape (2,); None where the
    volumes are too few to predict each other.
    """
    placed = np.zeros((len(poses), *level.volumes.shape[1:]), dtype=np.float32)
    placed[members] = each(
        lambda i: _placed(level, poses[members[i]], bends[members[i]], members[i]), len(members)
    )
    predicted = predict_members(placed, members, turned)
    if not predicted:
        return None
    points = ((level.points - level.centre) * level.sizes).T
    halves = np.floor(points / _BLOCK).sum(axis=0) % 2

    def one(i: int) -> list[tuple[Array, Array, Array]]:
        t, direction = int(members[i]), directions[members[i]]
        design, left = _regression(level, poses[t], predicted[t], placed[t], level.lost.get(t))
        parts = [(design[:, halves == half], left[halves == half]) for half in (0, 1)]
        return [
            (
                np.asarray(np.kron(np.outer(direction, direction), own @ own.T)),
                np.asarray(np.kron(direction, own @ rest), dtype=np.float64),
                np.asarray(rest @ rest),
            )
            for own, rest in parts
        ]

    found = each(one, len(members))
    matrices, moments, squares = (
        np.stack([sum(volume[half][k] for volume in found) for half in (0, 1)]) for k in range(3)
    )
    return matrices, moments, squares


def _regression(
    level: Level,
    pose: Pose,
    wanted: NDArray[np.float32],
    found: NDArray[np.float32],
    lost: NDArray[np.float32] | None,
) -> tuple[Array, Array]:
    """How a volume changes by each term of its field, shape (10, P), and by how much it should."""
    index, axis = tuple(level.points.T), pose.phase_axis
    target, values = wanted[index].astype(np.float64), found[index].astype(np.float64)
    values *= (values @ target) / max(values @ values, 1e-9)
    slope = np.gradient(wanted, axis=axis)[index] / level.sizes[axis]
    there = pose.rotation @ ((level.points - level.centre) * level.sizes).T
    x, y, z = (there + pose.translation[:, None]) / _REACH
    terms = np.stack([np.ones_like(x), x, y, z, x * x, y * y, z * z, x * y, x * z, y * z])
    known = np.ones(len(x)) if lost is None else (lost[index] < LOST).astype(np.float64)
    return terms * (slope * known), (target - values) * known


def _foretells(matrices: Array, moments: Array, squares: Array) -> bool:
    """Whether quadratic fields of one half explain the other better than linear ones do."""
    left = dict.fromkeys((_LINEAR, N_TERMS), 0.0)
    for count in left:
        for own, other in ((0, 1), (1, 0)):
            found = np.zeros((3, N_TERMS))
            found[:, :count] = _solve(matrices[own], moments[own], N_TERMS, count)[:, :count]
            k = found.ravel()
            left[count] += squares[other] - 2 * k @ moments[other] + k @ matrices[other] @ k
    return left[N_TERMS] < (1 - _LEAST_GAIN) * left[_LINEAR]


def _solve(matrix: Array, moments: Array, n: int, count: int | None = None) -> Array:
    """Coefficients, shape (3, n), of which only the first `count` of each row may differ from 0."""
    free = np.tile(np.arange(n) < (count or n), 3)
    found = np.zeros(3 * n)
    some = np.ix_(free, free)
    found[free] = np.linalg.lstsq(matrix[some], moments[free], rcond=None)[0]
    return found.reshape(3, n)


def _placed(level: Level, pose: Pose, coefficients: Array, number: int) -> NDArray[np.float32]:
    """Volume of a level in the place of the reference."""
    volume = level.volumes[number]
    if not coefficients.any():
        return level.resampled(volume, pose.matrix)
    voxels = np.indices(volume.shape).reshape(3, -1).astype(np.float64)
    linear, offset = voxel_map(pose.matrix, level.sizes, level.centre)
    places = linear @ voxels + offset[:, None]
    there = pose.rotation @ ((voxels - level.centre[:, None]) * level.sizes[:, None])
    shift, _ = bend(coefficients, there + pose.translation[:, None], pose.phase_axis)
    places[pose.phase_axis] += shift / level.sizes[pose.phase_axis]
    return sample(volume, places).astype(np.float32).reshape(volume.shape)
