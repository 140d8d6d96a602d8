"""Score tables as people keep them: other names, codes and units, and gaps."""

from typing import Any

import numpy as np
import pandas as pd

MISSING_SHARE = 0.05  # of ages and scores
_DAYS_PER_MONTH = 365.25 / 12
_OTHER_SIDE = {"left": "right", "right": "left"}
_CODES = {
    "group": {"patient": "PAT", "control": "HC"},
    "sex": {"F": "1", "M": "2"},
}
_NAMES = {
    "group": "Cohort",
    "age": "Age_years",
    "sex": "Gender",
    "site": "Centre",
    "lesion_side": "affected_hand",
    "time_since_stroke": "days_post_stroke",
    "fma_ue": "FMA-UE",
}
_DICTIONARY: dict[str, dict[str, Any]] = {
    "Cohort": {
        "Description": "Cohort",
        "Levels": {"PAT": "stroke patient", "HC": "healthy control"},
    },
    "Age_years": {"Description": "Age at the scan", "Units": "years"},
    "Gender": {"Description": "Gender", "Levels": {"1": "female", "2": "male"}},
    "Centre": {"Description": "Study centre"},
    "affected_hand": {
        "Description": "Paretic hand",
        "Levels": {"left": "left hand", "right": "right hand"},
    },
    "days_post_stroke": {"Description": "Time since the stroke", "Units": "days"},
    "FMA-UE": {"Description": "Fugl-Meyer Assessment of the arm, 0 to 66", "Units": "points"},
}


def make_dirty(
    table: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    """Say the same in the words of another lab, with a few ages and scores missing.

    Nothing is contradictory or undeclared: the table means what the clean one does.

    Parameters
    ----------
    table : DataFrame
        Any of the columns group, age, sex, site, lesion_side, time_since_stroke (months) and
        fma_ue; others stay as they are.

    Returns
    -------
    DataFrame, dict
        The table, and what its new columns mean.
    """
    dirty = table.copy()
    for name in ("age", "fma_ue"):
        if name in dirty:
            dirty[name] = dirty[name].astype(float).mask(rng.random(len(dirty)) < MISSING_SHARE)
    for name, codes in _CODES.items():
        if name in dirty:
            dirty[name] = dirty[name].map(codes)
    if "lesion_side" in dirty:
        dirty["lesion_side"] = dirty["lesion_side"].map(_OTHER_SIDE)
    if "time_since_stroke" in dirty:
        dirty["time_since_stroke"] = (dirty["time_since_stroke"] * _DAYS_PER_MONTH).round()
    dirty = dirty.rename(columns=_NAMES)
    return dirty, {name: _DICTIONARY[name] for name in dirty.columns if name in _DICTIONARY}
