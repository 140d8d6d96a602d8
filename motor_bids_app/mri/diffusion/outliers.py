"""Slices of a diffusion series that lost their signal, as when the head jerks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.mri.diffusion.gradients import GradientTable

_LOSS = 0.12  # of the expected signal, in log units
_ROBUST_Z = 6.0
_LEAST_AREA = 0.2  # of the largest slice of the brain; smaller slices move in and out of it
_ROUNDS = 10
_VIEW = 0.5  # voxels beyond the centre of the last one, to where it reaches
OUTLIER_SHARE = 0.1  # of its slices, from which a whole volume is called an outlier


def find_dropouts(
    data: NDArray[np.floating], gradients: GradientTable, mask: NDArray[Any], slice_axis: int = 2
) -> NDArray[np.bool_]:
    """Find slices of weighted volumes whose mean signal falls far below what is expected.

    The mean signals of a slice follow, over the directions of a shell, a constant and a
    quadratic form: the mean of its tensors. That is fitted robustly (bisquare weights),
    and a slice that lies more than 11 % and 6 robust standard deviations below is a
    dropout. Motion of the head moves slices by less.

    Parameters
    ----------
    data : array, shape (X, Y, Z, N)
        Series before motion is corrected: afterwards slices are mixed.
    gradients : GradientTable
        One entry per volume.
    mask : array, shape (X, Y, Z)
        Positive in the brain.
    slice_axis : int
        Voxel axis along which slices were acquired.

    Returns
    -------
    array, shape (slices, N), bool
    """
    brain = np.moveaxis(np.asarray(mask) > 0, slice_axis, 0)
    area = brain.sum(axis=(1, 2))
    counted = np.flatnonzero(area > _LEAST_AREA * max(int(area.max()), 1))
    dropouts = np.zeros((brain.shape[0], len(gradients)), dtype=bool)
    slices = np.moveaxis(data, slice_axis, 0)
    means = np.stack([slices[number][brain[number]].mean(axis=0) for number in counted])
    logs = np.log(np.maximum(means, 1e-6 * means.max()))
    shells = gradients.shells
    for shell in np.unique(shells[shells > 0]):
        members = np.flatnonzero(shells == shell)
        design = quadratic(gradients.bvecs[members])
        if len(members) < design.shape[1] + 2:
            design = design[:, :1]  # too few to see how the signal depends on direction
        if len(members) < 4:
            continue
        left = _robust_residuals(logs[:, members], design)
        spread = 1.4826 * np.median(np.abs(left), axis=1, keepdims=True)
        wrong = left < -np.maximum(_LOSS, _ROBUST_Z * spread)
        dropouts[np.ix_(counted, members)] = wrong
    return dropouts


def outlier_volumes(dropouts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Volumes, shape (N,), that lost more than a tenth of their slices."""
    return dropouts.mean(axis=0) > OUTLIER_SHARE


def usable_values(
    dropouts: NDArray[np.bool_],
    matrices: NDArray[np.floating],
    mask: NDArray[Any],
    slice_axis: int = 2,
) -> NDArray[np.bool_] | None:
    """Voxels of the corrected series that were in view, and that no dropout was mixed into.

    Parameters
    ----------
    dropouts : array, shape (slices, N)
    matrices : array, shape (N, 4, 4)
        Voxels of the corrected volumes to voxels as acquired.
    mask : array, shape (X, Y, Z)
        Positive where it matters.

    Returns
    -------
    array, shape (X, Y, Z, N), bool, or None
        None where all values in the mask are usable.
    """
    if not np.any(mask):
        return None
    shape = np.array(mask.shape)
    corners = _corners(np.asarray(mask) > 0)
    ends = corners @ np.swapaxes(matrices[:, :3, :3], 1, 2) + matrices[:, None, :3, 3]
    beyond = ((ends < -_VIEW) | (ends > shape - 1 + _VIEW)).any(axis=1)  # (N, 3)
    if not (dropouts.any() or beyond.any()):
        return None
    usable = np.ones((*mask.shape, len(matrices)), dtype=bool)
    for volume, axis in np.argwhere(beyond):
        places = _places(matrices[volume][axis], mask.shape)
        usable[..., volume] &= (places >= -_VIEW) & (places <= shape[axis] - 1 + _VIEW)
    for volume in np.flatnonzero(dropouts.any(axis=0)):
        places = _places(matrices[volume][slice_axis], mask.shape)
        lost = dropouts[:, volume]
        below = np.floor(places).astype(int)
        between = places - below > 1e-6
        for reached in range(-1, 3):  # by the cubic spline that placed the volume
            there = lost[np.clip(below + reached, 0, len(lost) - 1)]
            usable[..., volume] &= ~there if reached == 0 else ~(there & between)
    return usable


def _corners(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Corners of the box around the voxels inside, shape (8, 3)."""
    voxels = np.argwhere(inside)
    ends = np.stack([voxels.min(axis=0), voxels.max(axis=0)]).T
    return np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float64)


def _places(row: NDArray[np.floating], shape: tuple[int, ...]) -> NDArray[np.floating]:
    """Coordinate along one axis, shape (X, Y, Z), that a row of a matrix leads each voxel to."""
    x, y, z = (factor * np.arange(n) for factor, n in zip(row[:3], shape, strict=True))
    places: NDArray[np.floating] = x[:, None, None] + y[:, None] + z + row[3]
    return places


def quadratic(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns 1 and the five independent products of the components of unit vectors."""
    x, y, z = directions.T
    return np.stack([np.ones_like(x), x * x - z * z, y * y - z * z, x * y, x * z, y * z], axis=1)


def _robust_residuals(
    values: NDArray[np.float64], design: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Residuals, shape (S, n), of values fitted by columns of the design, shape (n, k).

    Weights are found from the medians first: a least squares start would follow the outliers.
    """
    left = values - np.median(values, axis=1, keepdims=True)
    for _ in range(_ROUNDS):
        scale = 1.4826 * np.median(np.abs(left), axis=1, keepdims=True)
        weights = np.clip(1 - (left / (4.685 * np.maximum(scale, 0.01))) ** 2, 1e-6, 1) ** 2
        weighted = weights[..., None] * design
        normal = np.einsum("snk,nl->skl", weighted, design) + 1e-9 * np.eye(design.shape[1])
        moments = np.einsum("snk,sn->sk", weighted, values)
        left = values - np.linalg.solve(normal, moments[..., None])[..., 0] @ design.T
    return left
