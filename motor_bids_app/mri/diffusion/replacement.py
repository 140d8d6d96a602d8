"""Slices of a diffusion series that lost their signal, given what the other directions predict.

After Andersson et al. 2016.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.outliers import quadratic, usable_values

_SPARE = 2  # volumes beyond the coefficients of a tensor; with fewer, the mean is the prediction
_LEAST_SIGNAL = 1e-3  # of the brightest, before the logarithm
_AT_ONCE = 50_000  # voxels: bounds the memory


def replace_lost(
    data: NDArray[np.floating], lost: NDArray[np.bool_], gradients: GradientTable
) -> None:
    """Replace lost values of a series, in `data` itself.

    On one shell the log signal of a tensor is a quadratic form of the direction: it is fitted in
    each voxel to the values of the other volumes that are not lost there.

    Parameters
    ----------
    data : array, shape (X, Y, Z, N)
    lost : array, shape (X, Y, Z, N)
        Of weighted volumes.
    gradients : GradientTable
        One entry per volume.
    """
    shells, design = gradients.shells, quadratic(gradients.bvecs)
    for volume in np.flatnonzero(lost.any(axis=(0, 1, 2))):
        others = np.flatnonzero(shells == shells[volume])
        others = others[others != volume]
        places = np.argwhere(lost[..., volume])
        for start in range(0, len(places), _AT_ONCE):
            voxels = tuple(places[start : start + _AT_ONCE].T)
            values, usable = data[voxels][:, others], ~lost[voxels][:, others]
            known = usable.any(axis=1)
            found = _predicted(values, usable, design[others], design[volume])
            data[(*voxels, volume)] = np.where(known, found, data[(*voxels, volume)])


def lost_slices(
    dropouts: NDArray[np.bool_], shape: tuple[int, ...], slice_axis: int
) -> NDArray[np.bool_]:
    """Lost values of a series as acquired, shape (X, Y, Z, N), from dropouts (slices, N)."""
    lost = np.zeros(shape, dtype=bool)
    np.moveaxis(lost, slice_axis, 0)[...] = dropouts[:, None, None, :]
    return lost


def lost_values(
    dropouts: NDArray[np.bool_],
    matrices: NDArray[np.floating],
    mask: NDArray[Any],
    slice_axis: int,
) -> NDArray[np.bool_]:
    """Values of the corrected series in the mask that dropouts were mixed into.

    Not those that were out of view, of which nobody knows how bright they are. Parameters are
    those of `usable_values`.
    """
    everything = np.ones((*mask.shape, len(matrices)), dtype=bool)
    usable = usable_values(dropouts, matrices, mask, slice_axis)
    seen = usable_values(np.zeros_like(dropouts), matrices, mask, slice_axis)
    usable, seen = (everything if one is None else one for one in (usable, seen))
    return seen & ~usable & (np.asarray(mask) > 0)[..., None]


def _predicted(
    values: NDArray[np.floating],
    usable: NDArray[np.bool_],
    design: NDArray[np.float64],
    wanted: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Signal at one row of the design, shape (k,), from values (V, n) at its others, (n, k)."""
    logs = np.log(np.maximum(values, max(_LEAST_SIGNAL * float(values.max()), 1e-9)))
    weights = usable.astype(np.float64)
    count = weights.sum(axis=1)
    mean = (weights * logs).sum(axis=1) / np.maximum(count, 1)
    normal = np.einsum("vn,nk,nl->vkl", weights, design, design, optimize=True)
    normal += 1e-6 * np.eye(design.shape[1])
    moments = np.einsum("vn,nk->vk", weights * (logs - mean[:, None]), design, optimize=True)
    fitted = mean + np.linalg.solve(normal, moments[..., None])[..., 0] @ wanted
    enough = count >= design.shape[1] + _SPARE
    return np.exp(np.where(enough, fitted, mean))
