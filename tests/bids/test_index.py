import json
import shutil
import warnings

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.derived import index_derivatives
from motor_bids_app.bids.index import index_dataset, select_participants
from motor_bids_app.bids.search import read_sidecars
from motor_bids_app.errors import (
    EmptySelectionError,
    InputMissingError,
    ReadWriteError,
    UsageError,
)
from motor_bids_app.settings import Selection

EVERYONE = Selection()


def index(root, selection=EVERYONE, **derivatives):
    return index_dataset(root, selection, derivatives)


def test_gradients_and_sidecars_are_inherited_from_the_top(make_dataset):
    root = make_dataset(
        "sub-1/dwi/sub-1_dir-AP_dwi.nii.gz",
        "sub-1/dwi/sub-1_dir-PA_dwi.json",
        "dwi.bval",
        "dwi.bvec",
        "task-rest_bold.json",
    )
    (root / "dwi.json").write_text('{"EchoTime": 0.1, "Manufacturer": "A"}')
    (root / "sub-1/dwi/sub-1_dir-AP_dwi.json").write_text('{"EchoTime": 0.2}')

    (scan,) = index(root)

    assert scan.bval == root / "dwi.bval"
    assert scan.bvec == root / "dwi.bvec"
    assert read_sidecars(scan.dwi_sidecars) == {"EchoTime": 0.2, "Manufacturer": "A"}


def test_gradients_are_found_from_a_relative_path(make_dataset, monkeypatch):
    root = make_dataset(*(f"sub-1/dwi/sub-1_dwi.{kind}" for kind in ("nii.gz", "bval", "bvec")))
    monkeypatch.chdir(root.parent)

    (scan,) = index(root.relative_to(root.parent))

    assert scan.bval == root / "sub-1/dwi/sub-1_dwi.bval"


def test_own_gradients_win_over_inherited_ones(make_dataset):
    root = make_dataset(
        "sub-1/dwi/sub-1_dwi.nii.gz", "sub-1/dwi/sub-1_dwi.bval", "dwi.bval", "dwi.bvec"
    )

    (scan,) = index(root)

    assert scan.bval == root / "sub-1/dwi/sub-1_dwi.bval"


def test_dwi_without_gradients_serves_as_an_image_only(make_dataset):
    root = make_dataset("sub-1/dwi/sub-1_dwi.nii.gz", "sub-1/dwi/sub-1_rec-ADC_dwi.nii.gz")

    (scan,) = index(root)

    assert scan.dwi is None
    assert scan.trace == root / "sub-1/dwi/sub-1_dwi.nii.gz"
    assert "no .bval" in scan.notes[0]


def test_dwi_with_most_volumes_is_taken(make_dataset):
    names = [f"sub-1/dwi/sub-1_dir-{d}_dwi" for d in ("AP", "PA")]
    root = make_dataset(*(f"{n}{e}" for n in names for e in (".nii.gz", ".bval", ".bvec")))
    (root / f"{names[0]}.bval").write_text("0\n")
    (root / f"{names[1]}.bval").write_text("0 1000 1000\n")

    (scan,) = index(root)

    assert scan.dwi == root / f"{names[1]}.nii.gz"
    assert [other.path.name for other in scan.further_dwi] == []
    assert any("with most volumes" in note for note in scan.notes)


@pytest.mark.parametrize(("bvec", "n_left_out"), [("0 0\n0 0\n0 0", 0), ("0 1\n0 0\n0 0", 1)])
def test_a_series_without_directions_is_none_whose_directions_are_left_out(
    make_dataset, bvec, n_left_out
):
    names = [f"sub-1/dwi/sub-1_dir-{d}_dwi" for d in ("AP", "PA")]
    root = make_dataset(*(f"{n}{e}" for n in names for e in (".nii.gz", ".bval", ".bvec")))
    (root / f"{names[0]}.bval").write_text("0 1000 1000\n")
    (root / f"{names[1]}.bval").write_text("0 0\n")
    (root / f"{names[1]}.bvec").write_text(bvec)

    (scan,) = index(root)

    assert len(scan.further_dwi) == n_left_out


def add_gradients(path, directions):
    """Write a table of a b0 volume and some directions."""
    turns = np.linspace(0, 3, directions)
    rows = [[0, *np.cos(turns)], [0, *np.sin(turns)], [0] * (directions + 1)]
    path.with_suffix(".bval").write_text(" ".join(["0", *["1000"] * directions]))
    path.with_suffix(".bvec").write_text("\n".join(" ".join(map(str, row)) for row in rows))


@pytest.mark.parametrize("label", ["DWI", "iso", "FA", "TRACEW"])
def test_a_series_is_one_whatever_its_acq(make_dataset, label):
    root = make_dataset(f"sub-1/dwi/sub-1_acq-{label}_dwi.nii.gz")
    add_gradients(root / f"sub-1/dwi/sub-1_acq-{label}_dwi.nii", 12)

    (scan,) = index(root)

    assert scan.dwi == root / f"sub-1/dwi/sub-1_acq-{label}_dwi.nii.gz"
    assert any("12 directions" in note for note in scan.notes)


@pytest.mark.parametrize(
    ("name", "directions"), [("acq-FA", 3), ("acq-TRACE", 3), ("rec-FA", 12), ("rec-DWI", 12)]
)
def test_a_single_image_of_the_scanner_is_no_series_and_a_note_says_so(
    make_dataset, name, directions
):
    root = make_dataset(f"sub-1/dwi/sub-1_{name}_dwi.nii.gz", "sub-1/anat/sub-1_T1w.nii.gz")
    add_gradients(root / f"sub-1/dwi/sub-1_{name}_dwi.nii", directions)

    (scan,) = index(root)

    assert scan.dwi is None
    assert any(f"sub-1_{name}_dwi.nii.gz" in note for note in scan.notes)


@pytest.mark.parametrize(("space", "noted"), [("MNI152NLin6Asym", 1), ("MNI152NLin2009aSym", 0)])
def test_a_mask_in_another_standard_space_is_noted(make_dataset, space, noted):
    root = make_dataset(f"sub-1/anat/sub-1_space-{space}_label-L_mask.nii.gz")

    (scan,) = index(root)

    assert sum(f"is in {space}: it is moved to MNI152NLin" in note for note in scan.notes) == noted
    assert scan.doubts == ()


@pytest.mark.parametrize(
    ("given", "taken", "said"),
    [
        ("MNI152NLin6ASym", "MNI152NLin6Asym", "moved"),  # as BIDS spells it
        ("mni152nlin2009casym", "MNI152NLin2009cAsym", "moved"),
        ("MNI152NLin2009cSym", "MNI152NLin2009cSym", "as it is"),
        ("MNI152NLin2009bSym", "MNI152NLin2009bSym", "as it is"),
    ],
)
def test_names_of_mni_spaces_are_known_however_they_are_spelled(make_dataset, given, taken, said):
    root = make_dataset(f"sub-1/anat/sub-1_space-{given}_label-L_mask.nii.gz")

    (scan,) = index(root)

    assert scan.lesion.space == taken
    assert said in scan.notes[-1]


@pytest.mark.parametrize(
    "space", ["MNI152NLin2009aAsym", "MNI152NLin6Sym", "MNI152Lin", "IXI549Space", "ICBM152Lin"]
)
def test_a_mask_of_a_space_that_nothing_leads_from_is_refused_in_a_sentence(make_dataset, space):
    name = f"sub-1_space-{space}_label-L_mask.nii.gz"
    root = make_dataset("sub-1/anat/sub-1_T1w.nii.gz", f"sub-1/anat/{name}")

    (scan,) = index(root)

    assert scan.lesion is None
    (doubt,) = scan.doubts
    assert doubt.startswith(f"The lesion mask {name} was left out: it is in {space}, from which")
    assert "Give a mask in one of MNI152NLin2009aSym, " in doubt


@pytest.mark.parametrize(
    ("shape", "corner", "step", "taken"),
    [
        ((193, 229, 193), (-96, -132, -78), 1, "MNI152NLin2009cAsym"),
        ((97, 115, 97), (-96, -132, -78), 2, "MNI152NLin2009cAsym"),
        ((197, 233, 189), (-98, -134, -72), 1, "MNI152NLin2009aSym"),
        ((91, 109, 91), (-90, -126, -72), 2, "MNI152NLin6Asym"),
        ((79, 95, 79), (-78, -112, -70), 2, "MNI152NLin6Asym"),
    ],
)
@pytest.mark.parametrize("flip", [False, True])
def test_of_a_space_without_version_the_box_decides_and_it_is_doubted(
    make_dataset, shape, corner, step, taken, flip
):
    name = "sub-1/anat/sub-1_space-MNI152_label-L_mask.nii.gz"
    root = make_dataset(name)
    affine = np.diag([step, step, step, 1.0])
    affine[:3, 3] = corner
    if flip:
        affine[0, 0], affine[0, 3] = -step, corner[0] + step * (shape[0] - 1)
    nib.save(nib.Nifti1Image(np.zeros(shape, np.uint8), affine), root / name)

    (scan,) = index(root)

    assert scan.lesion.space == taken
    (doubt,) = scan.doubts
    assert f"is in MNI152 of no version, and was taken to be in {taken}" in doubt


@pytest.mark.parametrize("space", ["IXI549Space", "MNI152"])
def test_a_mask_that_is_not_needed_raises_no_doubt(make_dataset, space):
    root = make_dataset(
        "sub-1/anat/sub-1_T1w.nii.gz",
        "sub-1/anat/sub-1_space-T1w_label-L_mask.nii.gz",
        f"sub-1/anat/sub-1_space-{space}_label-L_mask.nii.gz",
    )

    (scan,) = index(root)

    assert scan.lesion.image == "T1w"
    assert scan.doubts == ()
    assert any(f"space-{space}_label-L_mask.nii.gz" in note for note in scan.notes)


def test_a_mask_in_our_space_goes_before_one_in_another(make_dataset):
    root = make_dataset(
        "sub-1/anat/sub-1_space-MNI152NLin2009cAsym_label-L_mask.nii.gz",
        "sub-1/anat/sub-1_space-MNI152NLin2009aSym_label-L_mask.nii.gz",
    )

    (scan,) = index(root)

    assert scan.lesion.space == "MNI152NLin2009aSym"


@pytest.mark.parametrize("suffix", ["phasediff", "fieldmap", "epi"])
def test_a_field_map_that_is_not_used_is_noted(make_dataset, suffix):
    root = make_dataset(
        *(f"sub-1/dwi/sub-1_dwi.{kind}" for kind in ("nii.gz", "bval", "bvec")),
        f"sub-1/fmap/sub-1_{suffix}.nii.gz",
    )

    (scan,) = index(root)

    assert any(f"not used: sub-1_{suffix}.nii.gz" in note for note in scan.notes)


def test_first_run_is_taken_and_the_others_are_its_repeats(make_dataset):
    root = make_dataset(*(f"sub-1/anat/sub-1_run-{run}_T1w.nii.gz" for run in (2, 1, 10)))

    (scan,) = index(root)

    assert scan.t1w.name == "sub-1_run-1_T1w.nii.gz"
    assert [path.name for path in scan.repeats] == [
        "sub-1_run-2_T1w.nii.gz",
        "sub-1_run-10_T1w.nii.gz",
    ]
    assert scan.notes == ()


def test_another_acquisition_is_no_repeat(make_dataset):
    root = make_dataset(*(f"sub-1/anat/sub-1_{name}T1w.nii.gz" for name in ("", "acq-fast_")))

    (scan,) = index(root)

    assert scan.repeats == ()
    assert scan.notes == ("2 T1w images: used sub-1_T1w.nii.gz",)


def test_phase_and_processed_images_are_not_taken(make_dataset):
    names = ("sub-1_part-phase_T1w", "sub-1_space-T2w_T1w", "sub-1_desc-defaced_T1w")
    root = make_dataset(
        "sub-1/anat/sub-1_acq-x_part-mag_T1w.nii.gz",
        *(f"sub-1/anat/{name}.nii.gz" for name in names),
    )

    (scan,) = index(root)

    assert scan.t1w.name == "sub-1_acq-x_part-mag_T1w.nii.gz"


def test_what_was_not_asked_for_is_listed_all_the_same(make_dataset):
    root = make_dataset(
        "sub-1/anat/sub-1_T1w.nii.gz",
        *(f"sub-1/dwi/sub-1_dwi.{kind}" for kind in ("nii.gz", "bval", "bvec")),
    )

    (scan,) = index(root, Selection(modalities=("anat",)))

    assert scan.dwi is not None


def test_bold_is_taken_where_there_is_a_head_to_place_it_by(make_dataset):
    root = make_dataset(
        "sub-1/anat/sub-1_T1w.nii.gz",
        "sub-1/func/sub-1_task-rest_bold.nii.gz",
        "sub-2/func/sub-2_task-rest_bold.nii.gz",
    )

    first, second = index(root)

    assert first.bold.path.name == "sub-1_task-rest_bold.nii.gz"
    assert second.bold is None


def test_sessions_are_kept_apart(make_dataset):
    root = make_dataset(
        "sub-1/ses-pre/anat/sub-1_ses-pre_T1w.nii.gz",
        "sub-1/ses-post/anat/sub-1_ses-post_T1w.nii.gz",
        "sub-1/ses-rest/eeg/sub-1_ses-rest_task-rest_eeg.edf",
    )

    *scans, rest = index(root)

    assert [scan.prefix for scan in scans] == ["sub-1_ses-post", "sub-1_ses-pre"]
    assert rest.t1w is None  # a recording needs none
    assert [scan.t1w.name for scan in scans] == [f"{scan.prefix}_T1w.nii.gz" for scan in scans]
    assert index(root, Selection(sessions=("pre",))) == scans[1:]


@pytest.mark.parametrize(("session", "lender"), [("a", "b"), ("c", "b"), ("e", "d")])
def test_a_session_without_head_takes_that_of_another(make_dataset, session, lender):
    root = make_dataset(
        *(f"sub-1/ses-{s}/anat/sub-1_ses-{s}_{i}.nii.gz" for s in "bd" for i in ("T1w", "FLAIR")),
        f"sub-1/ses-{session}/func/sub-1_ses-{session}_task-rest_bold.nii.gz",
        "sub-1/ses-b/anat/sub-1_ses-b_label-L_mask.nii.gz",
    )

    (scan,) = index(root, Selection(sessions=(session,)))

    assert scan.bold is not None
    assert scan.t1w.name == f"sub-1_ses-{lender}_T1w.nii.gz"
    assert scan.flair.name == f"sub-1_ses-{lender}_FLAIR.nii.gz"
    assert f"no head image in ses-{session}" in scan.notes[0]
    assert scan.lesion_drawn_on.name == "sub-1_ses-b_T1w.nii.gz"


@pytest.mark.parametrize(
    ("mask", "image"),
    [
        ("anat/sub-1_label-L_mask", "T1w"),
        ("anat/sub-1_space-orig_label-L_mask", "T1w"),
        ("anat/sub-1_space-T2w_desc-lesion_mask", "T2w"),
        ("anat/sub-1_FLAIR_label-lesion_roi", "FLAIR"),
        ("anat/sub-1_desc-T1lesion_mask", "T1w"),
        ("dwi/sub-1_space-TRACE_desc-lesion_mask", "dwi"),
        ("dwi/sub-1_desc-lesion_mask", "dwi"),
        ("anat/sub-1_space-MNI152NLin6Asym_label-L_mask", "standard"),
    ],
)
@pytest.mark.parametrize("place", ["raw", "inside", "given"])
def test_lesion_goes_with_the_image_it_was_drawn_on(make_dataset, mask, image, place):
    heads = [f"sub-1/anat/sub-1_{suffix}.nii.gz" for suffix in ("T1w", "T2w", "FLAIR")]
    root = make_dataset(*heads, "sub-1/dwi/sub-1_rec-TRACE_dwi.nii.gz")
    folder = {"raw": "raw", "inside": "raw/derivatives/lesions", "given": "lesions"}[place]
    lesions = make_dataset(f"sub-1/{mask}.nii.gz", folder=folder)
    derivatives = {"mine": lesions} if place == "given" else {}

    (scan,) = index(root, **derivatives)

    assert scan.lesion.path == lesions / f"sub-1/{mask}.nii.gz"
    assert scan.lesion.image == image
    assert scan.t1w == root / heads[0]  # and not a mask


def test_lesion_without_its_image_is_left_out_and_said(make_dataset):
    root = make_dataset(
        "sub-1/anat/sub-1_T1w.nii.gz", "sub-1/anat/sub-1_space-FLAIR_label-L_mask.nii.gz"
    )

    (scan,) = index(root)

    assert scan.lesion is None
    assert "no FLAIR" in scan.doubts[0]


def test_native_lesion_is_preferred_to_a_standard_one(make_dataset):
    root = make_dataset("sub-1/anat/sub-1_T1w.nii.gz", "sub-1/anat/sub-1_label-L_mask.nii.gz")
    standard = "sub-1/anat/sub-1_space-MNI152NLin6Asym_label-L_mask.nii.gz"
    lesions = make_dataset(standard, folder="lesions")

    (scan,) = index(root, mine=lesions)

    assert not scan.lesion.is_standard


def test_lesion_of_named_derivatives_is_preferred(make_dataset):
    mask = "sub-1/anat/sub-1_label-L_mask.nii.gz"
    root = make_dataset("sub-1/anat/sub-1_T1w.nii.gz", mask, f"derivatives/a/{mask}")
    given = make_dataset(mask, folder="given")

    assert index(root, mine=given)[0].lesion.dataset == "mine"
    assert index(root)[0].lesion.dataset == "raw"


def test_what_an_earlier_run_made_of_a_mask_is_no_new_mask(make_dataset):
    root = make_dataset(
        "sub-1/anat/sub-1_T1w.nii.gz",
        "sub-1/anat/sub-1_space-MNI152NLin2009aSym_label-L_mask.nii.gz",
        "derivatives/out/sub-1/anat/sub-1_label-L_mask.nii.gz",
    )
    made = {"Name": "d", "BIDSVersion": "1.11.0", "GeneratedBy": [{"Name": "motor_bids_app"}]}
    (root / "derivatives/out/dataset_description.json").write_text(json.dumps(made))

    (scan,) = index(root)

    assert scan.lesion.dataset == "raw"


@pytest.mark.parametrize("space", ["MNI305", "MNIInfant", "MNIColin27", "ICBM452Warp5Space"])
def test_a_brain_of_another_size_is_not_taken_for_the_standard_one(make_dataset, space):
    root = make_dataset(f"sub-1/anat/sub-1_space-{space}_label-L_mask.nii.gz")

    (scan,) = index(root)

    assert scan.lesion is None


@pytest.mark.parametrize("drawn", ["a", "b"])
def test_lesion_of_one_session_serves_the_other(make_dataset, drawn):
    root = make_dataset(
        "sub-1/ses-a/anat/sub-1_ses-a_T1w.nii.gz",
        "sub-1/ses-b/anat/sub-1_ses-b_T1w.nii.gz",
        f"sub-1/ses-{drawn}/anat/sub-1_ses-{drawn}_label-L_mask.nii.gz",
    )

    for scan in index(root):
        assert scan.lesion.session == drawn
        assert scan.lesion_drawn_on == root / f"sub-1/ses-{drawn}/anat/sub-1_ses-{drawn}_T1w.nii.gz"
        assert len(scan.notes) == (scan.session != drawn)
        assert all(f"of ses-{drawn} was taken" in note for note in scan.notes)


def test_each_session_keeps_its_own_lesion(make_dataset):
    names = [
        f"sub-1/ses-{label}/anat/sub-1_ses-{label}_{suffix}.nii.gz"
        for label in ("a", "b", "c")
        for suffix in ("T1w", "label-L_mask")
    ]
    root = make_dataset(*names[:-1])

    scans = index(root)

    assert [scan.lesion.session for scan in scans] == [
        "a",
        "b",
        "b",
    ]  # the one before it
    assert index(root, Selection(sessions=("c",)))[0] == scans[2]


def test_a_mask_in_a_session_without_images_is_said_where_it_is_missed(make_dataset):
    root = make_dataset(
        "sub-1/ses-a/anat/sub-1_ses-a_label-L_mask.nii.gz",
        "sub-1/ses-b/anat/sub-1_ses-b_T1w.nii.gz",
    )

    (scan,) = index(root)

    assert scan.lesion is None
    assert "sub-1_ses-a_label-L_mask" in " ".join(scan.doubts)


@pytest.mark.parametrize(
    "names",
    [
        ("run-1_label-L_mask", "run-2_label-L_mask"),
        ("label-lesion1_mask", "label-lesion2_mask", "label-lesion3_mask"),
        ("desc-lesion1_roi", "desc-lesion2_roi"),
        ("hemi-L_desc-lesion_mask", "hemi-R_desc-lesion_mask"),
        ("label-left_desc-lesion_mask", "label-right_desc-lesion_mask"),
        ("desc-leftLesion_mask", "desc-rightLesion_mask"),
        ("label-L1_mask", "label-L2_mask"),
    ],
)
def test_masks_of_parts_of_one_lesion_belong_together(make_dataset, names):
    paths = [f"sub-1/anat/sub-1_{name}.nii.gz" for name in names]
    root = make_dataset("sub-1/anat/sub-1_T1w.nii.gz", *paths)

    (scan,) = index(root)

    assert sorted(scan.lesion.paths) == sorted(root / path for path in paths)
    assert f"{len(names)} lesion masks were united" in scan.notes[0]


def test_masks_of_two_authors_are_not_united(make_dataset):
    names = [f"sub-1/anat/sub-1_label-L_desc-{name}_mask.nii.gz" for name in ("ann", "bob")]
    root = make_dataset("sub-1/anat/sub-1_T1w.nii.gz", *names)

    (scan,) = index(root)

    assert scan.lesion.paths == [root / names[0]]
    assert "2 lesion masks: used" in scan.notes[0]


@pytest.mark.parametrize(
    "name",
    [
        "desc-infarct_mask",
        "label-lesion_dseg",
        "label-left_mask",
        "lesionMask",
        "infarct",
        "label-L_probseg",
    ],
)
def test_a_mask_of_an_unknown_name_is_named_with_those_that_are_taken(make_dataset, name):
    root = make_dataset("sub-1/anat/sub-1_T1w.nii.gz", f"sub-1/anat/sub-1_{name}.nii.gz")

    (scan,) = index(root)

    assert scan.lesion is None
    assert name in scan.doubts[0]
    assert "label-L" in scan.doubts[0]


def test_a_mask_of_one_side_is_a_lesion_where_its_folder_says_so(make_dataset):
    root = make_dataset(
        "sub-1/anat/sub-1_T1w.nii.gz",
        "derivatives/lesions/sub-1/anat/sub-1_label-left_mask.nii.gz",
        "derivatives/lesions/sub-1/anat/sub-1_label-right_mask.nii.gz",
    )

    (scan,) = index(root)

    assert len(scan.lesion.paths) == 2


def write_image(path, affine, shape=(9, 9, 9)):
    nib.save(nib.Nifti1Image(np.ones(shape, dtype=np.uint8), affine), path)


def test_a_mask_without_session_belongs_to_the_image_whose_grid_it_has(make_dataset):
    mask = "derivatives/lesions/sub-1/anat/sub-1_label-L_mask.nii.gz"
    heads = [f"sub-1/ses-{label}/anat/sub-1_ses-{label}_T1w.nii.gz" for label in "ab"]
    root = make_dataset(*heads, mask)
    moved = np.eye(4)
    moved[:3, 3] = [5, 0, 2]
    for name, affine in zip((*heads, mask), (np.eye(4), moved, moved), strict=True):
        write_image(root / name, affine)

    for scan in index(root):
        assert scan.lesion_drawn_on == root / heads[1]


@pytest.mark.parametrize("shape", [(9, 9, 9), (8, 9, 9)])
def test_a_mask_of_an_absent_image_counts_only_on_the_grid_of_one_that_is_there(
    make_dataset, shape
):
    head = "sub-1/anat/sub-1_T1w.nii.gz"
    mask = "sub-1/anat/sub-1_space-FLAIR_label-L_mask.nii.gz"
    root = make_dataset(head, mask)
    write_image(root / head, np.eye(4))
    write_image(root / mask, np.eye(4), shape)

    (scan,) = index(root)

    if shape == (9, 9, 9):
        assert scan.lesion_drawn_on == root / head
        assert "FLAIR that is missing" in " ".join(scan.notes)
    else:
        assert scan.lesion is None
        assert "left out" in scan.doubts[0]


TEMPLATE = np.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])


@pytest.mark.parametrize("head_too", [False, True])
def test_a_native_mask_with_the_voxels_of_a_template_is_not_laid_on_the_head(
    make_dataset, head_too
):
    head, mask = "sub-1/anat/sub-1_T1w.nii.gz", "sub-1/anat/sub-1_label-lesion_roi.nii.gz"
    root = make_dataset(head, mask)
    write_image(root / mask, TEMPLATE, (91, 109, 91))
    write_image(root / head, TEMPLATE if head_too else np.eye(4), (91, 109, 91))

    (scan,) = index(root)

    assert (scan.lesion is not None) == head_too
    assert any("voxels are those of an MNI152 template" in one for one in scan.doubts) != head_too


def test_a_mask_called_one_of_the_standard_space_is_of_the_head_whose_voxels_it_has(make_dataset):
    head = "sub-1/anat/sub-1_T1w.nii.gz"
    mask = "sub-1/anat/sub-1_space-MNI152NLin6Asym_label-L_mask.nii.gz"
    root = make_dataset(head, mask)
    for name in (head, mask):
        write_image(root / name, np.diag([1.1, 1, 1, 1]), (160, 190, 170))

    (scan,) = index(root)

    assert (scan.lesion.image, scan.lesion_drawn_on) == ("T1w", root / head)
    assert "says MNI152NLin6Asym in its name" in scan.doubts[0]


def test_a_sidecar_says_which_image_a_mask_was_drawn_on(make_dataset):
    root = make_dataset(
        "sub-1/anat/sub-1_T1w.nii.gz",
        "sub-1/anat/sub-1_FLAIR.nii.gz",
        "sub-1/anat/sub-1_label-L_mask.nii.gz",
    )
    told = {"Type": "Lesion", "Sources": ["bids::sub-1/anat/sub-1_FLAIR.nii.gz"]}
    (root / "sub-1/anat/sub-1_label-L_mask.json").write_text(json.dumps(told))

    assert index(root)[0].lesion.image == "FLAIR"


def test_lesion_without_session_serves_all_sessions(make_dataset):
    root = make_dataset(
        "sub-1/ses-a/anat/sub-1_ses-a_T1w.nii.gz",
        "sub-1/ses-b/anat/sub-1_ses-b_T1w.nii.gz",
        "derivatives/lesions/sub-1/anat/sub-1_label-L_mask.nii.gz",
    )

    scans = index(root)

    assert [scan.session for scan in scans if scan.lesion] == ["a", "b"]


def test_dataset_of_standard_masks_alone_is_enough(make_dataset):
    name = "sub-{0}/anat/sub-{0}_space-MNI152NLin2009aSym_label-L_mask.nii.gz"
    root = make_dataset(name.format("1"), name.format("2"))

    scans = index(root)

    assert [scan.participant for scan in scans] == ["1", "2"]
    assert all(scan.lesion.is_standard and scan.anatomy is None for scan in scans)


def test_participant_without_images_is_listed_as_empty(make_dataset):
    root = make_dataset("sub-1/meg/sub-1_task-rest_meg.fif", "sub-2/anat/sub-2_T1w.nii.gz")

    scans = index(root)

    assert [(scan.participant, scan.is_empty) for scan in scans] == [("1", True), ("2", False)]


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ({"acquisition": None}, "sub-1_run-1_T1w"),
        ({"acquisition": "fast"}, "sub-1_acq-fast_T1w"),
        ({"acquisition": ["slow", "fast"], "run": 1}, "sub-1_acq-slow_run-01_T1w"),
        ({"acquisition": "*", "run": None}, "sub-1_acq-fast_T1w"),
    ],
)
def test_bids_filter_chooses_among_images(make_dataset, wanted, name):
    files = ("sub-1_run-1_T1w", "sub-1_acq-fast_T1w", "sub-1_acq-slow_run-01_T1w")
    root = make_dataset(*(f"sub-1/anat/{file}.nii.gz" for file in files))

    (scan,) = index(root, Selection(bids_filter={"t1w": wanted, "bold": {}}))

    assert scan.t1w.name == f"{name}.nii.gz"


def test_bids_filter_of_unknown_image_is_explained(make_dataset):
    root = make_dataset("sub-1/anat/sub-1_T1w.nii.gz")
    with pytest.raises(UsageError, match=r"has 'T1'.*t1w"):
        index(root, Selection(bids_filter={"T1": {}}))


def test_unknown_participant_is_named_with_those_that_exist():
    with pytest.raises(EmptySelectionError, match=r"'031'.*has 3, such as 03, 01"):
        select_participants(["01", "02", "03"], Selection(participants=("031",)))


def test_shards_cover_everyone_once():
    known = [f"{i:02}" for i in range(10)]

    parts = [select_participants(known, Selection(shard=(i, 3))) for i in (1, 2, 3)]

    assert sorted(label for part in parts for label in part) == known


@pytest.mark.parametrize(
    "selection",
    [
        Selection(excluded=("1",)),
        Selection(shard=(2, 2)),
        Selection(sessions=("x",)),
    ],
)
def test_empty_selection_is_an_error(make_dataset, selection):
    root = make_dataset("sub-1/ses-a/anat/sub-1_ses-a_T1w.nii.gz")
    with pytest.raises(EmptySelectionError):
        index(root, selection)


def test_broken_description_is_named(make_dataset):
    root = make_dataset("sub-1/anat/sub-1_T1w.nii.gz")
    (root / "dataset_description.json").write_text("{")
    with pytest.raises(ReadWriteError, match="raw cannot be indexed"):
        index(root)


@pytest.mark.parametrize(
    ("name", "n_lesions", "n_dwi", "n_eeg"),
    [
        pytest.param("ds004889", 361, 0, 0, marks=pytest.mark.slow),
        ("ds004498", 0, 7, 0),
        ("nm000158", 0, 0, 50),
    ],
)
def test_real_file_trees_are_indexed(test_data, tmp_path, name, n_lesions, n_dwi, n_eeg):
    source = test_data / "participants_stroke" / name
    names = (source / "tree.txt").read_text().split()
    for file in names:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    for path in source.glob("d*.*"):  # the description, and gradients to inherit
        shutil.copy(path, tmp_path)

    with warnings.catch_warnings(action="error"):
        scans = index(tmp_path)

    lesions = [scan.lesion for scan in scans if scan.lesion]
    assert len(lesions) == n_lesions
    assert {lesion.image for lesion in lesions} <= {"dwi"}
    assert sum(scan.dwi is not None for scan in scans) == n_dwi
    assert sum(scan.eeg is not None for scan in scans) == n_eeg
    assert not any(scan.is_empty for scan in scans)


STANDARD = "space-MNI152NLin2009aSym_res-2"


def test_derivatives_are_found_under_our_names(make_dataset):
    root = make_dataset(
        f"sub-1/dwi/sub-1_{STANDARD}_model-tensor_param-fa_dwimap.nii.gz",
        "sub-1/dwi/sub-1_model-tensor_param-fa_dwimap.nii.gz",
        "sub-1/dwi/sub-1_space-MNI152NLin6Asym_res-2_model-tensor_param-md_dwimap.nii.gz",
        f"sub-1/anat/sub-1_{STANDARD}_label-GM_probseg.nii.gz",
        f"sub-1/anat/sub-1_{STANDARD}_label-L_mask.nii.gz",
        f"sub-1/anat/sub-1_{STANDARD}_desc-brain_mask.nii.gz",
        "sub-1/sub-1_desc-features.tsv",
    )

    (scan,) = index_derivatives(root)

    assert list(scan.maps) == ["fa", "gm", "lesion"]
    assert all(STANDARD in path.name for path in scan.maps.values())
    assert scan.features == root / "sub-1/sub-1_desc-features.tsv"
    assert scan.brain_mask is not None


def test_other_derivatives_fill_what_the_output_lacks(make_dataset):
    fa = f"sub-1/ses-a/dwi/sub-1_ses-a_{STANDARD}_model-tensor_param-fa_dwimap.nii.gz"
    md = fa.replace("param-fa", "param-md")
    output = make_dataset(fa, folder="output")
    extra = make_dataset(fa, md, md.replace("sub-1", "sub-2"), folder="extra")

    first, second = index_derivatives(output, {"other": extra})

    assert first.maps == {"fa": output / fa, "md": extra / md}
    assert first.sources == ("output", "other")
    assert (second.participant_id, second.session_id) == ("sub-2", "ses-a")


def test_no_derivatives_says_what_to_run_first(tmp_path):
    with pytest.raises(InputMissingError, match="Run the participant level first"):
        index_derivatives(tmp_path)


def test_one_who_failed_before_may_be_excluded(make_dataset):
    root = make_dataset("sub-1/sub-1_desc-features.tsv")

    (scan,) = index_derivatives(root, selection=Selection(excluded=("7",)))

    assert scan.participant == "1"


def test_what_bidsignore_excludes_is_left_out_and_said(make_dataset):
    root = make_dataset(
        "sub-1/anat/sub-1_T1w.nii.gz",
        *(f"sub-1/dwi/sub-1_dwi.{kind}" for kind in ("nii.gz", "bval", "bvec")),
        "sub-2/anat/sub-2_T1w.nii.gz",
    )
    (root / ".bidsignore").write_text("sub-1/dwi/\n*_T2w*\n/sub-2\n")

    first, second = index(root)

    assert first.t1w
    assert first.dwi is None
    assert "sub-1_dwi.nii.gz left out: .bidsignore excludes sub-1/dwi" in first.notes
    assert second.is_empty
    assert "sub-2_T1w.nii.gz left out: .bidsignore excludes sub-2" in second.notes


def test_a_mask_that_bidsignore_lists_for_its_name_is_used_and_said(make_dataset):
    root = make_dataset(
        "sub-1/anat/sub-1_T1w.nii.gz",
        "sub-1/anat/sub-1_label-lesion_roi.nii.gz",
        "sub-2/anat/sub-2_T1w.nii.gz",
        "sub-2/bad/sub-2_label-lesion_roi.nii.gz",
    )
    (root / ".bidsignore").write_text("*_roi.nii.gz\nbad/\n")

    first, second = index(root)

    assert first.lesion
    assert any("is used although .bidsignore lists it" in note for note in first.notes)
    assert second.lesion is None


def test_a_folder_whose_name_is_no_label_fails_alone(make_dataset):
    root = make_dataset("sub-a b/anat/sub-a b_T1w.nii.gz", "sub-1/anat/sub-1_T1w.nii.gz")

    good, bad = index(root)

    assert good.t1w is not None
    assert not good.problem
    assert "cannot be part of a BIDS name" in bad.problem


def test_a_task_of_nobody_is_refused(make_dataset):
    root = make_dataset("sub-1/func/sub-1_task-rest_bold.nii.gz", "sub-2/anat/sub-2_T1w.nii.gz")

    with pytest.raises(EmptySelectionError, match=r"'nosuch'; those of the chosen.*rest"):
        index(root, Selection(tasks=("nosuch",)))
    assert index(root, Selection(participants=("2",), tasks=("rest",)))[0].t1w is not None


def test_who_has_a_mask_alone_that_cannot_be_placed_is_told_why(make_dataset):
    (scan,) = index(make_dataset("sub-1/anat/sub-1_space-T1w_label-L_mask.nii.gz"))

    assert scan.is_empty
    assert "sub-1_space-T1w_label-L_mask.nii.gz was left out" in scan.notes[1]


def test_notes_name_images_without_session_beside_those_of_sessions(make_dataset):
    root = make_dataset(
        "sub-1/anat/sub-1_T1w.nii.gz",
        "sub-1/anat/sub-1_space-T1w_label-L_mask.nii.gz",
        "sub-1/ses-a/anat/sub-1_ses-a_FLAIR.nii.gz",
    )

    scans = index(root)

    assert scans[1].lesion.image == "T1w of no session"
    assert "of no session was taken" in " ".join(scans[1].notes)
    assert "None" not in " ".join(note for scan in scans for note in scan.notes)


def test_a_series_without_session_takes_the_head_of_one(make_dataset):
    root = make_dataset(
        *(f"sub-1/dwi/sub-1_dwi{end}" for end in (".nii.gz", ".bval", ".bvec")),
        "sub-1/ses-a/anat/sub-1_ses-a_T1w.nii.gz",
    )

    first, _ = index(root)

    assert first.anatomy[0].name == "sub-1_ses-a_T1w.nii.gz"
    assert "no head image without session" in first.notes[0]


def test_images_to_ignore_are_left_out(make_dataset):
    root = make_dataset(
        *(f"sub-1/anat/sub-1_{kind}.nii.gz" for kind in ("T1w", "T2w", "FLAIR")),
        *(f"sub-1/dwi/sub-1_dwi.{kind}" for kind in ("nii.gz", "bval", "bvec")),
        "sub-1/dwi/sub-1_sbref.nii.gz",
        "sub-1/fmap/sub-1_epi.nii.gz",
    )
    meant = '"IntendedFor": "bids::sub-1/dwi/sub-1_dwi.nii.gz"'
    for name, direction in (
        ("dwi/sub-1_dwi", "j"),
        ("dwi/sub-1_sbref", "j-"),
        ("fmap/sub-1_epi", "j-"),
    ):
        text = f'{{"PhaseEncodingDirection": "{direction}", {meant}}}'
        (root / "sub-1" / f"{name}.json").write_text(text)

    (whole,) = index(root)
    (less,) = index(root, Selection(ignored=("t2w", "flair", "fieldmaps")))
    (least,) = index(root, Selection(ignored=("fieldmaps", "sbref")))

    assert (whole.t2w is None, whole.flair is None) == (False, False)
    assert whole.reverse_phase.path.name == "sub-1_epi.nii.gz"
    assert less.t1w
    assert less.t2w is less.flair is None
    assert less.reverse_phase.path.name == "sub-1_sbref.nii.gz"
    assert least.reverse_phase is None
