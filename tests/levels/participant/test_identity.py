import json
import os
from datetime import datetime

import pytest

from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.intact import record_of
from motor_bids_app.levels.participant.identity import identity, processed_on, source_files


def told(tmp_path, table):
    (tmp_path / "participants.tsv").write_text(table)
    return identity(Scan(participant="01"), tmp_path, {"lesion_side": "left"})


def test_age_sex_side_and_dataset_are_told(tmp_path):
    found = told(tmp_path, "participant_id\tage\tsex\nsub-01\t64\tF\nsub-02\t50\tM\n")

    assert found["Age (years)"] == "64"
    assert found["Sex"] == "female"
    assert found["Side of the lesion"] == "left"
    assert found["Dataset"] == tmp_path.name


@pytest.mark.parametrize(
    ("cells", "hidden"), [("97\tF", "97"), ("64\tSchmidt", "Schmidt"), ("1931-02-01\tF", "1931")]
)
def test_what_identifies_is_not_told(tmp_path, cells, hidden):
    found = told(tmp_path, f"participant_id\tage\tsex\nsub-01\t{cells}\n")
    assert hidden not in " ".join(value for name, value in found.items() if name != "Dataset")


@pytest.mark.parametrize(
    ("cell", "description", "said"),
    [
        pytest.param("720", {"Units": "months"}, "60", id="months"),
        pytest.param("-999", {"MissingValues": [-999]}, None, id="declared as missing"),
        pytest.param("999", {"Levels": {"999": "missing"}}, None, id="missing by its level"),
        pytest.param("720", {}, None, id="nobody is 720 years old"),
        pytest.param("89+", {}, "89+", id="as BIDS has old ages"),
    ],
)
def test_the_age_is_the_one_that_models_read(tmp_path, cell, description, said):
    (tmp_path / "participants.json").write_text(json.dumps({"age": description}))
    found = told(tmp_path, f"participant_id\tage\nsub-01\t{cell}\n")
    assert found.get("Age (years)") == said


def test_the_scores_map_tells_codes_of_the_sex(tmp_path):
    (tmp_path / "map.toml").write_text('sex = { column = "sex", levels = { "1" = "male" } }')
    (tmp_path / "participants.tsv").write_text("participant_id\tsex\nsub-01\t1\n")
    found = identity(Scan(participant="01"), tmp_path, {}, tmp_path / "map.toml")
    assert found["Sex"] == "male"


def test_scores_are_told_with_their_range_and_those_of_phenotype_too(tmp_path):
    (tmp_path / "phenotype").mkdir()
    (tmp_path / "phenotype" / "nihss.tsv").write_text("participant_id\tNIHSS\nsub-01\t5\n")
    found = told(tmp_path, "participant_id\tFMA-UE\tdays_since_stroke\nsub-01\t34\t30\n")

    assert found["FMA-UE"] == "34 of 66 points"
    assert found["NIHSS"] == "5 of 42 points"
    assert found["Months since stroke"] == "0.986"


def test_the_score_is_that_of_the_session_of_the_page(tmp_path):
    rows = "sub-01\tses-1\t20\nsub-01\tses-2\t40\n"
    (tmp_path / "participants.tsv").write_text(f"participant_id\tsession_id\tfma_ue\n{rows}")
    found = identity(Scan(participant="01", session="2"), tmp_path, {})

    assert found["FMA-UE"] == "40 of 66 points"


def test_the_day_is_that_of_the_last_step_and_not_that_of_the_page(tmp_path):
    for step, day in (("anat", 1), ("dwi", 2), ("report", 3)):
        record = record_of(tmp_path, "sub-01", step)
        record.parent.mkdir(parents=True, exist_ok=True)
        record.touch()
        moment = datetime(2026, 3, day, 12).timestamp()
        os.utime(record, (moment, moment))

    assert processed_on(tmp_path, "sub-01") == {"Processed on": "2026-03-02"}
    assert processed_on(tmp_path, "sub-02") == {}


@pytest.mark.parametrize("table", ["", "participant_id\tage\nsub-02\t50\n", "broken;\n1,2"])
def test_a_table_that_says_nothing_is_no_obstacle(tmp_path, table):
    assert "Age (years)" not in told(tmp_path, table)


def test_files_are_told_within_their_dataset(tmp_path):
    scan = Scan(participant="01", t1w=tmp_path / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    assert source_files(scan, (tmp_path / "x", tmp_path)) == ("sub-01/anat/sub-01_T1w.nii.gz",)
