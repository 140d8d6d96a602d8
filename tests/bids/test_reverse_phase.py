import json

import pytest

from motor_bids_app.bids.index import index_dataset
from motor_bids_app.settings import Selection

SERIES = [f"sub-1/dwi/sub-1_dir-AP_dwi.{kind}" for kind in ("nii.gz", "bval", "bvec")]
FIELD_MAP = "sub-1/fmap/sub-1_dir-PA_epi"


@pytest.fixture
def find(make_dataset):
    """Write images as name=metadata and return what is found for the series."""

    def find(own, **others):
        root = make_dataset(*SERIES, *(f"{name}.nii.gz" for name in others))
        (root / "sub-1/dwi/sub-1_dir-AP_dwi.bval").write_text("0 1000 1000")
        for name, metadata in {"sub-1/dwi/sub-1_dir-AP_dwi": own, **others}.items():
            (root / f"{name}.json").write_text(json.dumps(metadata))
        (scan,) = index_dataset(root, Selection())
        assert scan.dwi == root / SERIES[0]
        found = scan.reverse_phase
        return found and found.path.relative_to(root).as_posix().removesuffix(".nii.gz")

    return find


def reversed_for(*names, key="IntendedFor"):
    return {"PhaseEncodingDirection": "j", key: names[0] if len(names) == 1 else list(names)}


@pytest.mark.parametrize(
    "names",
    [
        [f"bids::{SERIES[0]}"],
        [f"bids:raw:{SERIES[0]}"],
        [f"/old/place/{SERIES[0]}"],
        ["./dwi/sub-1_dir-AP_dwi.nii"],
        ["dwi/sub-1_dir-AP_dwi.nii.gz"],
        ["func/sub-1_task-rest_bold.nii.gz", "dwi/sub-1_dir-AP_dwi.nii.gz"],
    ],
)
def test_a_field_map_names_the_series(find, names):
    own = {"PhaseEncodingDirection": "j-"}

    assert find(own, **{FIELD_MAP: reversed_for(*names)}) == FIELD_MAP


def test_a_series_names_its_field(find):
    own = {"PhaseEncodingDirection": "j-", "B0FieldSource": ["other", "mine"]}

    assert find(own, **{FIELD_MAP: reversed_for("mine", key="B0FieldIdentifier")}) == FIELD_MAP


def test_both_contribute_to_one_field(find):
    own = {"PhaseEncodingDirection": "j-", "B0FieldIdentifier": "pepolar"}

    assert find(own, **{FIELD_MAP: reversed_for("pepolar", key="B0FieldIdentifier")}) == FIELD_MAP


def test_a_field_map_for_other_images_is_not_taken(find):
    own = {"PhaseEncodingDirection": "j-", "B0FieldSource": "mine"}

    assert find(own, **{FIELD_MAP: reversed_for("func/sub-1_bold.nii.gz")}) is None
    assert find(own, **{FIELD_MAP: reversed_for("theirs", key="B0FieldIdentifier")}) is None


@pytest.mark.parametrize("direction", ["j-", "i", "k-", None])
def test_phase_encoding_must_be_opposite(find, direction):
    reverse = {**reversed_for(f"bids::{SERIES[0]}"), "PhaseEncodingDirection": direction}

    assert find({"PhaseEncodingDirection": "j-"}, **{FIELD_MAP: reverse}) is None


def test_without_a_known_direction_nothing_is_taken(find):
    assert find({}, **{FIELD_MAP: reversed_for(f"bids::{SERIES[0]}")}) is None


def test_field_maps_are_taken_before_reference_images_and_series(find):
    own, other = {"PhaseEncodingDirection": "j-"}, {"PhaseEncodingDirection": "j"}
    reference, series = "sub-1/dwi/sub-1_dir-PA_sbref", "sub-1/dwi/sub-1_dir-PA_dwi"

    assert find(own, **{series: other}) == series
    assert find(own, **{series: other, reference: other}) == reference
    named = reversed_for(f"bids::{SERIES[0]}")
    assert find(own, **{series: other, reference: other, FIELD_MAP: named}) == FIELD_MAP


@pytest.fixture
def find_map(make_dataset):
    """Write field maps as name=metadata and return what is found for the series, and the notes."""

    def find_map(own, **others):
        root = make_dataset(*SERIES, *(f"sub-1/fmap/sub-1_{name}.nii.gz" for name in others))
        (root / "sub-1/dwi/sub-1_dir-AP_dwi.bval").write_text("0 1000 1000")
        (root / "sub-1/dwi/sub-1_dir-AP_dwi.json").write_text(json.dumps(own))
        for name, metadata in others.items():
            (root / f"sub-1/fmap/sub-1_{name}.json").write_text(json.dumps(metadata))
        (scan,) = index_dataset(root, Selection())
        return scan.field_map, scan.notes

    return find_map


MEANT = {"IntendedFor": f"bids::{SERIES[0]}"}


@pytest.mark.parametrize(
    ("images", "used"),
    [
        (("phasediff", "magnitude1", "magnitude2"), ["phasediff"]),
        (("fieldmap", "magnitude"), ["fieldmap"]),
        (("phase1", "phase2", "magnitude1", "magnitude2"), ["phase1", "phase2"]),
        (("phasediff", "magnitude1", "fieldmap", "magnitude"), ["fieldmap"]),
        (("acq-a_phasediff", "acq-a_magnitude2", "magnitude1"), ["phasediff"]),
    ],
)
def test_a_field_map_is_found_with_its_magnitude(find_map, images, used):
    found, _ = find_map({}, **dict.fromkeys(images, MEANT))

    assert [path.name.split("_")[-1] for path in found.images] == [f"{u}.nii.gz" for u in used]
    assert "magnitude" in found.magnitude.name
    assert [len(paths) for paths in found.sidecars] == [1] * len(used)


@pytest.mark.parametrize(
    "images",
    [("phasediff",), ("phase1", "magnitude1"), ("acq-a_phasediff", "acq-b_magnitude1")],
    ids=["no magnitude", "no second phase", "another acquisition"],
)
def test_half_a_field_map_is_not_used_and_a_note_says_so(find_map, images):
    found, notes = find_map({}, **dict.fromkeys(images, MEANT))

    assert found is None
    assert any("field maps not used" in note for note in notes)


def test_a_field_map_of_another_series_is_not_used(find_map):
    other = {"IntendedFor": "func/sub-1_task-rest_bold.nii.gz"}

    found, notes = find_map({}, phasediff=other, magnitude1=other)

    assert found is None
    assert any("field maps not used" in note for note in notes)
