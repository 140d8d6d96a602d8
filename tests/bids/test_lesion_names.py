import pytest

from motor_bids_app.bids.lesion_names import is_lesion_name
from motor_bids_app.bids.listing import find_images


@pytest.mark.parametrize(
    "name",
    [
        "sub-1_label-L_mask",
        "sub-1_label-lesion_mask",
        "sub-1_label-lesion_roi",
        "sub-1_desc-lesion_mask",
        "sub-1_desc-T1lesion_mask",
        "sub-1_T1w_label-lesion_roi",
        "sub-1_space-MNI152NLin2009aSym_label-L_desc-T1lesion_mask",
        "sub-1_space-TRACE_desc-lesion_mask",
        "sub-1_run-1_label-L_desc-manual_mask",
        "sub-1_label-lesion1_mask",
        "sub-1_desc-lesion12_mask",
        "sub-1_label-lesionLeft_roi",
        "sub-1_T1w_Lesion",
        "sub-1_lesions",
        "sub-1_label-L_MASK",
    ],
)
def test_every_name_of_a_lesion_mask_is_known(make_dataset, name):
    root = make_dataset(f"sub-1/anat/{name}.nii.gz")

    (file,) = find_images(root, ["1"])

    assert is_lesion_name(file.entities)


@pytest.mark.parametrize(
    "name",
    [
        "sub-1_T1w",
        "sub-1_desc-brain_mask",
        "sub-1_label-GM_probseg",
        "sub-1_label-GM_mask",
        "sub-1_desc-lesionAcute_mask",
        "sub-1_label-L_probseg",
        "sub-1_desc-lesion_T1w",
    ],
)
def test_other_masks_and_maps_are_no_lesion(make_dataset, name):
    root = make_dataset(f"sub-1/anat/{name}.nii.gz")

    (file,) = find_images(root, ["1"])

    assert not is_lesion_name(file.entities)
