"""The listing of a dataset, with pybids as the judge."""

import os
from collections import Counter

import pytest
from bids.layout import BIDSLayout, BIDSLayoutIndexer

from motor_bids_app.bids.index import index_dataset
from motor_bids_app.bids.listing import find_images
from motor_bids_app.errors import ReadWriteError
from motor_bids_app.settings import Selection

_NAMES = (
    "sub-1/ses-1/anat/sub-1_ses-1_run-01_T1w.nii.gz",
    "sub-1/ses-1/anat/sub-1_ses-1_run-10_T1w.nii",
    "sub-1/ses-1/anat/sub-1_ses-1_acq-x.y_T1w.nii.gz",
    "sub-1/ses-1/anat/sub-1_ses-1_space-T1w_label-L_desc-a+b_mask.nii.gz",
    "sub-1/ses-1/fmap/sub-1_ses-1_phasediff.nii.gz",
    "sub-1/eeg/sub-1_task-rest_eeg.set",
    "sub-a b/anat/sub-a b_T1w.nii.gz",
)
_ELSEWHERE = (  # copies that are no data of the participant
    "more/sub-1_T2w.nii.gz",
    "backup/sub-1/ses-1/anat/sub-1_ses-1_run-01_T1w.nii.gz",
    "sub-1/ses-1/old/anat/sub-1_ses-1_run-01_T1w.nii.gz",
    "sub-1/old/dwi/sub-1_dwi.nii.gz",
)


def _write(root):
    for name in _NAMES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')


def test_files_and_entities_are_those_of_pybids(tmp_path):
    _write(tmp_path)
    indexer = BIDSLayoutIndexer(validate=False, index_metadata=False)
    layout = BIDSLayout(tmp_path, validate=False, is_derivative=True, indexer=indexer)
    theirs = {
        file.path: {key: str(value) for key, value in file.get_entities().items()}
        for file in layout.get(extension=[".nii", ".nii.gz", ".set"])
    }
    ours = {
        str(file.path): {key: str(value) for key, value in file.entities.items()}
        for file in find_images(tmp_path, ["1", "a b", "a"])
    }
    assert ours == theirs


def test_copies_outside_the_folders_of_bids_are_not_data_of_the_participant(tmp_path):
    _write(tmp_path)
    before = find_images(tmp_path, ["1"])
    for name in _ELSEWHERE:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_images(tmp_path, ["1"]) == before


def test_the_trap_beside_a_real_dataset_is_not_taken_for_its_diffusion(test_data):
    (dwi,) = find_images(test_data / "dwi_philips_trace", ["01"])
    assert dwi.path.parts[-3:] == ("sub-01", "dwi", "sub-01_dwi.nii.gz")


def test_no_folder_is_listed_for_each_file(tmp_path, monkeypatch):
    _write(tmp_path)
    listed, real = Counter(), os.scandir

    def counting(path="."):
        listed[str(path)] += 1
        return real(path)

    monkeypatch.setattr(os, "scandir", counting)
    index_dataset(tmp_path, Selection(participants=("1",)))
    assert listed[str(tmp_path / "sub-1/eeg")] == 2  # once for images, once for all sidecars


def test_names_of_folders_above_the_dataset_are_no_entities(tmp_path):
    root = tmp_path / "sub-9" / "ses-2" / "raw"
    image = root / "sub-1" / "anat" / "sub-1_T1w.nii.gz"
    image.parent.mkdir(parents=True)
    image.touch()

    (found,) = find_images(root, ["1"])

    assert (found.get("subject"), found.get("session")) == ("1", None)


def test_a_folder_that_cannot_be_read_is_said(tmp_path, monkeypatch):
    (tmp_path / "sub-1" / "anat").mkdir(parents=True)
    scandir = os.scandir

    def refuse(folder):
        if str(folder).endswith("anat"):
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)

    with pytest.raises(ReadWriteError, match=r"sub-1/anat.*can be read"):
        find_images(tmp_path, ["1"])
