import json

import pytest

from motor_bids_app.bids.finished import find_finished
from motor_bids_app.bids.finished_pieces import describe_datasets
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.settings import Selection

HEAD = "sub-1/anat/sub-1_desc-preproc_T1w.nii.gz"
FMRIPREP = (
    HEAD,
    "sub-1/anat/sub-1_desc-brain_mask.nii.gz",
    *(f"sub-1/anat/sub-1_label-{name}_probseg.nii.gz" for name in ("GM", "WM", "CSF")),
    "sub-1/anat/sub-1_space-MNI152NLin2009cAsym_res-2_desc-preproc_T1w.nii.gz",
    "sub-1/anat/sub-1_space-MNI152NLin2009cAsym_res-2_desc-brain_mask.nii.gz",
    "sub-1/anat/sub-1_from-T1w_to-MNI152NLin2009cAsym_mode-image_xfm.h5",
    "sub-1/func/sub-1_task-rest_desc-brain_mask.nii.gz",
)
QSIPREP = (
    "sub-1/anat/sub-1_space-ACPC_desc-preproc_T1w.nii.gz",
    "sub-1/anat/sub-1_space-ACPC_desc-brain_mask.nii.gz",
    *(
        f"sub-1/ses-a/dwi/sub-1_ses-a_space-ACPC_desc-preproc_dwi.{end}"
        for end in ("nii.gz", "bval", "bvec")
    ),
    "sub-1/ses-a/dwi/sub-1_ses-a_space-ACPC_desc-brain_mask.nii.gz",
    "sub-1/ses-a/dwi/sub-1_ses-a_space-ACPC_dwiref.nii.gz",
)
QUANTITIES = ("fa", "md", "rd", "ad")


def qsirecon(pattern, quantities=QUANTITIES):
    """Maps of one workflow, which QSIRecon keeps in a dataset of its own."""
    folder = "derivatives/qsirecon-TORTOISE/sub-1/ses-a/dwi/sub-1_ses-a_space-ACPC"
    return tuple(f"{folder}_{pattern.format(name)}.nii.gz" for name in quantities)


def test_anatomy_is_taken_from_the_participants_own_space_alone(make_dataset):
    root = make_dataset(*FMRIPREP, folder="fmriprep")

    finished = find_finished("1", None, {"fmriprep": root})

    assert finished.head == root / HEAD
    assert finished.brain == root / FMRIPREP[1]
    assert set(finished.tissue) == {"GM", "WM", "CSF"}
    assert finished.transform is None
    assert finished.datasets == dict.fromkeys(("head", "brain", "tissue"), "fmriprep")


def test_a_transform_to_our_template_is_taken(make_dataset):
    name = "sub-1/anat/sub-1_from-T1w_to-MNI152NLin2009aSym_mode-image_xfm.h5"
    root = make_dataset(*FMRIPREP, name, folder="fmriprep")
    assert find_finished("1", None, {"fmriprep": root}).transform == root / name


def test_tissue_is_taken_whole_or_not_at_all(make_dataset):
    root = make_dataset(*FMRIPREP[:4], folder="fmriprep")
    assert "tissue" not in find_finished("1", None, {"fmriprep": root}).datasets


def test_each_piece_comes_from_the_tool_that_has_it(make_dataset):
    folders = {
        "fmriprep": make_dataset(*FMRIPREP, folder="fmriprep"),
        "qsiprep": make_dataset(*QSIPREP, folder="qsiprep"),
    }

    finished = find_finished("1", "a", folders)

    assert finished.datasets["head"] == "fmriprep"
    assert finished.datasets["dwi"] == "qsiprep"
    assert finished.dwi_head == folders["qsiprep"] / QSIPREP[0]
    assert finished.dwi_brain == folders["qsiprep"] / QSIPREP[5]


@pytest.mark.parametrize(
    "pattern", ["model-tensor_param-{}_dwimap", "desc-preproc_model-tensor_mdp-{}_dwimap"]
)
def test_tensor_maps_are_found_by_their_names_of_all_times(make_dataset, pattern):
    names = qsirecon(pattern) + qsirecon("model-noddi_param-{}_dwimap", ("icvf",))
    root = make_dataset(*names, folder="qsirecon")

    finished = find_finished("1", "a", {"qsirecon": root})

    assert set(finished.maps) == set(QUANTITIES)
    assert finished.datasets == {"maps": "qsirecon-TORTOISE"}


def test_maps_of_another_model_are_no_tensor_maps(make_dataset):
    root = make_dataset(*qsirecon("model-dki_param-{}_dwimap"), folder="qsirecon")
    assert find_finished("1", "a", {"qsirecon": root}).maps == {}


@pytest.mark.parametrize("space", ["MNI152NLin2009cAsym", "MNI152NLin6Asym"])
def test_maps_in_another_mni_space_are_taken_with_the_name_of_it(make_dataset, space):
    name = f"sub-1/dwi/sub-1_space-{space}_model-tensor_param-fa_dwimap.nii.gz"
    root = make_dataset(name, folder="qsirecon")

    finished = find_finished("1", None, {"qsirecon": root})

    assert finished.maps == {"fa": root / name}
    assert (finished.maps_standard, finished.maps_space) == (True, space)


def test_maps_in_another_template_are_left_out(make_dataset):
    name = "sub-1/dwi/sub-1_space-MNIInfant_model-tensor_param-fa_dwimap.nii.gz"
    root = make_dataset(name, folder="qsirecon")
    assert find_finished("1", None, {"qsirecon": root}).maps == {}


def test_some_maps_are_left_out_where_all_can_be_computed(make_dataset):
    raw = make_dataset(
        *(f"sub-1/ses-a/dwi/sub-1_ses-a_dwi.{end}" for end in ("nii.gz", "bval", "bvec"))
    )
    maps = make_dataset(*qsirecon("model-tensor_param-{}_dwimap", ("fa",)), folder="qsirecon")
    heads = make_dataset(*QSIPREP[:2], folder="qsiprep")

    (scan,) = index_dataset(raw, Selection(), {"qsirecon": maps, "qsiprep": heads})

    assert scan.finished.maps == {}
    assert any("computed from the dwi" in note for note in scan.notes)


def test_a_person_without_raw_images_is_processed_from_derivatives(make_dataset):
    raw = make_dataset("sub-2/anat/sub-2_T1w.nii.gz")
    root = make_dataset(*QSIPREP, folder="qsiprep")

    first, _ = index_dataset(raw, Selection(), {"qsiprep": root})

    assert (first.participant, first.session) == ("1", "a")
    assert first.anatomy == (root / QSIPREP[0], "T1w")
    assert first.finished.dwi == root / QSIPREP[2]


def test_a_lesion_drawn_on_the_raw_image_still_belongs_to_it(make_dataset):
    raw = make_dataset("sub-1/anat/sub-1_T1w.nii.gz", "sub-1/anat/sub-1_label-lesion_mask.nii.gz")
    root = make_dataset(*FMRIPREP, folder="fmriprep")

    (scan,) = index_dataset(raw, Selection(), {"fmriprep": root})

    assert scan.anatomy == (root / HEAD, "T1w")
    assert scan.image(scan.lesion.image) == raw / "sub-1/anat/sub-1_T1w.nii.gz"


def test_the_tool_and_its_version_are_named(make_dataset):
    root = make_dataset(*FMRIPREP, folder="fmriprep")
    description = {"Name": "x", "GeneratedBy": [{"Name": "fMRIPrep", "Version": "24.1.0"}]}
    (root / "dataset_description.json").write_text(json.dumps(description))

    assert describe_datasets({"fmriprep": root}) == {"fmriprep": "fmriprep (fMRIPrep 24.1.0)"}


def test_a_finished_head_whose_content_was_not_fetched_is_no_missing_head(make_dataset):
    root = make_dataset(*FMRIPREP, folder="fmriprep")
    (root / HEAD).unlink()
    (root / HEAD).symlink_to(root / ".git/annex/objects/absent")

    finished = find_finished("1", None, {"fmriprep": root})

    assert finished.head == root / HEAD  # the step that opens it says what to do
