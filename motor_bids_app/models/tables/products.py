"""Inner products of people, as the linear models see them, for tests that fit thousands of times.

Only what is learned without labels is learned here, in each training fold anew: means, scales,
fillings for missing values.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.features.lesion_views import VIEWS
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.catalog import OWN_RUNGS, needs
from motor_bids_app.models.networks.inputs import map_columns, volumes_of
from motor_bids_app.models.tables.blocks import Scaling
from motor_bids_app.models.tables.centring import Centring
from motor_bids_app.models.tables.classical import scaling_steps
from motor_bids_app.models.tables.columns import numeric_columns
from motor_bids_app.models.tables.disconnection import disconnection_features, feature_columns
from motor_bids_app.models.tables.dual import PENALTIES
from motor_bids_app.models.tables.harmonisation import ComBat, kept_covariates, sites_of
from motor_bids_app.models.tables.lesion_maps import with_views

Array = NDArray[np.float64]
Positions = NDArray[np.intp]
FoldProducts = Callable[[Positions, Positions], tuple[Array, Array]]
UNLIKE = (
    "rbf",
    "boosting",
    "nuisance",
    "lesion_gp",
)  # that are not linear, or learn their columns
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
        "combat" makes the sites of regional features alike, as in `TableClassifier`.

    Returns
    -------
    callable and tuple, or None
        From positions of k fitting and n judged people to products (k, k) and (n, k). None for
        a model that is not linear in its inputs, or has none.
    """
    needed = needs(name)
    shares = _shares(samples, people)
    columns = needed.chosen(samples.table)
    if name in ("lesion_map", "own_lesion_map"):
        return _of_maps(with_views(samples), shares, VIEWS, mask, columns), PENALTIES
    if name in ("kernel", "kernel_demographics", "own_kernel"):
        return _of_maps(samples, shares, maps, mask, columns), PENALTIES
    if needed.volumes or name in UNLIKE or not (needed.columns or needed.pattern):
        return None
    if name in OWN_RUNGS:
        return _of_blocks(samples, shares, columns), PENALTIES
    few = not needed.pattern
    combat = harmonise == "combat" and not few
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
) -> FoldProducts:
    volumes = volumes_of(samples)
    columns = map_columns(volumes, tuple(maps) or volumes.maps)
    counts = shares @ volumes.present[:, columns]
    present = counts > 0
    grams = np.stack(
        [
            _average(gram, shares * volumes.present[:, column], counts[:, [k]])
            for k, (column, gram) in enumerate(
                zip(columns, volumes.gram(mask)[columns], strict=True)
            )
        ]
    )
    own = _by_person(numeric_columns(samples, beside), shares) if beside else None

    def products(fit: Positions, judged: Positions) -> tuple[Array, Array]:
        every, has = grams, present
        if own is not None:
            blocks, known = Scaling.of(own[fit], beside).by_block(own)
            every, has = np.concatenate([grams, blocks]), np.hstack([present, known])
        within = every[:, fit[:, None], fit]
        centring = Centring(within, has[fit])
        across = every[:, judged[:, None], fit]
        return centring(within, has[fit]), centring(across, has[judged])

    return products


def _of_blocks(samples: Samples, shares: Array, columns: tuple[str, ...]) -> FoldProducts:
    """As `models.tables.own` compares people."""
    table = _by_person(disconnection_features(samples, columns), shares)
    names = feature_columns(columns)

    def products(fit: Positions, judged: Positions) -> tuple[Array, Array]:
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


def _of_columns(
    samples: Samples, shares: Array, columns: tuple[str, ...], few: bool, combat: bool
) -> FoldProducts:
    table = _by_person(disconnection_features(samples, columns), shares)
    kept = _by_person(kept_covariates(samples), shares)
    sites = sites_of(samples)[shares.argmax(axis=1)]  # of the first scan

    def products(fit: Positions, judged: Positions) -> tuple[Array, Array]:
        ours: Any = table[fit]
        theirs: Any = table[judged]
        if combat:
            alike = ComBat().fit(ours, sites[fit], kept[fit])
            ours = alike.transform(ours, sites[fit], kept[fit])
            theirs = alike.transform(theirs, sites[judged], kept[judged])
        for step in scaling_steps():
            ours = step.fit_transform(ours)
            theirs = step.transform(theirs)
        size = 1 if few else ours.shape[1]  # many columns: a mean square distance of 1
        return ours @ ours.T / size, theirs @ ours.T / size

    return products
