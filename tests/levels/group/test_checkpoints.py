"""Checkpoints in a folder."""

import pytest

from motor_bids_app.errors import OutputError
from motor_bids_app.levels.group.checkpoints import FolderCheckpoints


def test_what_was_saved_last_comes_back(tmp_path):
    checkpoints = FolderCheckpoints(tmp_path / "deep" / "er")
    assert checkpoints.load("a") is None
    checkpoints.save("a", b"1")
    checkpoints.save("a", b"22")
    assert checkpoints.load("a") == b"22"
    assert [path.name for path in checkpoints.folder.iterdir()] == ["a.safetensors"]


def test_nothing_is_left_once_done(tmp_path):
    checkpoints = FolderCheckpoints(tmp_path / "some")
    checkpoints.save("a", b"1")
    checkpoints.remove()
    assert not checkpoints.folder.exists()


def test_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another work folder"):
        FolderCheckpoints(tmp_path / "file" / "sub").save("a", b"1")
