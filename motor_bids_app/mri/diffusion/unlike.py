"""Volumes of a diffusion series that are no measurements of it, as scanners' own maps."""

from typing import Any

import numpy as np
from nibabel.affines import voxel_sizes
from numpy.typing import NDArray

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.threads import each

_BLOCK = 6.0  # mm, over which values are averaged: noise and small motion matter little then
_FEWEST = 50  # blocks in the brain
_UNLIKE = 0.25  # log units by which a volume may depart from what the others tell of it
_TIMES = 3.0  # the departure that is usual in its shell
_TOO_LIKE = 0.4  # of the departure of directions from their mean: no direction is so near to it
_OTHER_SCALE = 0.7  # log units from the median of the shell
_FAR = 2.2  # times the departure of a direction from the mean of its shell
_DERIVED = "it fits no diffusion weighting like that of its shell, as a map derived by the scanner"
_SAME_B0 = 0.35  # log units, between 5 and 95 % of the blocks
_BRIGHTER = 0.35  # log units
_WATER = (0.15e-3, 2.5e-3)  # mm2/s, median over a brain
_FOR_TENSOR = 9  # volumes of a shell, or the mean has to do
_MOST = 0.2  # of the volumes; when more are unlike, the table is not of these images

Logs = NDArray[np.float64]


def find_unlike(
    data: NDArray[np.floating], gradients: GradientTable, affine: NDArray[np.floating]
) -> dict[int, str]:
    """Find volumes that cannot be what the gradient table says they are.

    Empty and repeated volumes; weighted ones without a direction among those that have one; and
    what does not follow from the others: the log signal of a weighted volume from the tensor
    (or the median) of its shell, that of b0 from the other b0. A scanner's map of diffusivity
    or anisotropy has another contrast, on whatever scale; its trace image lies nearer to the mean
    of the shell than any direction can. Of b0 volumes that disagree, most are right; of
    as many, those whose ratio to the weighted volumes varies least: brightness of tissue and coil
    cancels in it.

    Parameters
    ----------
    data : array, shape (X, Y, Z, N)
        Series as acquired.
    gradients : GradientTable
        One entry per volume.
    affine : array, shape (4, 4)
        Voxel to mm.

    Returns
    -------
    dict
        Number of the volume, from 0 -> why.
    """
    found = _empty_or_repeated(data)
    trace = ~gradients.is_b0 & ~gradients.has_direction
    if gradients.has_direction.any():
        found |= {
            int(t): "it is weighted but has no direction, as the trace image of a scanner"
            for t in np.flatnonzero(trace)
            if int(t) not in found
        }
    left = np.array([t not in found for t in range(len(gradients))])
    logs = _logs(data, left, voxel_sizes(affine))
    if logs is None:
        return found
    shells = gradients.shells
    for shell in np.unique(shells[left & ~gradients.is_b0]):
        members = np.flatnonzero(left & (shells == shell))
        found |= _unlike_shell(logs, members, gradients)
    left &= [t not in found for t in range(len(gradients))]
    if (left & gradients.is_b0).any() and (left & ~gradients.is_b0).any():
        found |= _unlike_b0(logs, left, gradients)
    return found


def too_many(found: dict[int, str], gradients: GradientTable) -> bool:
    """Whether so many volumes are unlike that it must be the table that is wrong."""
    return len(found) > max(2.0, _MOST * len(gradients))


def _empty_or_repeated(data: NDArray[np.floating]) -> dict[int, str]:
    found: dict[int, str] = {}
    seen: dict[int, int] = {}
    ranges = each(lambda t: float(np.ptp(data[..., t])), data.shape[3])
    for t, span in enumerate(ranges):
        volume = data[..., t]
        if not span > 0:
            found[t] = "it is empty"
            continue
        first = seen.setdefault(hash(volume.tobytes(order="A")), t)
        if first != t and np.array_equal(volume, data[..., first]):
            found[t] = f"it is a copy of volume {first}"
    return found


def _logs(
    data: NDArray[np.floating], left: NDArray[np.bool_], sizes: NDArray[np.floating]
) -> Logs | None:
    """Logarithms of mean values of blocks in the brain, shape (blocks, N); None without a brain.

    The brain is seen in the median of all volumes, each by its own brightness.
    """
    bright = each(lambda t: np.percentile(data[..., t], 98) if left[t] else 1.0, data.shape[3])
    scale = np.maximum(np.abs(bright), np.finfo(np.float32).tiny)
    every = np.flatnonzero(left)[:: max(1, left.sum() // 15)]
    middle = np.median(np.stack([data[..., t] / scale[t] for t in every]), axis=0)
    try:
        mask = dwi_mask(middle, sizes)
    except EmptyRegionError:
        return None
    factors = np.maximum(1, np.round(_BLOCK / sizes)).astype(int)
    inside = _blocks(mask, factors) > 0.9
    if inside.sum() < _FEWEST:
        return None
    means = np.stack(each(lambda t: _blocks(data[..., t], factors)[inside], len(left)), axis=1)
    return np.asarray(np.log(np.maximum(means / scale, 1e-3)) + np.log(scale))


def _blocks(volume: NDArray[Any], factors: NDArray[np.int_]) -> NDArray[np.float64]:
    """Mean over blocks; what does not fill one is left out."""
    counts = np.array(volume.shape) // factors
    x, y, z = counts * factors
    (a, b, c), (i, j, k) = factors, counts
    blocks = volume[:x, :y, :z].reshape(i, a, j, b, k, c)
    return np.asarray(blocks.mean(axis=(1, 3, 5), dtype=np.float64))


def _spread(values: Logs) -> float:
    """Robust standard deviation, which few blocks at edges do not change."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def _unlike_shell(
    logs: Logs, members: NDArray[np.intp], gradients: GradientTable
) -> dict[int, str]:
    """Weighted volumes that do not follow from the others of their shell, the worst first."""
    found: dict[int, str] = {}
    while len(members) >= 4:
        away = (logs[:, members] - _medians_of_others(logs[:, members])).T
        near = np.array([_spread(one) for one in away])
        wide = np.ptp(np.quantile(away, (0.05, 0.95), axis=1), axis=0)
        shifts = np.abs(np.median(away, axis=1))
        far = np.maximum(wide / (_FAR * np.median(wide)), shifts / _OTHER_SCALE)
        nearest, farthest = int(near.argmin()), int(far.argmax())
        if far[farthest] > 1:
            nearest, why = farthest, _DERIVED
        elif near[nearest] < _TOO_LIKE * np.median(near):
            why = "it is the mean of the others, as the trace image of a scanner"
        else:
            rest = [logs[:, t] - _predicted(logs, members, t, gradients) for t in members]
            left = np.array([_spread(one) for one in rest])
            limit = np.maximum(_UNLIKE, _TIMES * np.median(left))
            shift = np.array([float(np.median(one)) for one in rest])
            excess = np.maximum(left / limit, shift / _BRIGHTER)
            nearest = int(excess.argmax())
            if excess[nearest] <= 1:
                break
            why = _DERIVED
        found[int(members[nearest])] = why
        members = np.delete(members, nearest)
    return found


def _medians_of_others(logs: Logs) -> Logs:
    """Median of all other columns, in place of each column."""
    ordered, left = np.sort(logs, axis=1), logs.shape[1] - 1
    rank = logs.argsort(axis=1).argsort(axis=1)
    middle = [
        np.where(k < rank, ordered[:, [k]], ordered[:, [k + 1]])
        for k in ((left - 1) // 2, left // 2)
    ]
    return np.asarray(middle[0] + middle[1]) / 2


def _predicted(
    logs: Logs, members: NDArray[np.intp], without: int, gradients: GradientTable
) -> Logs:
    """What the others of a shell tell of one volume: by a tensor, else their median."""
    others = members[members != without]
    design = _quadratic(gradients.bvecs[others])
    enough = len(others) >= _FOR_TENSOR and gradients.has_direction[members].all()
    if not enough or np.linalg.matrix_rank(design, tol=0.1) < design.shape[1]:
        return np.asarray(np.median(logs[:, others], axis=1))
    weights = _quadratic(gradients.bvecs[[without]]) @ np.linalg.pinv(design)
    return np.asarray(logs[:, others] @ weights[0])


def _quadratic(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = directions.T
    return np.stack([x * x, y * y, z * z, x * y, x * z, y * z], axis=1)


def _unlike_b0(logs: Logs, left: NDArray[np.bool_], gradients: GradientTable) -> dict[int, str]:
    """Volumes of no weighting that disagree with the one that the weighted volumes bear out."""
    zeros = np.flatnonzero(left & gradients.is_b0)
    bval = gradients.bvals[left & ~gradients.is_b0].min()
    shell = left & ~gradients.is_b0 & (gradients.bvals < bval + 100)
    weighted = np.median(logs[:, shell], axis=1)
    falls = {int(t): logs[:, t] - weighted for t in zeros}
    usual = float(np.median([_spread(logs[:, t] - weighted) for t in np.flatnonzero(shell)]))

    def is_likely(t: int) -> bool:
        water = _WATER[0] * bval < np.median(falls[t]) < _WATER[1] * bval
        return bool(water and (shell.sum() < 4 or _spread(falls[t]) > _TOO_LIKE * usual))

    def agree(t: int, other: int) -> bool:
        difference = logs[:, t] - logs[:, other]
        wide = np.ptp(np.quantile(difference, (0.05, 0.95)))
        return bool(wide < _SAME_B0 and abs(np.median(difference)) < _BRIGHTER)

    good = [t for t in falls if is_likely(t)]
    if not good:
        return {}
    best = min(good, key=lambda t: (-sum(agree(t, o) for o in good), _spread(falls[t])))
    why = "it is unlike the other b = 0 volumes, as a map derived by the scanner"
    return {t: why for t in falls if not agree(t, best)}
