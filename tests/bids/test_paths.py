import pytest

from motor_bids_app.bids.paths import check_name, own_folder, place_in
from motor_bids_app.errors import InvalidNameError

LEADING_OUT = [
    "../x", "/etc/passwd", "a/../../x", "..", ".", "", "a//b", "a/", "~/x", "a\\..\\x", "a\0b",
    ".git/config", "a b", "x\n", "C:x", 5, None, ["a"], "x" * 300,
]  # fmt: skip


@pytest.mark.parametrize("name", LEADING_OUT)
def test_a_name_in_a_file_never_leads_out(tmp_path, name):
    with pytest.raises(InvalidNameError, match="cannot be the name"):
        place_in(tmp_path, name)


@pytest.mark.parametrize("name", [*LEADING_OUT, "a/b"])
def test_a_name_of_one_folder_is_no_path(name):
    with pytest.raises(InvalidNameError):
        check_name(name)


def test_names_of_derivatives_pass(tmp_path):
    name = "sub-01/ses-1/dwi/sub-01_ses-1_space-MNI_res-2_model-tensor_param-fa_dwimap.nii.gz"

    assert place_in(tmp_path, name) == tmp_path / name


def test_a_link_that_leads_out_of_the_output_is_refused(tmp_path):
    root, outside = tmp_path / "out", tmp_path / "elsewhere"
    (root / "sub-01").mkdir(parents=True)
    outside.mkdir()
    (root / "sub-01" / "anat").symlink_to(outside)

    with pytest.raises(InvalidNameError, match="outside"):
        place_in(root, "sub-01/anat/sub-01_T1w.nii.gz")
    with pytest.raises(InvalidNameError, match="outside"):
        own_folder(root, "sub-01")


def test_a_link_within_the_output_is_followed(tmp_path):
    root = tmp_path / "out"
    (root / "store").mkdir(parents=True)
    (root / "sub-01").symlink_to("store")

    assert own_folder(root, "sub-01") == root / "sub-01"
