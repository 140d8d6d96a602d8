"""Checkpoints in a folder."""

import pytest

from motor_bids_app.errors import OutputError
from motor_bids_app.levels.group.checkpoints import FolderCheckpoints, checkpoints_of, remove_all

NAME = "0123456789abcdef01234567"  # as trainings have it


def test_what_was_saved_last_comes_back(tmp_path):
    checkpoints = FolderCheckpoints(tmp_path / "deep" / "er")
    assert checkpoints.load("a") is None
    checkpoints.save("a", b"1")
    checkpoints.save("a", b"22")
    assert checkpoints.load("a") == b"22"
    assert [path.name for path in checkpoints.folder.iterdir()] == ["a.safetensors"]


def test_nothing_is_left_once_done(tmp_path):
    checkpoints = FolderCheckpoints(tmp_path / "some")
    checkpoints.save(NAME, b"1")
    checkpoints.remove()
    assert not checkpoints.folder.exists()


def test_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another work folder"):
        FolderCheckpoints(tmp_path / "file" / "sub").save("a", b"1")


def test_cleaning_a_work_folder_takes_stopped_trainings_and_nothing_else(tmp_path):
    for experiment in ("one", "two"):
        checkpoints_of(tmp_path, experiment).save(NAME, b"1")
    (tmp_path / "mine.txt").touch()

    remove_all(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_checkpoints_of_another_project_stay(tmp_path):
    checkpoints = checkpoints_of(tmp_path, "cbam2025")
    checkpoints.save(NAME, b"1")
    theirs = {checkpoints.folder / "epoch_10.safetensors", tmp_path / "checkpoints" / "gpt" / "a"}
    for path in theirs:
        path.parent.mkdir(exist_ok=True)
        path.touch()

    checkpoints.remove()
    remove_all(tmp_path)

    assert {path for path in tmp_path.rglob("*") if path.is_file()} == theirs
