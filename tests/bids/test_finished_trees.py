"""What is decided of every file in the trees of real fMRIPrep, QSIPrep and QSIRecon runs."""

import re
from dataclasses import replace

import pytest

from motor_bids_app.bids.finished import find_finished
from motor_bids_app.bids.finished_bold import find_finished_bold
from motor_bids_app.bids.finished_unused import IMAGING, unused, with_unused
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.bids.scan import Scan
from motor_bids_app.settings import Selection

HEAD = ("desc-preproc_T1w", "desc-brain_mask", *(f"label-{t}_probseg" for t in ("CSF", "GM", "WM")))
ACPC = ("space-ACPC_desc-preproc_T1w", "space-ACPC_desc-brain_mask")
TISSUE = tuple(f"space-ACPC_label-{name}_probseg" for name in ("CSF", "GM", "WM"))
SERIES = ("space-ACPC_desc-preproc_dwi", "space-ACPC_desc-brain_mask")
TREES = {
    # tree, participant, session: names of the images that are used, without participant and so on
    ("fmriprep-21.0.1_ds000001", "01", None): (
        *HEAD,
        "task-balloonanalogrisktask_run-1_space-T1w_desc-preproc_bold",
    ),
    ("fmriprep-21.0.2_ds001226", "PAT01", "preop"): (
        *HEAD,
        "task-rest_space-T1w_desc-preproc_bold",
    ),
    ("fmriprep-23.2.0_ds003752", "01", "LFContrast22p5"): HEAD,  # of another session
    ("qsiprep-2021-07_dsdti", "PNC", None): (
        *HEAD,
        "acq-realistic_space-T1w_desc-preproc_dwi",
        "acq-realistic_space-T1w_desc-brain_mask",
    ),
    ("qsiprep-2025-01_dsdti", "PNC", None): (*ACPC, *TISSUE, *SERIES),
    ("qsiprep-2026_dsdti_topup", "PNC", None): (*ACPC, *SERIES),
    ("qsiprep-2026_forrestgump_session", "01", "forrestgump"): (*ACPC, *SERIES),
    ("qsirecon_dipy_dki_outputs", "ABCD", None): (),
}


def build(test_data, tmp_path, tree):
    """The files of a real run, empty, with gradients and confounds that say a little."""
    names = (test_data / "derivative_trees" / f"{tree}.txt").read_text().splitlines()
    for name in names:
        if "." in name.rpartition("/")[2]:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("0 1000 1000" if name.endswith(".bval") else "")
    folders = {name.partition("sub-")[0] for name in names if name.endswith(".nii.gz")}
    roots = {folder.partition("derivatives/")[0].strip("/") for folder in folders}
    return {root or tree: tmp_path / root for root in roots}


def decided(folders, participant, session):
    """The scan of a participant of whom there is nothing but finished derivatives."""
    finished = find_finished(participant, session, folders, borrow=True)
    bold = find_finished_bold(participant, session, folders, ())
    scan = Scan(participant=participant, session=session, finished=finished)
    return replace(scan, bold=bold[0] if bold else None)


def short(path):
    """Name of a file without its participant, session and further labels of acquisition."""
    return re.sub(r"sub-\w+?_|ses-\w+?_|acq-\w+?_|dir-\w+?_|rec-\w+?_", "", path.name).split(".")[0]


@pytest.mark.parametrize("key", TREES, ids=lambda key: key[0])
def test_every_imaging_file_of_a_real_run_is_used_or_named_with_the_reason(
    test_data, tmp_path, key
):
    tree, participant, session = key
    folders = build(test_data, tmp_path, tree)

    scan = decided(folders, participant, session)

    taken = {path for path in scan.paths if path.name.endswith(IMAGING)}
    assert {short(path) for path in taken} == {re.sub("acq-[a-z]+_", "", n) for n in TREES[key]}
    left = {piece.path: reason for piece, reason in unused(scan, folders)}
    assert not taken & set(left)
    everything = {
        path
        for path in tmp_path.rglob(f"sub-{participant}_*")
        if path.name.endswith(IMAGING)
        and ("_ses-" not in path.name or f"_ses-{session}_" in path.name)
    }
    here = {path for path in taken if "_ses-" not in path.name or f"_ses-{session}_" in path.name}
    assert here | set(left) == everything
    assert all(left.values())
    text = " ".join(with_unused(scan, folders).notes)
    assert {reason for reason in left.values() if reason not in text} == set()


@pytest.mark.parametrize(
    ("key", "name", "reason"),
    [
        (0, "run-2_space-T1w_desc-preproc_bold.nii.gz", "bold of other runs, tasks or spaces than"),
        (0, "run-1_space-MNI152NLin2009cAsym_res-2_desc-preproc_bold", "bold of other runs, tasks"),
        (0, "run-1_desc-preproc_bold.nii.gz", "bold in the space of the scanner"),
        (0, "run-1_space-MNI152NLin6Asym_desc-smoothAROMAnonaggr_bold", "smoothed or denoised"),
        (0, "run-1_space-fsLR_den-91k_bold.dtseries.nii", "on surfaces"),
        (0, "hemi-L_space-fsaverage5_bold.func.gii", "on surfaces"),
        (0, "from-T1w_to-MNI152NLin2009cAsym_mode-image_xfm.h5", "transforms"),
        (0, "space-MNI152NLin2009cAsym_res-2_desc-preproc_T1w", "heads in a standard space"),
        (0, "space-MNI152NLin2009cAsym_res-2_label-GM_probseg", "tissue maps in another space"),
        (0, "run-1_space-T1w_boldref", "references"),
        (0, "sub-01_dseg.nii.gz", "labels"),
        (1, "desc-preproc_fieldmap.nii.gz", "field maps"),
        (2, "run-01_desc-hmc_boldref", "references"),
        (3, "desc-eddy_cnr.nii.gz", "measures of quality"),
        (3, "desc-dti_fa_gqiscalar", "other models"),
        (4, "model-eddy_stat-cnr_dwimap", "other models or measures"),
        (5, "from-ACPC_to-MNI152NLin2009cAsym_mode-image_xfm.h5", "transforms"),
        (7, "model-dki_param-fa_dwimap", "other models"),
    ],
)
def test_the_reason_is_that_of_the_kind_of_file(test_data, tmp_path, key, name, reason):
    tree, participant, session = list(TREES)[key]
    folders = build(test_data, tmp_path, tree)

    left = unused(decided(folders, participant, session), folders)

    reasons = {why for piece, why in left if name in piece.path.name}
    assert len(reasons) == 1
    assert reason in reasons.pop()


def tree(tmp_path, *names, dataset="fmriprep"):
    for name in names:
        path = tmp_path / dataset / f"sub-1/{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("0 1000 1000" if name.endswith(".bval") else "")
    return {dataset: tmp_path / dataset}


def test_a_head_of_one_session_serves_the_series_of_another(tmp_path):
    folders = tree(
        tmp_path,
        "ses-1/anat/sub-1_ses-1_desc-preproc_T1w.nii.gz",
        "ses-2/func/sub-1_ses-2_task-rest_space-T1w_desc-preproc_bold.nii.gz",
        "ses-2/func/sub-1_ses-2_task-rest_desc-confounds_timeseries.tsv",
    )

    scan = decided(folders, "1", "2")

    assert scan.finished.head.name == "sub-1_ses-1_desc-preproc_T1w.nii.gz"
    assert scan.bold.head == scan.finished.head
    assert find_finished("1", "2", folders).head is None  # a raw head of its own goes before


def test_bold_in_one_mni_space_is_used_beside_a_head_in_another(tmp_path):
    folders = tree(
        tmp_path,
        "anat/sub-1_desc-preproc_T1w.nii.gz",
        "anat/sub-1_space-MNI152NLin2009cAsym_desc-preproc_T1w.nii.gz",
        "func/sub-1_task-rest_space-MNI152NLin6Asym_res-2_desc-preproc_bold.nii.gz",
        "func/sub-1_task-rest_desc-confounds_timeseries.tsv",
    )

    scan = decided(folders, "1", None)

    assert scan.bold.space == "MNI152NLin6Asym"
    assert scan.bold.head is None


def test_bold_on_surfaces_alone_or_in_a_space_nobody_knows_is_named(tmp_path):
    folders = tree(
        tmp_path,
        "anat/sub-1_desc-preproc_T1w.nii.gz",
        "func/sub-1_task-rest_space-fsLR_den-91k_bold.dtseries.nii",
        "func/sub-1_task-rest_space-MNIInfant_desc-preproc_bold.nii.gz",
        "func/sub-1_task-rest_desc-confounds_timeseries.tsv",
    )

    scan = with_unused(decided(folders, "1", None), folders)

    assert scan.bold is None
    (note,) = scan.notes
    assert note.startswith("seen in fmriprep and not used: ")
    assert "bold.dtseries.nii (on surfaces: volumes are used)" in note
    assert "desc-preproc_bold.nii.gz (bold in MNIInfant, of which there is no T1w" in note


def test_anatomy_on_t2w_alone_is_used(tmp_path):
    folders = tree(
        tmp_path,
        "anat/sub-1_desc-preproc_T2w.nii.gz",
        "anat/sub-1_desc-brain_mask.nii.gz",
        "anat/sub-1_from-T2w_to-MNI152NLin2009cAsym_mode-image_xfm.h5",
    )

    scan = decided(folders, "1", None)

    assert scan.finished.contrast == "T2w"
    assert scan.finished.brain is not None
    assert [piece.suffix for piece, _ in unused(scan, folders)] == ["xfm"]


def test_of_two_tools_with_a_head_the_one_with_more_is_used_and_the_other_is_named(tmp_path):
    fmriprep = tree(tmp_path, "anat/sub-1_desc-preproc_T1w.nii.gz")
    smriprep = tree(
        tmp_path,
        "anat/sub-1_desc-preproc_T1w.nii.gz",
        "anat/sub-1_desc-brain_mask.nii.gz",
        dataset="smriprep",
    )

    scan = decided(fmriprep | smriprep, "1", None)

    assert scan.finished.datasets == {"head": "smriprep", "brain": "smriprep"}
    ((piece, reason),) = unused(scan, fmriprep | smriprep)
    assert (piece.dataset, piece.suffix) == ("fmriprep", "T1w")
    assert "beside the one that is used" in reason


def test_of_several_diffusion_series_that_with_most_volumes_is_used_and_the_others_named(tmp_path):
    ends = ("nii.gz", "bval", "bvec")
    names = [
        f"dwi/sub-1_acq-{acq}_space-ACPC_desc-preproc_dwi.{end}" for acq in "abc" for end in ends
    ]
    folders = tree(tmp_path, "anat/sub-1_space-ACPC_desc-preproc_T1w.nii.gz", *names)
    (folders["fmriprep"] / "sub-1" / names[4]).write_text("0 1000 1000 1000")

    scan = decided(folders, "1", None)

    assert "acq-b" in scan.finished.dwi.name
    reasons = {piece.path.name[:11]: reason for piece, reason in unused(scan, folders)}
    assert set(reasons) == {"sub-1_acq-a", "sub-1_acq-c"}
    assert all(scan.finished.dwi.name in reason for reason in reasons.values())


@pytest.mark.parametrize("own", [True, False])
def test_a_finished_head_is_lent_to_a_session_that_has_no_head_at_all(make_dataset, tmp_path, own):
    raw = make_dataset(
        "sub-1/ses-1/anat/sub-1_ses-1_T1w.nii.gz",
        "sub-1/ses-2/func/sub-1_ses-2_task-rest_bold.nii.gz",
        *(["sub-1/ses-2/anat/sub-1_ses-2_T1w.nii.gz"] if own else []),
    )
    head = "ses-1/anat/sub-1_ses-1_desc-preproc_T1w.nii.gz"
    folders = tree(tmp_path, head)

    scan = index_dataset(raw, Selection(), folders)[1]

    assert scan.session == "2"
    if own:
        assert scan.anatomy == (raw / "sub-1/ses-2/anat/sub-1_ses-2_T1w.nii.gz", "T1w")
    else:
        assert scan.anatomy == (folders["fmriprep"] / "sub-1" / head, "T1w")
        assert any(note.startswith("no finished head in ses-2: ") for note in scan.notes)


def test_a_mask_drawn_in_the_space_of_a_finished_head_is_placed_by_that(make_dataset, tmp_path):
    raw = make_dataset(
        "sub-1/anat/sub-1_T1w.nii.gz", "sub-1/anat/sub-1_space-ACPC_label-lesion_mask.nii.gz"
    )
    head = "anat/sub-1_space-ACPC_desc-preproc_T1w.nii.gz"
    folders = tree(tmp_path, head)

    (scan,) = index_dataset(raw, Selection(), folders)

    assert scan.lesion_drawn_on == folders["fmriprep"] / "sub-1" / head
    assert scan.doubts == ()


def test_a_file_whose_content_was_not_fetched_is_not_passed_over(tmp_path):
    folders = tree(tmp_path, "anat/sub-1_desc-brain_mask.nii.gz")
    head = folders["fmriprep"] / "sub-1/anat/sub-1_desc-preproc_T1w.nii.gz"
    head.symlink_to(".git/annex/objects/gone.nii.gz")

    assert find_finished("1", None, folders).head == head
