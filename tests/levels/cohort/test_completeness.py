"""What is missing is counted, and leaves people out only when asked to."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.experiments.reading import load_preset
from motor_bids_app.levels.cohort.completeness import (
    harmonisation_notes,
    incomplete,
    missing_table,
    wrong_seeds,
)

TABLE = pd.DataFrame(
    {
        "participant_id": ["sub-1", "sub-1", "sub-2", "sub-3", "sub-4"],
        "group": ["patient"] * 4 + ["control"],
        "age": [50, np.nan, np.nan, 70, 40],
        "sex": [0.0, 0, 1, 1, 0],
        "time_since_stroke": [3, 9, 4, 5, np.nan],
        "lesion_volume": [9, 9, np.nan, 2, np.nan],
        "fa_putamen_left": [0.4, 0.4, 0.4, np.nan, 0.4],
    }
)
PRESENT = np.array([[1, 1], [1, 0], [1, 0], [1, 1], [1, 1]], dtype=bool)  # fa, lesion


def test_people_are_counted_not_scans_and_controls_apart():
    rows = missing_table(TABLE, PRESENT, ["fa", "lesion"], ["fa_putamen_left"]).set_index("what")
    counts = rows[["n_missing", "n_patients", "n_controls"]].T.to_dict("list")

    assert counts == {
        "age": [1, 1, 0],
        "sex": [0, 0, 0],
        "time since stroke": [1, 0, 1],
        "lesion mask (volume and tract load)": [2, 1, 1],
        "a regional feature": [1, 1, 0],
        "fa map": [0, 0, 0],
        "lesion map": [1, 1, 0],
    }
    assert (rows["n_people"] == 4).all()


def test_each_gap_has_its_rule_and_what_is_whole_has_none():
    rules = missing_table(TABLE.drop(columns="age"), PRESENT, ["fa", "lesion"], []).set_index(
        "what"
    )["rule"]

    assert rules["sex"] == rules["fa map"] == "complete"
    assert "nobody has it" in rules["age"]
    assert "0 for controls" in rules["lesion mask (volume and tract load)"]
    assert rules["lesion map"] == "replaced by the mean map of the training fold"


def test_leaving_out_names_what_a_scan_lacks_and_spares_controls_what_they_cannot_have():
    maps = [{"fa", "lesion"}, {"fa", "lesion"}, {"fa"}, {"lesion"}, {"fa"}]
    people = SimpleNamespace(
        table=TABLE, scans=[SimpleNamespace(maps=dict.fromkeys(names, "")) for names in maps]
    )
    nobody = np.full(5, "", dtype=object)
    reasons = incomplete(people, np.arange(5), nobody, ("fa", "lesion"))

    assert reasons[0] == reasons[4] == ""
    assert [reason.split(",")[0] for reason in reasons[1:4]] == [
        "lacks age",
        "lacks age",
        "lacks fa map",
    ]
    assert "lesion map" in reasons[2]


@pytest.mark.parametrize(
    ("sites", "message"),
    [(["a"] * 5, "there is one, a"), ([None] * 5, "there is none named")],
    ids=["one site", "no site"],
)
def test_nothing_can_be_harmonised_without_two_sites(sites, message):
    with pytest.raises(DataError, match=message):
        harmonisation_notes(TABLE.assign(site=sites), "combat")


def test_the_report_says_what_was_harmonised_and_who_was_not():
    (note,) = harmonisation_notes(TABLE.assign(site=["a", "a", "b", "b", None]), "combat")
    assert "2 sites" in note
    assert "1 scans have no site" in note
    assert "Lesion masks and what is measured on them were not harmonised" in note


@pytest.mark.parametrize(
    ("preset", "exclusions"), [("gao2025", [False, True, False]), ("karakis2023", [False] * 3)]
)
def test_connectivity_of_the_healthy_side_is_no_connectivity_of_the_lesion(
    tmp_path, preset, exclusions
):
    scans = []
    for number, seed in enumerate(("left", "left", "right")):
        (tmp_path / f"{number}.json").write_text(json.dumps({"SeedHemisphere": seed}))
        scans.append(SimpleNamespace(seed=tmp_path / f"{number}.nii.gz", maps={}))
    people = SimpleNamespace(
        scans=scans, table=pd.DataFrame({"lesion_side": ["left", "right", "both"]})
    )

    reasons = wrong_seeds(people, np.arange(3), np.array([""] * 3, object), load_preset(preset))

    assert [bool(reason) for reason in reasons] == exclusions
