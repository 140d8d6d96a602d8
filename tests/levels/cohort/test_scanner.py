"""The scanner of each scan, by the sidecars of the raw dataset."""

import json

import pytest

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.levels.cohort.scanner import scanner_of

PRISMA = {"Manufacturer": "Siemens", "ManufacturersModelName": "Prisma", "MagneticFieldStrength": 3}


def write(path, content=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def scan():
    return DerivedScan(participant="01", session="a", maps={})


def test_a_scanner_is_named_by_maker_model_and_field(tmp_path, scan):
    image = tmp_path / "sub-01" / "ses-a" / "anat" / "sub-01_ses-a_T1w.nii.gz"
    write(image)
    write(image.with_name("sub-01_ses-a_T1w.json"), PRISMA)

    assert scanner_of(tmp_path, scan) == "Siemens Prisma 3 T"


def test_a_sidecar_of_the_whole_dataset_names_it_too(tmp_path, scan):
    write(tmp_path / "sub-01" / "ses-a" / "anat" / "sub-01_ses-a_FLAIR.nii")
    write(tmp_path / "FLAIR.json", {"MagneticFieldStrength": 1.5})

    assert scanner_of(tmp_path, scan) == "1.5 T"


@pytest.mark.parametrize("content", ["{", {}, {"Manufacturer": 3, "MagneticFieldStrength": "x"}])
def test_where_no_sidecar_names_it_the_scanner_is_unknown(tmp_path, scan, content):
    image = tmp_path / "sub-01" / "ses-a" / "anat" / "sub-01_ses-a_T1w.nii.gz"
    write(image)
    write(image.with_name("sub-01_ses-a_T1w.json"), content)

    assert scanner_of(tmp_path, scan) is None
