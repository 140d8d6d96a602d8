from pathlib import Path

import pandas as pd

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.levels.cohort.doubtful import (
    doubtful_notes,
    implausible_maps,
    without_doubtful,
)

SCAN = DerivedScan(participant="01", maps={name: Path(name) for name in ("fa", "md", "gm", "wm")})
FEATURES = {"gm_wm_ratio": 6.2, "gm_precentral_left": 0.9, "fa_thalamus_left": 0.4, "age": 60}


def test_what_depends_on_a_measure_that_cannot_be_is_missing():
    scan, features, names = without_doubtful(SCAN, FEATURES, ())

    assert set(scan.maps) == {"fa", "md"}
    assert set(features) == {"fa_thalamus_left", "age"}
    assert names == ("gm_wm_ratio",)


def test_a_measure_that_is_allowed_leaves_all_in():
    scan, features, names = without_doubtful(SCAN, FEATURES, ("gm_wm_ratio",))

    assert (scan, features, names) == (SCAN, FEATURES, ())


def test_a_note_names_the_scans_and_how_to_take_them():
    (note,) = doubtful_notes({"sub-01": ("gm_wm_ratio",), "sub-02": ("gm_wm_ratio",), "sub-03": ()})

    assert "sub-01, sub-02" in note
    assert "--allow gm_wm_ratio" in note


def test_a_bold_that_is_doubtful_gives_no_maps_windows_or_slices():
    scan = DerivedScan(
        participant="01",
        maps={"fc": Path("fc"), "fa": Path("fa")},
        bold=Path("b"),
        seed=Path("s"),
        mean_bold=Path("m"),
        bold_brain=Path("r"),
    )

    trusted, _, _ = without_doubtful(scan, {"bold_mean_fd": 4.0}, ())

    assert set(trusted.maps) == {"fa"}
    assert (trusted.bold, trusted.seed, trusted.mean_bold, trusted.bold_brain) == (None,) * 4


def test_nothing_in_the_standard_space_is_read_where_the_registration_failed():
    maps = {name: Path(name) for name in ("fa", "gm", "fc", "lesion")}
    features = {"template_correlation": 0.1, "lesion_volume": 9.0, "lesion_mask": "given"}

    failed = DerivedScan(participant="01", maps=maps, t1w=Path("t1w"))
    scan, kept, _ = without_doubtful(failed, features, ())

    assert scan.maps == {}
    assert kept == {"template_correlation": 0.1, "lesion_mask": "given"}


def test_a_head_of_another_contrast_may_look_unlike_the_template():
    features = {"template_correlation": -0.3, "lesion_volume": 9.0}
    flair = DerivedScan(participant="01", maps={"lesion": Path("lesion")})

    assert without_doubtful(flair, features, ()) == (flair, features, ())


def test_a_segmentation_that_failed_is_no_evidence_of_identity():
    table = pd.DataFrame({"gm_wm_ratio": [1.2, 6.2, float("nan")], "age": [60, 70, 80]})

    found = implausible_maps(table, ["fa", "gm", "wm"])

    assert found.tolist() == [[False] * 3, [False, True, True], [False] * 3]
