import json

import pytest

from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.identity import identity, source_files


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


@pytest.mark.parametrize("table", ["", "participant_id\tage\nsub-02\t50\n", "broken;\n1,2"])
def test_a_table_that_says_nothing_is_no_obstacle(tmp_path, table):
    assert "Age (years)" not in told(tmp_path, table)


def test_files_are_told_within_their_dataset(tmp_path):
    scan = Scan(participant="01", t1w=tmp_path / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    assert source_files(scan, (tmp_path / "x", tmp_path)) == ("sub-01/anat/sub-01_T1w.nii.gz",)
