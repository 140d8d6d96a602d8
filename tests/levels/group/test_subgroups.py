"""Parts of a cohort: patients by what is known of them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from motor_bids_app.levels.group.subgroups import UNKNOWN, subgroups_of


def cohort(**columns):
    """Eight people with one scan each, the last two healthy."""
    n = 8
    people = pd.Index([f"sub-{k}" for k in range(n)], name="participant_id")
    table = pd.DataFrame({"participant_id": people, **columns})
    return SimpleNamespace(
        samples=SimpleNamespace(table=table),
        labels=SimpleNamespace(truth=pd.Series(0.0, index=people)),
        controls=pd.Series([False] * 6 + [True] * 2, index=people),
    )


def members(groups, characteristic):
    return {
        name: np.flatnonzero(who).tolist()
        for (by, name), who in groups.items()
        if by == characteristic
    }


def test_patients_are_divided_and_controls_are_in_one_row_only():
    groups = subgroups_of(
        cohort(sex=[0, 0, 1, 1, 1, np.nan, 0, 1], site=["b", "a", "b", "a", "b", None, "a", "a"])
    )

    assert members(groups, "everyone") == {
        "patients": list(range(6)),
        "patients and controls": list(range(8)),
    }
    assert members(groups, "sex") == {"female": [0, 1], "male": [2, 3, 4], UNKNOWN: [5]}
    assert members(groups, "site") == {"a": [1, 3], "b": [0, 2, 4], UNKNOWN: [5]}


def test_age_is_divided_at_the_median_of_the_patients():
    groups = subgroups_of(cohort(age=[40, 50, 60, 70, 80, np.nan, 20, 20]))
    assert members(groups, "age") == {
        "60 years or more": [2, 3, 4],
        "below 60 years": [0, 1],
        UNKNOWN: [5],
    }


def test_chronicity_is_told_in_months():
    groups = subgroups_of(cohort(time_since_stroke=[0, 3, 3.1, 6, 7, np.nan, np.nan, np.nan]))
    assert members(groups, "time since stroke") == {
        "up to 3 months": [0, 1],
        "3 to 6 months": [2, 3],
        "more than 6 months (chronic)": [4],
        UNKNOWN: [5],
    }


def test_what_nobody_has_divides_nobody():
    groups = subgroups_of(cohort(sex=np.nan, lesion_side=["left"] * 3 + ["right"] * 5))
    assert {by for by, _ in groups} == {"everyone", "lesion side"}


def test_every_patient_is_in_one_group_of_each_kind():
    groups = subgroups_of(
        cohort(age=[1, 2, 2, 2, 2, 9, 5, 5], time_since_stroke=[1, 2, 4, 5, 90, 6, 1, 1])
    )
    for by in ("age", "time since stroke"):
        counts = np.sum([who for (kind, _), who in groups.items() if kind == by], axis=0)
        assert counts.tolist() == [1] * 6 + [0] * 2
