"""Places of the measures of a scan among all scans."""

import pandas as pd
import pytest

from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.position import positions


@pytest.fixture
def tabled(tmp_path):
    """Seven scans: one measure of all, one of three, and words."""
    (tmp_path / "group").mkdir()
    table = pd.DataFrame(
        {
            "participant_id": [f"sub-{k}" for k in range(7)],
            "session_id": "n/a",
            "snr_wm": [30, 10, 20, 40, 70, 60, 50],
            "snr_b0": [1, 2, 3, "n/a", "n/a", "n/a", "n/a"],
            "outlier_in": "snr_wm",
        }
    )
    table.to_csv(tmp_path / "group" / "quality.tsv", sep="\t", index=False)
    return tmp_path


def test_a_measure_has_its_place_from_the_lowest(tabled):
    assert positions(Outputs(tabled, "2", None)) == {"snr_wm": "2 of 7"}


@pytest.mark.parametrize("label", ["9", "2"], ids=["nobody of the table", "before the group"])
def test_without_the_scan_or_the_table_there_is_no_place(tabled, tmp_path, label):
    if label == "2":
        (tabled / "group" / "quality.tsv").unlink()
    assert positions(Outputs(tabled, label, None)) == {}


def test_a_damaged_table_costs_the_places_alone(tabled):
    (tabled / "group" / "quality.tsv").write_bytes(b"\xff\xfe\x00")
    assert positions(Outputs(tabled, "2", None)) == {}
