import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import Mock

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids import dataset, status
from motor_bids_app.bids.dataset import (
    locked,
    prepare_output,
    write_dataset_files,
)
from motor_bids_app.bids.files import save_image, write_json
from motor_bids_app.bids.paths import DerivativePath
from motor_bids_app.bids.status import StatusRow, read_status, update_status
from motor_bids_app.bids.tables.columns import resolve_columns
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.bids.validation import validate
from motor_bids_app.errors import (
    DiskFullError,
    InvalidNameError,
    OutputError,
    ScoreError,
    TryAgainError,
)
from motor_bids_app.settings import BoldSettings, ProcessingSettings


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "raw"
    write_json(folder / "dataset_description.json", {"Name": "Source", "License": "CC0"})
    (folder / "participants.tsv").write_text(
        "participant_id\tage\nsub-1\t50\nsub-2\t89+\nsub-3\t70\n"
    )
    write_json(folder / "participants.json", {"age": {"Units": "years"}})
    return folder


def test_a_seed_mask_is_recorded_by_its_content_and_not_by_its_place(source, tmp_path):
    found = []
    for place, content in (("a", b"one"), ("b", b"one"), ("c", b"other")):
        mask = tmp_path / place / "m1.nii.gz"
        mask.parent.mkdir()
        mask.write_bytes(content)
        settings = ProcessingSettings(bold=BoldSettings(seed=mask))
        write_dataset_files(source, tmp_path / "out", {}, settings)
        text = (tmp_path / "out" / "dataset_description.json").read_text()
        assert "m1.nii" not in text
        found.append(json.loads(text)["GeneratedBy"][0]["ProcessingSettings"]["bold"]["seed"])

    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    "inside", [".", "derivatives", "derivatives/a/b", "sub-1/../out", "link/out"]
)
def test_output_inside_the_input_is_refused(source, inside):
    (source.parent / "link").symlink_to(source)
    output = source.parent / inside if inside.startswith("link") else source / inside
    before = sorted(source.rglob("*"))

    with pytest.raises(OutputError, match="inside the input dataset"):
        prepare_output(source, output)

    assert sorted(source.rglob("*")) == before


def test_the_usual_place_of_derivatives_is_allowed(source):
    output = source / "derivatives" / "motor"

    prepare_output(source, output)
    write_dataset_files(source, output, {}, ProcessingSettings())
    (output / "sub-1").mkdir()

    prepare_output(source, output)

    assert (output / "dataset_description.json").is_file()


def test_derivatives_of_others_in_the_input_are_not_written_to(source):
    masks = source / "derivatives" / "lesions"
    (masks / "sub-1").mkdir(parents=True)

    with pytest.raises(OutputError, match="part of the input"):
        prepare_output(source, masks)


def test_logs_that_lead_elsewhere_are_refused(source, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "logs").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(InvalidNameError, match="outside"):
        prepare_output(source, tmp_path / "out")


def test_output_may_hold_the_input(source):
    prepare_output(source, source.parent)

    assert not (source / "logs").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="the super-user may write anywhere")
def test_unwritable_output_is_refused(source, tmp_path):
    (tmp_path / "out").mkdir(mode=0o555)
    with pytest.raises(OutputError, match="cannot be written"):
        prepare_output(source, tmp_path / "out")


def test_output_that_cannot_be_made_is_refused(source, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        prepare_output(source, tmp_path / "file" / "out")


def test_output_of_both_levels_passes_the_validator(source, tmp_path):
    output = tmp_path / "out"
    grid = nib.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4))
    for space in ({}, {"space": "MNI152NLin2009aSym", "res": "2"}):
        resolution = {"Resolution": "2 mm"} if space else {}
        for suffix, datatype, entities, sidecar in (
            ("T1w", "anat", {"desc": "preproc"}, {"SkullStripped": False}),
            ("mask", "anat", {"desc": "brain"}, {"Type": "Brain"}),
            ("mask", "anat", {"label": "L"}, {"Type": "Lesion"}),
            ("probseg", "anat", {"label": "GM"}, {}),
            ("dwimap", "dwi", {"model": "tensor", "param": "fa"}, {}),
        ):
            path = DerivativePath(
                sub="1", ses="a", datatype=datatype, suffix=suffix, **entities, **space
            )
            save_image(grid, output / str(path), {**sidecar, **resolution})
    for name in (
        "sub-1_ses-a.html",
        "sub-1/ses-a/sub-1_ses-a_desc-features.tsv",
        "sub-1/ses-a/figures/sub-1_ses-a_mask.png",
        "group.html",
        "sub-1/ses-a/anat/sub-1_ses-a_from-T1w_to-MNI152NLin2009aSym_mode-image_xfm.nii.gz",
        "sub-1/ses-a/dwi/sub-1_ses-a_desc-preproc_dwi.bval",
        "experiments/baselines/predictions.tsv",
        "predictions/baselines/report.html",
        "validations/baselines/metrics.tsv",
        "sub-1/ses-a/sub-1_ses-a_desc-disconnectedbundles.tsv",
    ):
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text("x")
    update_status(output, [StatusRow(participant="1", modality="anat", state="done")])

    write_dataset_files(source, output, {}, ProcessingSettings())

    assert validate(output) == []


def test_what_is_known_of_participants_with_derivatives_is_passed_on(source, tmp_path):
    for label in ("2", "3", "4"):
        (tmp_path / "out" / f"sub-{label}").mkdir(parents=True)

    write_dataset_files(source, tmp_path / "out", {}, ProcessingSettings())

    table = read_table(tmp_path / "out/participants.tsv")
    assert table["participant_id"].tolist() == ["sub-2", "sub-3", "sub-4"]
    assert table["age"].fillna("").tolist() == ["89+", "70", ""]
    assert (tmp_path / "out/participants.json").is_file()


def test_names_dates_of_birth_and_old_ages_stay_in_the_input(source, tmp_path):
    (source / "participants.tsv").write_text(
        "participant_id\tage\tname\tbirth_date\tdiagnosis\tsex\tfma_ue\tremark\n"
        "sub-1\t97\tRoe Jane\t1927-02-01\tstroke, Dr Roe\tF\t12\tlives at Elm Street\n"
        "sub-2\t90\tDoe John\t1934-02-01\tstroke\tM\t60\tshy\n"
    )
    for label in "12":
        (tmp_path / "out" / f"sub-{label}").mkdir(parents=True)

    write_dataset_files(source, tmp_path / "out", {}, ProcessingSettings())

    text = "".join(p.read_text() for p in (tmp_path / "out").iterdir() if p.is_file())
    assert not [word for word in ("Roe", "Doe", "1927", "Elm", "97", "shy") if word in text]
    table = read_table(tmp_path / "out/participants.tsv")
    assert table["age"].tolist() == ["89+", "89+"]
    assert table[["sex", "group", "fma_ue"]].to_numpy().tolist() == [
        ["female", "patient", "12"],
        ["male", "patient", "60"],
    ]


def test_messages_repeat_no_name_and_no_date(source):
    for table, column in (("Roe Jane", "age"), ("1931-02-01", "age"), ("lives alone", "group")):
        (source / "participants.tsv").write_text(f"participant_id\t{column}\nsub-1\t{table}\n")

        with pytest.raises(ScoreError) as told:
            resolve_columns(source)

        assert table not in str(told.value)
        assert f"a text of {len(table)} characters" in str(told.value)


def test_rows_are_found_whatever_the_form_of_their_identifiers(source, tmp_path):
    (source / "participants.tsv").write_text("participant_id\tage\n02\t61\nSUB-03 \t52\n")
    for label in ("02", "03"):
        (tmp_path / "out" / f"sub-{label}").mkdir(parents=True)

    write_dataset_files(source, tmp_path / "out", {}, ProcessingSettings())

    assert read_table(tmp_path / "out/participants.tsv")["age"].tolist() == ["61", "52"]


def test_a_row_that_differs_only_in_zeros_is_told(source, tmp_path, caplog):
    (source / "participants.tsv").write_text("participant_id\tage\nsub-2\t61\n")
    (tmp_path / "out" / "sub-02").mkdir(parents=True)

    write_dataset_files(source, tmp_path / "out", {}, ProcessingSettings())

    assert "sub-02 has no row in participants.tsv, but sub-2 is there" in caplog.text


def test_description_names_tool_and_all_sources(source, tmp_path):
    output = tmp_path / "out"
    write_dataset_files(source, output, {"lesions": tmp_path / "lesions"}, ProcessingSettings())
    write_dataset_files(source, output, {}, ProcessingSettings())

    description = json.loads((output / "dataset_description.json").read_text())

    assert description["DatasetType"] == "derivative"
    assert description["GeneratedBy"][0]["Name"] == "motor_bids_app"
    assert description["SourceDatasets"][0]["URL"] == f"../{source.name}"
    assert set(description["DatasetLinks"]) == {"raw", "lesions"}  # URIs of the first run use it


def test_status_of_the_same_step_is_replaced_and_others_kept(tmp_path):
    update_status(
        tmp_path,
        [
            StatusRow(participant="1", modality="anat", state="failed", reason="disk\nfull"),
            StatusRow(participant="1", session="a", modality="anat", state="done"),
        ],
    )
    update_status(
        tmp_path, [StatusRow(participant="1", modality="anat", state="done", seconds=1.25)]
    )

    table = read_status(tmp_path).fillna("")

    assert sorted(table["session_id"]) == ["", "ses-a"]
    assert table["state"].tolist() == ["done", "done"]


def test_runs_that_write_at_once_lose_no_status(tmp_path):
    def write(number):
        row = StatusRow(participant=f"{number:02}", modality="anat", state="done")
        update_status(tmp_path, [row])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))

    assert len(read_status(tmp_path)) == 24


def test_rows_that_come_fast_are_written_together_and_all_in_the_end(tmp_path, monkeypatch):
    written = Mock()
    monkeypatch.setattr(status, "update_status", written)
    now = iter(range(0, 1000, 2))  # each look at the clock takes 2 s, and so does writing
    monkeypatch.setattr(status.time, "monotonic", lambda: next(now))
    keeper = status.StatusKeeper(tmp_path)

    for number in range(100):
        keeper.add([StatusRow(participant=str(number), modality="anat", state="done")])
    keeper.flush()

    rows = [row.participant for call in written.call_args_list for row in call.args[1]]
    assert rows == [str(number) for number in range(100)]
    assert 3 < written.call_count < 12


def test_lock_held_by_another_run_asks_to_try_again(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "LOCK_SECONDS", 0.1)

    def try_lock():
        with locked(tmp_path):
            return

    with locked(tmp_path), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(try_lock)
        error = waiting.exception()

    assert isinstance(error, TryAgainError)


@pytest.mark.parametrize("content", ["", "participant_id\tmod", "\0" * 500])
def test_a_status_table_that_was_damaged_is_made_again(tmp_path, content):
    table = tmp_path / "logs" / "participants_status.tsv"
    write_json(tmp_path / "logs" / "steps" / "sub-1_ses-2_anat.json", {})
    write_json(tmp_path / "logs" / "steps" / "sub-3_dwi.json", {})
    table.write_text(content)

    update_status(tmp_path, [StatusRow(participant="1", modality="anat", state="failed")])

    rows = read_status(tmp_path).fillna("")[["participant_id", "session_id", "modality", "state"]]
    assert rows.to_numpy().tolist() == [
        ["sub-1", "ses-2", "anat", "done"],
        ["sub-1", "", "anat", "failed"],
        ["sub-3", "", "dwi", "done"],
    ]


def test_a_disk_without_room_is_told_from_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(dataset.tempfile, "TemporaryFile", full)
    with pytest.raises(DiskFullError, match="No space left"):
        prepare_output(tmp_path / "raw", tmp_path / "out")
