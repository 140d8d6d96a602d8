"""Whether an attribution map means anything: each check is one number."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.floating]
STEPS = 10  # of a deletion curve
# Rank correlation with the map of a model that learned nothing, from which a map says little of
# what was learned. Inputs times unrelated gradients have one half, as they share the inputs.
ALIKE, ALIKE_PRODUCTS = 0.5, 0.75


def rank_correlation(first: Floats, second: Floats) -> float:
    """Spearman correlation of the sizes of two maps, signs left out; 0 if one does not vary.

    Of a map and that of the same model with random weights (or learned from dealt out labels), it
    should be low: a map that stays the same cannot show what was learned (Adebayo et al. 2018).
    """
    ranks = [rankdata(np.abs(one).ravel()) for one in (first, second)]
    return correlation(*ranks)


def most_alike(method: str) -> float:
    """Return how like one of random weights a map of a method may be; see `rank_correlation`.

    >>> most_alike("gradcam"), most_alike("integrated_gradients")
    (0.5, 0.75)
    """
    return ALIKE_PRODUCTS if method == "integrated_gradients" else ALIKE


def correlation(first: Floats, second: Floats) -> float:
    """Pearson correlation of two maps; 0 if one does not vary."""
    a, b = (one.ravel().astype(np.float64) for one in (first, second))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def stability(maps: Sequence[Floats]) -> float:
    """Mean correlation over all pairs of maps, of models of different training folds.

    Raises
    ------
    ValueError
        Fewer than two maps.
    """
    pairs = [correlation(a, b) for k, a in enumerate(maps) for b in maps[:k]]
    if not pairs:
        raise ValueError("stability takes the maps of two models or more")
    return float(np.mean(pairs))


def deletion_drops(
    output: Callable[[NDArray[np.float32]], Floats],
    inputs: NDArray[np.float32],
    attribution: Floats,
    mask: NDArray[np.bool_],
    random: np.random.Generator,
) -> tuple[Floats, Floats]:
    """What is left of an output as voxels are deleted, those that speak most for it first.

    Parameters
    ----------
    output : callable
        From inputs of shape (n, n_maps, X, Y, Z) to one number each; 0 is the average brain.
    inputs : float32 array, shape (n_maps, X, Y, Z)
        Of one person.
    attribution : float array, shape (n_maps, X, Y, Z)
    mask : bool array, shape (X, Y, Z)
        Voxels to delete, in all maps.
    random : Generator

    Returns
    -------
    float array, shape (STEPS + 1,)
        Output minus that of the average brain, counted in the direction of the person's own,
        after 0, 1 / STEPS, ... and all of the voxels were deleted (set to 0).
    float array, shape (STEPS + 1,)
        The same, deleted in random order.
    """
    whole, none = (float(value) for value in output(np.stack([inputs, 0 * inputs])))
    sign = -1.0 if whole < none else 1.0
    voxels = np.flatnonzero(np.broadcast_to(mask, inputs.shape).ravel())
    shuffled = random.permutation(voxels)
    values = sign * attribution.ravel()[shuffled]
    orders = (shuffled[np.argsort(-values, kind="stable")], shuffled)  # ties in random order
    kept = []
    for order in orders:
        drops = [sign * (whole - none)]
        for step in range(1, STEPS):
            left = inputs.ravel().copy()
            left[order[: round(step * len(order) / STEPS)]] = 0
            drops.append(sign * (float(output(left.reshape(1, *inputs.shape))[0]) - none))
        kept.append(np.array([*drops, 0.0]))
    return kept[0], kept[1]


def deletion_of_instances(
    output: Callable[[NDArray[np.float32]], Floats],
    instances: NDArray[np.float32],
    attribution: Floats,
    mask: NDArray[np.bool_],
    random: np.random.Generator,
) -> tuple[Floats, Floats]:
    """`deletion_drops` of a person whose output is the mean over windows or slices.

    What is deleted first is what speaks most for the output among the voxels of all instances.

    Parameters
    ----------
    output : callable
        From instances, shape (n, ...), to one number each; 0 is the average instance.
    instances, attribution : arrays, shape (n, ...)
        Of one person, and the map of each instance.
    mask : bool array, shape of an instance
    random : Generator
    """

    def mean(people: NDArray[np.float32]) -> Floats:
        return np.array([np.mean(output(person), dtype=np.float64) for person in people])

    return deletion_drops(mean, instances, attribution, mask, random)


def deletion_area(drops: Sequence[Floats]) -> float:
    """Area under the curve of `deletion_drops`, summed over people and divided by its start.

    The lower, the sooner the output is gone: 0.5 if it goes evenly, below 0 if what is left then
    speaks for the contrary. 0 where the outputs are those of the average brain.
    """
    curve = np.sum(drops, axis=0)
    return float(np.trapezoid(curve / curve[0], dx=1 / STEPS)) if curve[0] > 0 else 0.0


def shares(
    attribution: Floats, mask: NDArray[np.bool_], regions: Mapping[str, NDArray[np.bool_]]
) -> dict[str, tuple[float, float]]:
    """Share of the attribution, and of the voxels, that is in each region.

    Parameters
    ----------
    attribution : float array, shape (n_maps, X, Y, Z)
        Signs are left out.
    mask : bool array, shape (X, Y, Z)
        Voxels that the model sees.
    regions : mapping of bool array, shape (X, Y, Z)
        Those without a voxel in the mask are left out.

    Returns
    -------
    dict
        By region: share of the attribution (0 if there is none), share of the mask.
    """
    size = np.abs(attribution).sum(axis=0, dtype=np.float64) * mask
    total, n_voxels = float(size.sum()), int(mask.sum())
    found = {}
    for name, region in regions.items():
        inside = region & mask
        if inside.any():
            share = float(size[inside].sum()) / total if total > 0 else 0.0
            found[name] = (share, float(inside.sum()) / n_voxels)
    return found


def inside_auc(attribution: Floats, mask: NDArray[np.bool_], region: NDArray[np.bool_]) -> float:
    """Chance that a voxel of a region has more attribution than one outside (0.5: no more).

    Sizes are summed over maps.

    Raises
    ------
    ValueError
        The mask has no voxel inside the region, or none outside.
    """
    size = np.abs(attribution).sum(axis=0, dtype=np.float64)[mask]
    inside = region[mask]
    n_in, n_out = int(inside.sum()), int((~inside).sum())
    if not n_in or not n_out:
        raise ValueError("the mask needs voxels inside and outside the region")
    ranks = rankdata(size)[inside].sum()
    return float((ranks - n_in * (n_in + 1) / 2) / (n_in * n_out))
