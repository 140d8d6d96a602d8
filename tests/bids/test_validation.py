import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids import validation
from motor_bids_app.bids.files import save_image, write_json
from motor_bids_app.bids.validation import check_description, validate
from motor_bids_app.errors import InputMissingError, ReadWriteError, ValidationError


@pytest.fixture
def dataset(tmp_path):
    """A dataset of one head that the validator accepts."""
    write_json(
        tmp_path / "dataset_description.json",
        {"Name": "Test", "BIDSVersion": "1.10.0", "DatasetType": "raw"},
    )
    (tmp_path / "README.md").write_text("A head of zeros, which is enough for names.\n" * 5)
    save_image(
        nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)),
        tmp_path / "sub-1/anat/sub-1_T1w.nii.gz",
        sidecar={},
    )
    return tmp_path


def test_valid_dataset_passes_without_home_and_cache(dataset, monkeypatch, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "XDG_CACHE_HOME", "DENO_DIR"):
        monkeypatch.setenv(name, str(home))

    assert validate(dataset) == []
    assert list(home.iterdir()) == []


def test_errors_are_listed_with_their_files(dataset):
    (dataset / "sub-1/anat/sub-1_T3w.nii.gz").touch()
    with pytest.raises(ValidationError, match=r"/sub-1/anat/sub-1_T3w\.nii\.gz: NOT_INCLUDED"):
        validate(dataset)


def test_the_validator_runs_again_only_where_files_changed(dataset, tmp_path_factory, monkeypatch):
    kept = tmp_path_factory.mktemp("out") / "logs" / "validation.json"
    error = {"severity": "error", "code": "A", "location": "/sub-1/anat/sub-1_T1w.nii.gz"}
    runs = []

    def looks(_):
        runs.append(1)
        return {"issues": [error, {"severity": "warning"}], "codeMessages": {"A": "It is odd."}}

    monkeypatch.setattr(validation, "run_validator", looks)
    said = []
    for _ in range(2):
        with pytest.raises(ValidationError) as caught:
            validate(dataset, kept=kept)
        said.append(str(caught.value))
    assert (len(runs), said[0]) == (1, said[1])
    assert validate(dataset, ["2"], kept=kept) == []

    (dataset / "sub-1/anat/sub-1_T1w.json").write_text('{"a": 1}')
    validate(dataset, ["2"], kept=kept)
    assert len(runs) == 2

    kept.write_text("{")
    validate(dataset, ["2"], kept=kept)
    assert len(runs) == 3


def test_of_jobs_that_begin_together_one_runs_the_validator(dataset, tmp_path_factory, monkeypatch):
    kept = tmp_path_factory.mktemp("out") / "logs" / "validation.json"
    runs = []

    def slow(folder):
        runs.append(folder)
        time.sleep(0.3)
        return {"issues": [], "codeMessages": {}}

    monkeypatch.setattr(validation, "_errors_of", slow)
    with ThreadPoolExecutor(4) as jobs:
        found = [jobs.submit(validate, dataset, kept=kept) for _ in range(4)]

    assert [one.result() for one in found] == [[]] * 4
    assert runs == [dataset]


def test_derivatives_in_the_dataset_do_not_make_the_validator_run_again(dataset, monkeypatch):
    runs = []
    monkeypatch.setattr(validation, "run_validator", lambda _: runs.append(1) or {"issues": []})
    for number in range(2):
        kept = dataset / "derivatives" / "app" / "logs" / "validation.json"
        validate(dataset, kept=kept)
        kept.with_name(f"{number}.log").touch()

    assert len(runs) == 1


def test_files_that_vanish_while_they_are_listed_stop_nothing(
    dataset, tmp_path_factory, monkeypatch
):
    def vanish(path):
        found = scandir(path)
        if not str(path).endswith("sub-1"):
            return found
        entries = list(found)
        shutil.rmtree(path)
        return nullcontext(entries)

    scandir = os.scandir
    (dataset / "sub-1" / "sub-1_scans.tsv").touch()
    monkeypatch.setattr(validation, "run_validator", lambda _: {"issues": []})
    monkeypatch.setattr(validation.os, "scandir", vanish)
    assert validate(dataset, kept=tmp_path_factory.mktemp("out") / "kept.json") == []


def test_one_error_of_each_kind_is_shown(dataset):
    for number in range(3):
        (dataset / f"sub-1/anat/sub-1_run-{number}_T3w.nii.gz").write_text("x")
    with pytest.raises(ValidationError, match=r"run-0_T3w\.nii\.gz \(and 2 alike\)") as caught:
        validate(dataset)

    assert str(caught.value).count("NOT_INCLUDED") == 1


def test_trace_image_without_gradients_is_tolerated(dataset):
    image = nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4))
    save_image(image, dataset / "sub-1/dwi/sub-1_dwi.nii.gz", sidecar={})

    assert {remark.split(": ")[1].split(",")[0] for remark in validate(dataset)} == {
        "DWI_MISSING_BVAL",
        "DWI_MISSING_BVEC",
    }


def test_errors_of_others_and_of_unread_files_do_not_count(dataset):
    for name in ("sub-2/anat/sub-2_T3w.nii.gz", "sub-1/beh/sub-1_nothing.txt"):
        (dataset / name).parent.mkdir(parents=True)
        (dataset / name).touch()

    tolerated = validate(dataset, participants=["1"])

    assert {remark.split(":")[0] for remark in tolerated} == {"/sub-1/beh/sub-1_nothing.txt"}
    with pytest.raises(ValidationError, match="sub-2_T3w"):
        validate(dataset)


def test_tables_beside_a_bold_are_not_read_and_tolerated(dataset):
    bold = nib.Nifti1Image(np.ones((4, 4, 4, 5), np.int16), np.eye(4))
    bold.header.set_zooms((1, 1, 1, 2))
    bold.header.set_xyzt_units("mm", "sec")
    stem = dataset / "sub-1" / "func" / "sub-1_task-rest"
    save_image(
        bold,
        stem.with_name(f"{stem.name}_bold.nii.gz"),
        {"RepetitionTime": 2.0, "TaskName": "rest"},
    )
    stem.with_name(f"{stem.name}_events.tsv").write_text("begin\tend\n1\t2\n")

    tolerated = validate(dataset)

    assert all("events" in remark for remark in tolerated)
    assert tolerated
    stem.with_name(f"{stem.name}_nonsense.nii.gz").write_bytes(b"")
    with pytest.raises(ValidationError, match="nonsense"):
        validate(dataset)


def test_lesion_mask_in_the_raw_tree_is_tolerated(dataset):
    mask = nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4))
    save_image(mask, dataset / "sub-1/anat/sub-1_T1w_label-lesion_roi.nii.gz")

    tolerated = validate(dataset)

    assert all("lesion_roi" in remark for remark in tolerated)
    assert tolerated


def test_people_who_are_not_listed_are_tolerated(dataset):
    (dataset / "participants.tsv").write_text("participant_id\nsub-7\n")

    assert [remark.split(",")[0] for remark in validate(dataset)] == [
        "/participants.tsv: PARTICIPANT_ID_MISMATCH"
    ]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (None, InputMissingError, "no dataset_description.json"),
        ("{", ReadWriteError, "not valid JSON"),
    ],
)
def test_dataset_needs_a_readable_description(dataset, content, error, message):
    path = dataset / "dataset_description.json"
    path.unlink()
    if content:
        path.write_text(content)
    with pytest.raises(error, match=message):
        check_description(dataset)


def test_missing_dataset_is_named(tmp_path):
    with pytest.raises(InputMissingError, match="nowhere does not exist"):
        validate(tmp_path / "nowhere")


def test_silent_validator_is_explained(dataset, monkeypatch):
    monkeypatch.setitem(os.environ, "PYTHONPATH", str(dataset))
    (dataset / "bids_validator_deno.py").write_text("raise SystemExit('no such thing')")
    with pytest.raises(ReadWriteError, match="it said: no such thing"):
        validate(dataset)
