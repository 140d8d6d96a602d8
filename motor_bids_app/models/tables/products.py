"""Inner products of people, as the linear models see them, for tests that fit thousands of times.

Only what is learned without labels is learned here, in each training fold anew: means, scales,
fillings for missing values.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.features.columns import are_regional
from motor_bids_app.features.lesion_views import VIEWS
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import Volumes
from motor_bids_app.models.catalog import OWN_RUNGS, can_harmonise, needs
from motor_bids_app.models.networks.inputs import map_columns, volumes_of
from motor_bids_app.models.tables.blocks import Scaling
from motor_bids_app.models.tables.centring import Centring
from motor_bids_app.models.tables.classical import scaling_steps
from motor_bids_app.models.tables.columns import numeric_columns
from motor_bids_app.models.tables.disconnection import disconnection_features, feature_columns
from motor_bids_app.models.tables.dual import PENALTIES
from motor_bids_app.models.tables.harmonisation import ComBat, kept_covariates, sites_of
from motor_bids_app.models.tables.harmonised_maps import MapComBat
from motor_bids_app.models.tables.lesion_maps import with_views

Array = NDArray[np.float64]
Positions = NDArray[np.intp]


class FoldProducts(Protocol):
    """Products of k fitting people with each other, (k, k), and of n judged ones with them."""

    def __call__(
        self, fit: Positions, judged: Positions, outer: Positions | None = None
    ) -> tuple[Array, Array]:
        """Return products of people at positions.

        Sites are made alike by the people at `outer` where that is given, of whom those who fit
        are a part: the training people of the fold that an inner fold belongs to.
        """
        ...


UNLIKE = (
    "rbf",
    "boosting",
    "nuisance",
    "lesion_gp",
)  # that are not linear, or learn their columns
_KEPT_FOLDS = 10  # whose harmonised maps are not read again
ONE_PERSON = (1.0,)  # penalty of the models of few columns


def linear_products(
    name: str,
    samples: Samples,
    people: Sequence[str],
    maps: tuple[str, ...] = (),
    mask: NDArray[np.bool_] | None = None,
    harmonise: str = "none",
) -> tuple[FoldProducts, tuple[float, ...]] | None:
    """Return how a rung of the ladder compares people, and the penalties it chooses from.

    Scans of a person are averaged. The elastic net stands in as a ridge on the same columns.

    Parameters
    ----------
    name : str
        Model of the catalog.
    samples : Samples
    people : sequence of str
        Participant labels in the order of positions.
    maps, mask
        As of `build_model`.
    harmonise : str
        "combat" makes sites alike in maps and in columns that sites shift, as the models do.

    Returns
    -------
    FoldProducts and tuple, or None
        None for a model that is not linear in its inputs, or has none.
    """
    needed = needs(name)
    shares = _shares(samples, people)
    columns = needed.chosen(samples.table)
    if name in ("lesion_map", "own_lesion_map"):
        return _of_maps(with_views(samples), shares, VIEWS, mask, columns), PENALTIES
    combat = harmonise == "combat" and can_harmonise(name)
    if name in ("kernel", "kernel_demographics", "own_kernel"):
        return _of_maps(samples, shares, maps, mask, columns, combat), PENALTIES
    if needed.volumes or name in UNLIKE or not (needed.columns or needed.pattern):
        return None
    if name in OWN_RUNGS:
        return _of_blocks(samples, shares, columns, combat), PENALTIES
    few = not needed.pattern
    return _of_columns(samples, shares, columns, few, combat), ONE_PERSON if few else PENALTIES


def stands_in(name: str, task: str) -> bool:
    """Whether what `linear_products` compares people for is another model than the one named.

    A ridge regression takes the place of a logistic regression, on the classes as 0 and 1, and of
    an elastic net. Ridge regressions of scores, on few columns, bundles or maps, are themselves.
    """
    ridge = name == "disconnection" or name in OWN_RUNGS
    return task == "classification" or (bool(needs(name).pattern) and not ridge)


def _shares(samples: Samples, people: Sequence[str]) -> Array:
    """1 where a scan is of a person, shape (n_people, n_scans)."""
    return (np.asarray(people, dtype=str)[:, None] == samples.participants).astype(np.float64)


def _of_maps(
    samples: Samples,
    shares: Array,
    maps: tuple[str, ...],
    mask: NDArray[np.bool_] | None,
    beside: tuple[str, ...],
    combat: bool = False,
) -> FoldProducts:
    volumes = volumes_of(samples)
    names = tuple(maps) or volumes.maps
    columns = map_columns(volumes, names)
    counts = shares @ volumes.present[:, columns]
    present = counts > 0
    own = _by_person(numeric_columns(samples, beside), shares) if beside else None

    def grams_of(seen: Volumes) -> Array:
        found = seen.gram(mask)[columns]
        has = shares[None] * volumes.present[:, columns].T[:, None]
        return np.stack(
            [_average(*one) for one in zip(found, has, counts.T[..., None], strict=True)]
        )

    @lru_cache(_KEPT_FOLDS)
    def harmonised(people: tuple[int, ...]) -> Array:
        scans = shares[list(people)].any(axis=0)
        return grams_of(MapComBat().fit(samples[scans], names, mask).transform(samples))

    whole = None if combat else grams_of(volumes)

    def products(
        fit: Positions, judged: Positions, outer: Positions | None = None
    ) -> tuple[Array, Array]:
        learned = fit if outer is None else outer
        every, has = harmonised(tuple(learned.tolist())) if whole is None else whole, present
        if own is not None:
            blocks, known = Scaling.of(own[fit], beside).by_block(own)
            every, has = np.concatenate([every, blocks]), np.hstack([present, known])
        within = every[:, fit[:, None], fit]
        centring = Centring(within, has[fit])
        across = every[:, judged[:, None], fit]
        return centring(within, has[fit]), centring(across, has[judged])

    return products


def _of_blocks(
    samples: Samples, shares: Array, columns: tuple[str, ...], combat: bool
) -> FoldProducts:
    """As `models.tables.own` compares people."""
    names = feature_columns(columns)
    alike = _alike_by_fold(
        samples, shares, columns, np.array(are_regional(names), dtype=bool) & combat
    )

    def products(
        fit: Positions, judged: Positions, outer: Positions | None = None
    ) -> tuple[Array, Array]:
        table = alike(fit if outer is None else outer)
        scaling = Scaling.of(table[fit], names)
        ours, theirs = scaling(table[fit]), scaling(table[judged])
        within, everyone = (ours @ ours.T)[None], np.ones((len(table), 1), dtype=bool)
        centring = Centring(within, everyone[fit])
        across = (theirs @ ours.T)[None]
        return centring(within, everyone[fit]), centring(across, everyone[judged])

    return products


def _average(gram: Array, shares: Array, counts: Array) -> Array:
    weights = shares / np.maximum(counts, 1)
    return np.asarray(weights @ gram @ weights.T)


def _by_person(values: Array, shares: Array) -> Array:
    """Mean of each person's known values, NaN where there is none, shape (n_people, n_columns)."""
    counts = shares @ ~np.isnan(values)
    sums = shares @ np.nan_to_num(values)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _alike_by_fold(
    samples: Samples, shares: Array, columns: tuple[str, ...], measured: NDArray[np.bool_]
) -> Callable[[Positions], Array]:
    """Return what gives all people's columns, those measured made alike by people at positions."""
    table = _by_person(disconnection_features(samples, columns), shares)
    kept = _by_person(kept_covariates(samples), shares)
    sites = sites_of(samples)[shares.argmax(axis=1)]  # of the first scan

    def alike(learned: Positions) -> Array:
        if not measured.any():
            return table
        values, changed = table[:, measured], table.copy()
        combat = ComBat().fit(values[learned], sites[learned], kept[learned])
        changed[:, measured] = combat.transform(values, sites, kept)
        return changed

    return alike


def _of_columns(
    samples: Samples, shares: Array, columns: tuple[str, ...], few: bool, combat: bool
) -> FoldProducts:
    names = feature_columns(columns)
    alike = _alike_by_fold(samples, shares, columns, np.full(len(names), combat))

    def products(
        fit: Positions, judged: Positions, outer: Positions | None = None
    ) -> tuple[Array, Array]:
        table: Any = alike(fit if outer is None else outer)
        ours, theirs = table[fit], table[judged]
        for step in scaling_steps():
            ours = step.fit_transform(ours)
            theirs = step.transform(theirs)
        size = 1 if few else ours.shape[1]  # many columns: a mean square distance of 1
        return ours @ ours.T / size, theirs @ ours.T / size

    return products
