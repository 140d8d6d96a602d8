"""Field maps of gradient echoes: from phase to Hz, and from Hz to displacement of a series."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from motor_bids_app.errors import DataError, EmptyRegionError

_RANGES = (  # of phase, 2 pi wide, in the units of scanners; rounded to whole numbers or not
    2 * np.pi,
    2000 * np.pi,
    4096.0,
    8192.0,
)
_RANGE_TOLERANCE = 0.01
_LEAST_SIGNAL = 0.15  # of the 98th percentile of the magnitude; below, phase is noise
_SMOOTHING = 2.0  # mm, standard deviation; the field is smooth, its noise is not
_NEVER_NONE = 1e-3  # weight of voxels without signal, which take the field of the nearest with one


def phase_in_radians(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Phase as scanners store it, in radians from -pi to pi.

    The noise around the head has every phase, so that the range of the values tells their unit.

    Raises
    ------
    DataError
        The range is that of no unit that is known.
    """
    low, high = float(np.min(values)), float(np.max(values))
    for full in _RANGES:
        if (1 - _RANGE_TOLERANCE) * full <= high - low <= (1 + _RANGE_TOLERANCE) * full:
            return wrap(np.asarray(values, dtype=np.float64) * (2 * np.pi / full))
    raise DataError(
        f"its values go from {low:.4g} to {high:.4g}, which is no full turn in radians, "
        "milliradians, or 4096 or 8192 steps"
    )


def wrap(phase: NDArray[np.float64]) -> NDArray[np.float64]:
    """Phase less the whole turns that take it out of -pi to pi."""
    return phase - 2 * np.pi * np.round(phase / (2 * np.pi))


def signal_mask(magnitude: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Voxels in which phase means something, in one piece.

    Raises
    ------
    EmptyRegionError
        There are none.
    """
    inside = magnitude > _LEAST_SIGNAL * np.percentile(magnitude, 98)
    labels, count = ndimage.label(inside)
    if count == 0:
        raise EmptyRegionError("its magnitude image does not vary")
    return np.asarray(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:]))


def unwrap(phase: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Add the whole turns that make phase continuous, along the edges where it changes least.

    Neighbours are joined by the tree of least total difference (Ching et al. 1992), so that
    noisy and steep places are crossed last. The median comes to lie between -pi and pi.

    Parameters
    ----------
    phase : array, shape (X, Y, Z)
        In radians.
    inside : array, shape (X, Y, Z)
        Where phase means something, in one piece.

    Returns
    -------
    array, shape (X, Y, Z)
        0 outside.
    """
    number = np.cumsum(inside.ravel()).reshape(inside.shape) - 1
    starts, ends = [], []
    for axis in range(3):
        first, second = (np.moveaxis(number, axis, 0)[part] for part in (slice(-1), slice(1, None)))
        both = np.moveaxis(inside, axis, 0)
        joined = both[:-1] & both[1:]
        starts.append(first[joined])
        ends.append(second[joined])
    start, end = np.concatenate(starts), np.concatenate(ends)
    values = phase[inside]
    cost = np.abs(wrap(values[end] - values[start])) + 1e-9  # 0 would be no edge
    tree = minimum_spanning_tree(csr_array((cost, (start, end)), shape=(len(values),) * 2))
    assert connected_components(tree, directed=False, return_labels=False) == 1, "not in one piece"
    before = breadth_first_order(tree, 0, directed=False)[1].astype(np.intp)
    before[0] = 0
    turns = -np.round((values - values[before]) / (2 * np.pi))
    while before.any():  # add up what all voxels on the way to the root contribute
        turns, before = turns + turns[before], before[before]
    unwrapped = values + 2 * np.pi * turns
    unwrapped -= 2 * np.pi * np.round(np.median(unwrapped) / (2 * np.pi))
    result = np.zeros(phase.shape)
    result[inside] = unwrapped
    return result


def smooth_field(
    field: NDArray[np.floating],
    magnitude: NDArray[np.floating],
    inside: NDArray[np.bool_],
    sizes: NDArray[np.floating],
) -> NDArray[np.float32]:
    """Take noise out of a field, and continue it where there is no signal.

    Parameters
    ----------
    field, magnitude, inside : array, shape (X, Y, Z)
        Voxels count by their squared magnitude, which is inverse to the variance of their phase.
    sizes : array, shape (3,)
        Voxel edges in mm.
    """
    filled = continued(np.asarray(field, dtype=np.float64), inside, sizes)
    weight = np.where(inside, (magnitude / np.percentile(magnitude[inside], 98)) ** 2, 0)
    weight = np.maximum(weight, _NEVER_NONE)
    width = _SMOOTHING / np.asarray(sizes)
    total = ndimage.gaussian_filter(filled * weight, width, mode="nearest")
    smooth = total / ndimage.gaussian_filter(weight, width, mode="nearest")
    return np.asarray(smooth, dtype=np.float32)


def continued(
    field: NDArray[np.floating], known: NDArray[np.bool_], sizes: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Give every voxel without a known value that of the nearest one with it; sizes in mm."""
    nearest = ndimage.distance_transform_edt(
        ~known, sampling=sizes, return_distances=False, return_indices=True
    )
    return field[tuple(nearest)]
