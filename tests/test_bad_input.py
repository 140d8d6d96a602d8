"""What users get wrong: one sentence that names it, and the exit code of the table."""

import json

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.__main__ import main
from motor_bids_app.bids.tables.tsv import read_table


@pytest.fixture
def dataset(tmp_path):
    """One person whose head is a block of noise, valid as BIDS."""
    folder = tmp_path / "bids"
    anat = folder / "sub-01" / "anat"
    anat.mkdir(parents=True)
    (folder / "dataset_description.json").write_text(
        json.dumps({"Name": "Test", "BIDSVersion": "1.10.0", "DatasetType": "raw"})
    )
    (folder / "README.md").write_text("A dataset with one person, made by a test, for a test.\n")
    (folder / "participants.tsv").write_text("participant_id\tfma_ue\nsub-01\t40\n")
    (folder / "participants.json").write_text('{"fma_ue": {"Units": "points"}}')
    rng = np.random.default_rng(0)
    head = nib.Nifti1Image(rng.random((20, 20, 20), dtype=np.float32), np.diag([9, 9, 9, 1.0]))
    head.header.set_xyzt_units("mm", "sec")
    nib.save(head, anat / "sub-01_T1w.nii.gz")
    return folder


@pytest.fixture
def run(dataset, tmp_path, capsys):
    """Run the app on the dataset; return the exit code and the last line of stderr."""

    def run(level="participant", *options, bids_dir=dataset, output_dir=tmp_path / "out"):
        code = main([str(bids_dir), str(output_dir), level, *options, "--nprocs", "1"])
        return code, capsys.readouterr().err.strip().splitlines()[-1]

    return run


def test_folder_that_is_no_dataset(run, dataset):
    (dataset / "dataset_description.json").unlink()
    code, message = run()
    assert code == 66
    assert "no dataset_description.json" in message


def test_unknown_participant(run):
    code, message = run("participant", "--participant-label", "99")
    assert code == 18
    assert "'99' is not in the dataset" in message


def test_unknown_level(run):
    code, message = run("groups")
    assert code == 17
    assert "'groups'" in message


def test_wrong_option(run):
    code, message = run("participant", "--participants", "01")
    assert code == 64
    assert "--participants" in message


def test_output_inside_the_input(run, dataset):
    for place in ("", "sub-01", "derivatives", "derivatives/a/b", "work"):
        code, message = run(output_dir=dataset / place)
        assert code == 73
        assert "inside the input" in message
    assert not (dataset / "derivatives").exists()


def test_gradients_that_do_not_fit_the_series_fail_validation(run, dataset):
    folder = dataset / "sub-01" / "dwi"
    folder.mkdir()
    series = nib.Nifti1Image(np.ones((8, 8, 8, 7), dtype=np.float32), np.diag([9, 9, 9, 1.0]))
    series.header.set_xyzt_units("mm", "sec")
    nib.save(series, folder / "sub-01_dwi.nii.gz")
    (folder / "sub-01_dwi.bval").write_text("0 1000 1000\n")
    (folder / "sub-01_dwi.bvec").write_text("0 1 0\n0 0 1\n0 0 0\n")
    (folder / "sub-01_dwi.json").write_text("{}")

    assert run()[0] == 16
    assert run("participant", "--skip-bids-validation", "--modalities", "dwi")[0] == 1


def test_a_truncated_image_fails_its_participant_only(run, dataset, tmp_path):
    path = dataset / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    path.write_bytes(path.read_bytes()[:2000])

    code, _ = run("participant", "--skip-bids-validation")

    assert code == 1
    table = read_table(tmp_path / "out" / "logs" / "participants_status.tsv")
    anat = table.set_index("modality").loc["anat"]
    assert anat["state"] == "failed"
    assert "sub-01_T1w.nii.gz cannot be read" in anat["reason"]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("participant_id\tfma_ue\nsub-01\t70\n", ["sub-01", "70", "66"]),
        ("participant_id\tfma_ue\nsub-01\t7\nsub-01\t8\n", ["sub-01", "2 rows|two rows|twice"]),
    ],
    ids=["score out of range", "two rows for one participant"],
)
def test_scores_that_cannot_be(run, dataset, capsys, table, words):
    (dataset / "participants.tsv").write_text(table)
    main([str(dataset), "out", "group", "--explain-columns"])
    said = capsys.readouterr()
    explained = said.out + said.err
    for word in words:
        assert any(option in explained for option in word.split("|")), explained


def test_group_without_derivatives(run):
    code, message = run("group")
    assert code == 66
    assert "participant level first" in message


def test_predict_needs_a_model(run, tmp_path):
    code, message = run("predict")
    assert code == 64
    assert "--model" in message
    code, message = run("predict", "--model", str(tmp_path / "nothing"))
    assert code == 66
