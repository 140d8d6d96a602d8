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


BOLD = "sub-1/func/sub-1_task-rest_dir-AP_bold"
AP, PA = {"PhaseEncodingDirection": "j-"}, {"PhaseEncodingDirection": "j"}


@pytest.fixture
def find_of_bold(make_dataset):
    """Write images as name=metadata and return the scan of a person with bold."""

    def find_of_bold(own, **others):
        head = "sub-1/anat/sub-1_T1w.nii.gz"
        root = make_dataset(head, f"{BOLD}.nii.gz", *(f"{name}.nii.gz" for name in others))
        for name, metadata in {BOLD: own, **others}.items():
            (root / f"{name}.json").write_text(json.dumps(metadata))
        (scan,) = index_dataset(root, Selection(tasks=("rest",)))
        assert scan.bold.path == root / f"{BOLD}.nii.gz"
        return scan

    return find_of_bold


NAMES_THE_BOLD = pytest.mark.parametrize(
    ("own", "meant"),
    [
        (AP, {"IntendedFor": f"bids::{BOLD}.nii.gz"}),
        (AP, {"IntendedFor": f"{BOLD.removeprefix('sub-1/')}.nii.gz"}),
        (AP | {"B0FieldSource": "one"}, {"B0FieldIdentifier": ["one", "two"]}),
    ],
)


@NAMES_THE_BOLD
def test_a_field_map_shows_the_distortion_of_the_bold_that_it_names(find_of_bold, own, meant):
    maps = {f"sub-1/fmap/sub-1_{name}": meant for name in ("phasediff", "magnitude1")}

    scan = find_of_bold(own, **maps)

    assert scan.bold.field_map.images[0].name == "sub-1_phasediff.nii.gz"
    assert not any("field maps not used" in note for note in scan.notes)


@NAMES_THE_BOLD
def test_an_image_with_opposite_phase_encoding_is_an_input_of_the_bold(find_of_bold, own, meant):
    scan = find_of_bold(own, **{"sub-1/fmap/sub-1_dir-PA_epi": PA | meant})

    assert scan.bold.reverse_phase.path.name == "sub-1_dir-PA_epi.nii.gz"
    assert not any("field maps not used" in note for note in scan.notes)
    used = {path.name for path in scan.bold.files.values()}
    assert {"sub-1_dir-PA_epi.nii.gz", "sub-1_dir-PA_epi.json"} <= used


def test_field_maps_of_the_dwi_do_not_show_the_distortion_of_bold(find_of_bold):
    meant = {"IntendedFor": "dwi/sub-1_dwi.nii.gz"}
    others = {"sub-1/fmap/sub-1_dir-PA_epi": PA | meant, "sub-1/dwi/sub-1_dir-PA_sbref": PA}

    scan = find_of_bold(AP, **others)

    assert scan.bold.reverse_phase is None
    assert any("field maps not used: sub-1_dir-PA_epi" in note for note in scan.notes)


def test_a_pair_of_field_maps_is_one_of_its_own_kind(find_of_bold):
    """Spin echoes have another contrast than bold, so that they are compared with each other."""
    meant = {"IntendedFor": f"bids::{BOLD}.nii.gz"}
    others = {
        "sub-1/fmap/sub-1_acq-b_dir-AP_run-2_epi": AP | meant,
        "sub-1/fmap/sub-1_acq-a_dir-AP_run-2_epi": AP | meant,
        "sub-1/fmap/sub-1_acq-b_dir-PA_run-2_epi": PA | meant,
        "sub-1/func/sub-1_task-rest_dir-AP_sbref": AP,
    }

    found = find_of_bold(AP, **others).bold.reverse_phase

    assert found.path.name == "sub-1_acq-b_dir-PA_run-2_epi.nii.gz"
    assert found.partner.path.name == "sub-1_acq-b_dir-AP_run-2_epi.nii.gz"


def test_references_come_before_bold_of_the_other_phase_encoding(find_of_bold):
    other = {"sub-1/func/sub-1_task-motor_dir-PA_bold": PA}
    references = {
        f"sub-1/func/sub-1_task-rest_dir-{way}_sbref": one for way, one in (("AP", AP), ("PA", PA))
    }

    series = find_of_bold(AP, **other).bold.reverse_phase
    reference = find_of_bold(AP, **other, **references).bold.reverse_phase

    assert (series.path.name, series.partner) == ("sub-1_task-motor_dir-PA_bold.nii.gz", None)
    assert reference.path.name == "sub-1_task-rest_dir-PA_sbref.nii.gz"
    assert reference.partner.path.name == "sub-1_task-rest_dir-AP_sbref.nii.gz"


def test_a_pair_is_of_one_echo(make_dataset):
    names = [
        f"sub-1/func/sub-1_task-rest_dir-{way}_echo-{echo}_bold"
        for way in ("AP", "PA")
        for echo in (1, 2, 3)
    ]
    root = make_dataset("sub-1/anat/sub-1_T1w.nii.gz", *(f"{name}.nii.gz" for name in names))
    for name in names:
        (root / f"{name}.json").write_text(json.dumps(AP if "AP" in name else PA))

    (scan,) = index_dataset(root, Selection())

    assert scan.bold.path.name == "sub-1_task-rest_dir-AP_echo-2_bold.nii.gz"
    assert scan.bold.reverse_phase.path.name == "sub-1_task-rest_dir-PA_echo-2_bold.nii.gz"
