"""Where two groups of people differ: t-map, clusters, and their table.

A cluster is a set of voxels above the threshold that share a face, an edge or a corner (26
neighbours), of one sign. The paper's uncorrected threshold is shown beside a correction for the
many voxels: permutation of the largest cluster, people exchanged by the method of Freedman and
Lane. Own code, because `nilearn.mass_univariate.permuted_ols` joins voxels by faces alone and
measures the mass of every cluster on the whole volume, at each permutation.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from nibabel.affines import apply_affine
from numpy.typing import NDArray
from scipy import ndimage, stats

from motor_bids_app.errors import DataError, EmptyRegionError
from motor_bids_app.spaces.atlases import Atlas
from motor_bids_app.spaces.grids import Grid

Floats = NDArray[np.float64]
SMALLEST_CLUSTER = 50  # voxels, as published
P_THRESHOLD = 0.05  # two-sided, per voxel, as published
_LEAST_SHARE = 0.8  # of people that must have a value in a voxel
_NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)
_TOGETHER = 64  # permutations of one matrix product
_COLUMNS = (
    "higher_in",
    "x",
    "y",
    "z",
    "voxels",
    "peak_t",
    "region",
    "p_uncorrected",
    "p_corrected",
)


@dataclass(frozen=True, eq=False)
class Contrast:
    """Difference between two groups, adjusted for covariates.

    Parameters
    ----------
    t : array, shape (X, Y, Z), float64
        Positive where the second group is higher; 0 where it was not tested.
    tested : array of bool, shape (X, Y, Z)
    threshold : float
        Of |t|.
    degrees_of_freedom : int
    largest : array of int, shape (n_permutations,)
        Voxels of the largest cluster of either sign, people permuted.
    """

    t: Floats
    tested: NDArray[np.bool_]
    threshold: float
    degrees_of_freedom: int
    largest: NDArray[np.intp]

    def p_corrected(self, voxels: int) -> float:
        """(b + 1) / (m + 1), b of m permutations having a cluster as large."""
        return (int((self.largest >= voxels).sum()) + 1) / (len(self.largest) + 1)


def contrast_groups(
    maps: NDArray[np.floating],
    group: NDArray[np.bool_],
    covariates: NDArray[np.floating],
    mask: NDArray[np.bool_],
    *,
    n_permutations: int = 1000,
    seed: int = 0,
) -> Contrast:
    """Two-sample t-map between groups, and the largest cluster when people are permuted.

    Ordinary least squares of each voxel on group, covariates and a constant. For permutations,
    what the covariates explain is taken out of the maps, whole maps are exchanged among people,
    and the full model is fitted again (Freedman and Lane 1983, Winkler et al. 2014).

    Parameters
    ----------
    maps : array, shape (n_people, voxels)
        Values in the voxels of `mask`, NaN inside a person's lesion. Voxels where a fifth of the
        people or more have none are not tested; elsewhere the mean of the others stands in,
        which draws t towards 0 as the smaller sample would.
    group : array of bool, shape (n_people,)
        The second group.
    covariates : array, shape (n_people, n_covariates)
        Such as age, sex and duration of illness; without a constant.
    mask : array of bool, shape (X, Y, Z)
    n_permutations, seed : int

    Raises
    ------
    DataError
        There are too few people, or group and covariates cannot be told apart.
    EmptyRegionError
        No voxel has values of enough people.
    """
    effect, nuisance = _design(group, covariates)
    values, enough = _filled(np.asarray(maps, dtype=np.float64))
    residuals = values - nuisance @ (nuisance.T @ values)
    freedom = len(group) - nuisance.shape[1] - 1
    varies = (residuals**2).sum(axis=0) > 1e-20 * np.maximum((values**2).sum(axis=0), 1e-30)
    tested = np.zeros(mask.shape, dtype=bool)
    tested[mask] = enough
    tested[tested] = varies
    residuals = residuals[:, varies]
    if not tested.any():
        raise EmptyRegionError(
            "No voxel varies among people and has a value in four fifths of them. Check the maps."
        )
    threshold = float(stats.t.isf(P_THRESHOLD / 2, freedom))
    t = np.zeros(mask.shape)
    identity = np.arange(len(group))[None]
    t[tested] = _t_values(effect, nuisance, residuals, freedom, identity)[0]
    generator = np.random.default_rng(seed)
    largest = np.zeros(n_permutations, dtype=np.intp)
    for start in range(0, n_permutations, _TOGETHER):
        count = min(_TOGETHER, n_permutations - start)
        orders = generator.permuted(np.tile(identity, (count, 1)), axis=1)
        permuted = _t_values(effect, nuisance, residuals, freedom, orders)
        for number, values_of_one in enumerate(permuted, start):
            largest[number] = _largest(values_of_one, tested, threshold)
    return Contrast(t, tested, threshold, freedom, largest)


def cluster_table(
    contrast: Contrast, grid: Grid, atlas: Atlas, groups: tuple[str, str]
) -> pd.DataFrame:
    """Clusters of 50 voxels or more, the largest first, with their peaks.

    Parameters
    ----------
    contrast : Contrast
    grid, atlas : Grid, Atlas
        Those of the maps.
    groups : tuple of str
        Names of the first and the second group.

    Returns
    -------
    DataFrame
        `higher_in` (group), `x`, `y`, `z` (mm, of the peak), `voxels`, `peak_t`, `region` of the
        peak, `p_uncorrected` of the peak and `p_corrected` of the cluster's size.
    """
    labels_of_atlas = np.asarray(atlas.labels.dataobj)
    rows = []
    for sign, name in ((-1, groups[0]), (1, groups[1])):
        labels, count = ndimage.label(sign * contrast.t > contrast.threshold, _NEIGHBOURS)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        for number in np.flatnonzero(sizes[1:] >= SMALLEST_CLUSTER) + 1:
            inside = np.argwhere(labels == number)
            heights = contrast.t[tuple(inside.T)]
            peak = inside[np.abs(heights).argmax()]
            t, size = float(contrast.t[tuple(peak)]), int(sizes[number])
            region = atlas.names.get(int(labels_of_atlas[tuple(peak)]), "outside the regions")
            place = apply_affine(grid.affine, peak)
            p = 2 * float(stats.t.sf(abs(t), contrast.degrees_of_freedom))
            rows.append((name, *place, size, t, region, p, contrast.p_corrected(size)))
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    return table.sort_values(["voxels", "peak_t"], ascending=False, ignore_index=True)


def _design(group: NDArray[np.bool_], covariates: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """What of the group covariates do not explain, of length 1, and a basis of the covariates."""
    n = len(group)
    others = np.asarray(covariates, dtype=np.float64).reshape(n, -1)
    if not np.isfinite(others).all():
        raise DataError("A covariate is missing. Leave that person out, or that covariate.")
    # Columns of one size, so that years and months do not decide which are dependent.
    spread = others.std(axis=0)
    centred = (others - others.mean(axis=0)) / np.where(spread > 0, spread, 1)
    basis, sizes, _ = np.linalg.svd(np.column_stack([np.ones(n), centred]), full_matrices=False)
    nuisance = basis[:, sizes > 1e-8 * sizes[0]]
    sides = np.asarray(group, dtype=np.float64)
    effect = sides - nuisance @ (nuisance.T @ sides)
    if n - nuisance.shape[1] < 3 or min(sides.sum(), n - sides.sum()) < 2:
        raise DataError(
            f"{int(n - sides.sum())} and {int(sides.sum())} people are too few to compare with "
            f"{others.shape[1]} covariates."
        )
    length = float(np.linalg.norm(effect))
    if length < 1e-6 * np.sqrt(n):
        raise DataError("The covariates separate the groups completely: leave one of them out.")
    return effect / length, nuisance


def _filled(maps: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Voxels that enough people have, missing ones as the mean of others, and which they are."""
    present = np.isfinite(maps)
    enough = present.mean(axis=0) > _LEAST_SHARE
    maps, present = maps[:, enough], present[:, enough]
    mean = np.where(present, maps, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    return np.where(present, maps, mean), enough


def _t_values(
    effect: Floats,
    nuisance: Floats,
    residuals: Floats,
    freedom: int,
    orders: NDArray[np.intp],
) -> Floats:
    """Return t of the effect in each voxel, for each order of people, shape (n_orders, voxels).

    Permuting the rows of the design backwards is permuting people, and costs one product with
    the maps for all orders.
    """
    squares = (residuals**2).sum(axis=0)
    backwards = np.argsort(orders, axis=1)
    slopes = effect[backwards] @ residuals
    explained = np.zeros_like(slopes)
    for column in nuisance.T:
        explained += (column[backwards] @ residuals) ** 2
    rest = np.maximum(squares - explained - slopes**2, 1e-12 * squares)
    return np.asarray(slopes * np.sqrt(freedom / rest))


def _largest(values: Floats, tested: NDArray[np.bool_], threshold: float) -> int:
    """Voxels of the largest cluster of either sign."""
    t = np.zeros(tested.shape)
    t[tested] = values
    largest = 0
    for above in (t > threshold, t < -threshold):
        labels, count = ndimage.label(above, _NEIGHBOURS)
        if count:
            largest = max(largest, int(np.bincount(labels[above]).max()))
    return largest
