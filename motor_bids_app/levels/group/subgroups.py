"""Parts of a cohort that results are reported for, and what is missing in it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.completeness import missing_table
from motor_bids_app.models.catalog import needs
from motor_bids_app.privacy import OLDEST

Members = NDArray[np.bool_]
_PHASES = (  # months; Bernhardt et al. 2017, Int J Stroke 12:444
    ("up to 3 months", 0, 3),
    ("3 to 6 months", 3, 6),
    ("more than 6 months (chronic)", 6, np.inf),
)
UNKNOWN = "unknown"


def subgroups_of(cohort: Cohort) -> dict[tuple[str, str], Members]:
    """Divide the patients by what is known of them; controls are in the last row only.

    Returns
    -------
    dict
        Members, shape (n_people,) in the order of ``cohort.labels.truth``, by (characteristic,
        group): all patients, sex, age below or from the median on, side of the lesion, time since
        stroke, site.
    """
    table = cohort.samples.table
    first = table.groupby("participant_id").first().reindex(cohort.labels.truth.index)
    return divided(first, ~cohort.controls.to_numpy(dtype=bool))


def divided(first: pd.DataFrame, patients: Members) -> dict[tuple[str, str], Members]:
    """Members of each part, of people with one row each; see `subgroups_of`."""
    groups = {("everyone", "patients"): patients}
    parts = {
        "sex": _named(first, "sex", {0.0: "female", 1.0: "male"}),
        "age": _by_age(first, patients),
        "lesion side": _named(first, "lesion_side", {}),
        "time since stroke": _by_time(first),
        "site": _named(first, "site", {}),
    }
    for characteristic, names in parts.items():
        if (names[patients] == UNKNOWN).all():
            continue
        for name in sorted(set(names[patients]), key=lambda name: (name == UNKNOWN, name)):
            groups[characteristic, name] = patients & (names == name)
    if not patients.all():
        groups["everyone", "patients and controls"] = np.ones(len(first), dtype=bool)
    return groups


def missing_of(cohort: Cohort, models: Sequence[str]) -> pd.DataFrame:
    """Count what people lack of all that models may see; see `missing_table`."""
    table, volumes = cohort.samples.table, cohort.samples.volumes
    regional = needs("regional").chosen(table) if "regional" in models else ()
    present = None if volumes is None else volumes.present
    instances = {kind: each.counts > 0 for kind, each in cohort.samples.instances.items()}
    return missing_table(table, present, cohort.maps, regional, instances)


def _named(people: pd.DataFrame, column: str, words: dict[float, str]) -> NDArray[np.object_]:
    if column not in people:
        return np.full(len(people), UNKNOWN, dtype=object)
    values = people[column]
    return np.array(
        [UNKNOWN if pd.isna(value) else words.get(value, str(value)) for value in values],
        dtype=object,
    )


def _by_age(people: pd.DataFrame, patients: Members) -> NDArray[np.object_]:
    if "age" not in people or people["age"][patients].isna().all():
        return np.full(len(people), UNKNOWN, dtype=object)
    age = people["age"].to_numpy(dtype=float, na_value=np.nan)
    median = min(float(np.nanmedian(age[patients])), OLDEST)
    named = np.where(age < median, f"below {median:g} years", f"{median:g} years or more")
    return np.where(np.isnan(age), UNKNOWN, named).astype(object)


def _by_time(people: pd.DataFrame) -> NDArray[np.object_]:
    named = np.full(len(people), UNKNOWN, dtype=object)
    if "time_since_stroke" in people:
        months = people["time_since_stroke"].to_numpy(dtype=float, na_value=np.nan)
        for name, low, high in _PHASES:
            named[(months > low) & (months <= high)] = name
        named[months == 0] = _PHASES[0][0]
    return named
