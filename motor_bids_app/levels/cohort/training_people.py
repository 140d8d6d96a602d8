"""What a bundle says about the people it was trained on: moments and keyed hashes."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from motor_bids_app.evaluation.domain import Domain, learn_domain, map_levels
from motor_bids_app.features.disconnection_columns import DISCONNECTION
from motor_bids_app.features.fingerprints import SealedImages
from motor_bids_app.levels.cohort.cohort import Cohort
from motor_bids_app.levels.cohort.instances import instance_images
from motor_bids_app.models.catalog import needs
from motor_bids_app.models.tables.columns import LESION_COLUMNS, OWN

_FACTS = ("age", "time_since_stroke", "lesion_volume")
_OF_PATIENTS = LESION_COLUMNS | {"time_since_stroke"}  # a control has none, rather than 0


def describe_people(cohort: Cohort, model: str) -> dict[str, Any]:
    """Training people in numbers: counts, the domain of the model, and its sealed images."""
    table, volumes = cohort.samples.table, cohort.samples.volumes
    people = table.drop_duplicates("participant_id")
    n_controls = int(cohort.controls.sum())
    classify = cohort.outcome.cutoff is not None
    images = [
        *([] if volumes is None else volumes.images),
        *instance_images(cohort.samples.instances),
    ]
    return {
        "n_people": len(people),
        "n_scans": len(table),
        "n_controls": n_controls,
        "n_patients": len(people) - n_controls,
        "n_poor": int(cohort.labels.truth.sum()) if classify else None,
        "n_male": int((people["sex"] == 1).sum()) if "sex" in people else None,
        "domain": model_domain(cohort, model).to_json(),
        "images": SealedImages.of(images).to_json(),
    }


def model_domain(cohort: Cohort, model: str) -> Domain:
    """Where the people of a cohort lie in what describes them, and in what a model sees."""
    table, volumes = cohort.samples.table, cohort.samples.volumes
    people = table["participant_id"].to_numpy(dtype=object)
    facts, features = quantities(table, model)
    # An answer or a category is 0 or 1, and a rare one lies far from the mean: it is not strange.
    answers = [
        n for n in features if re.fullmatch(OWN, str(n)) and set(features[n].dropna()) <= {0, 1}
    ]
    features = features.drop(columns=answers)
    levels = pd.DataFrame(index=table.index)
    if volumes is not None and needs(model).volumes:
        levels = map_levels(volumes, cohort.mask).set_index(table.index)
    facts, features, levels = (part.groupby(people).mean() for part in (facts, features, levels))
    sites = table["site"].dropna().astype(str) if "site" in table else pd.Series(dtype=str)
    return learn_domain(facts, features, levels, sites.to_numpy(dtype=object))


def quantities(table: pd.DataFrame, model: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Facts of each scan's person, and the other numeric columns that a model reads."""
    facts = [name for name in _FACTS if name in table]
    read = [name for name in needs(model).chosen(table) if name not in (*_FACTS, "sex")]
    # Most lesions cut none of most bundles: a normal range of such shares would exclude many who
    # are like those of training, and how large a lesion is stands among the facts.
    read = [name for name in read if not re.fullmatch(DISCONNECTION, name)]
    numbers = table[[*facts, *read]].astype(float)
    for name in _OF_PATIENTS.intersection(numbers.columns):
        numbers[name] = numbers[name].where(table["group"] != "control", np.nan)
    return numbers[facts], numbers[read]


def person_values(
    row: pd.DataFrame, model: str, levels: pd.DataFrame
) -> Mapping[str, Mapping[str, float]]:
    """Values of one scan as `Domain.findings` wants them; `row` and `levels` have one row."""
    facts, features = quantities(row, model)
    alone = {str(name): {str(name): float(facts[name].iloc[0])} for name in facts}
    return alone | {
        kind: {str(name): float(part[name].iloc[0]) for name in part}
        for kind, part in (("features", features), ("maps", levels))
    }
