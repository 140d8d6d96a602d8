"""Whether the site can be told from what models read, before and after sites were made alike."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.evaluation.leakage import Row
from motor_bids_app.evaluation.permutation import permutation_test
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.features.columns import REGIONAL
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.models.catalog import can_harmonise, needs
from motor_bids_app.models.tables.harmonisation import MIN_SITE
from motor_bids_app.models.tables.products import linear_products

MAPS, REGIONS = "kernel", "regional"
TOLD = 0.7  # AUC from which on a site is told too well
_REPEATS = 2


def check_harmonisation(
    cohort: Cohort, experiment: Experiment, models: Sequence[str], seed: int
) -> Row | None:
    """Row of the audit on how well a linear model tells sites; None without harmonisation.

    The model is cross-validated, and sites are made alike within each of its training sets, as in
    the models of the experiment.
    """
    if experiment.inputs.harmonise == "none":
        return None
    name, check = "harmonisation", "sites cannot be told from what models read"
    read = {
        REGIONS: ("regional features", any(needs(name).pattern == REGIONAL for name in models)),
        MAPS: ("maps", any(needs(name).volumes and can_harmonise(name) for name in models)),
    }
    told, left = [], []
    for model, (what, is_read) in read.items():
        before = site_auc(cohort, model, "none", seed) if is_read else None
        after = site_auc(cohort, model, experiment.inputs.harmonise, seed) if is_read else None
        if before is not None and after is not None:
            told.append(f"from {what} with an AUC of {before:.2f}, and {after:.2f} after ComBat")
            left.append(after)
    if not told:
        return name, check, "not checked", "No two sites have enough people to tell.", None
    finding = f"Sites are identified {'; '.join(told)} (chance is 0.50)."
    if max(left) < TOLD:
        return name, check, "passed", finding, None
    finding += (
        " A model that reads these may recognise the site, and use site differences in outcome."
    )
    return name, check, "warning", finding, None


def site_auc(cohort: Cohort, model: str, harmonise: str, seed: int) -> float | None:
    """Mean AUC of each site against all others, out of fold; None of fewer than two sites."""
    people = [str(person) for person in cohort.labels.truth.index]
    sites: NDArray[np.str_] = cohort.sites.fillna("").to_numpy(dtype=str)
    names, counts = np.unique(sites[sites != ""], return_counts=True)
    usable = [str(name) for name, n in zip(names, counts, strict=True) if n >= 2 * MIN_SITE]
    found = linear_products(model, cohort.samples, people, cohort.maps, cohort.mask, harmonise)
    if found is None or len(usable) < 2:
        return None
    products, penalties = found
    values = [
        permutation_test(
            products,
            (sites == site).astype(np.float64),
            task="classification",
            penalties=penalties,
            controls=np.zeros(len(people), dtype=bool),
            n_permutations=0,
            repeats=_REPEATS,
            seed=seed,
        ).value
        for site in usable
    ]
    return float(np.mean(values))
