import pytest

from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.overview import overview
from motor_bids_app.settings import Selection


@pytest.mark.parametrize("content", [None, "/annex/objects/MD5E-s1--0.nii.gz\n"])
def test_images_and_masks_without_their_content_are_broken(tmp_path, content):
    image, mask = tmp_path / "sub-1_T1w.nii.gz", tmp_path / "sub-1_label-L_mask.nii.gz"
    image.write_bytes(b"an image")
    if content is None:
        mask.symlink_to(".git/annex/objects/lost")
    else:
        mask.write_text(content)

    lines = overview(
        [Scan(participant="1", t1w=image, lesion=LesionFile(path=mask, participant="1"))],
        Selection(),
    ).splitlines()

    assert lines[1].split()[:9] == ["sub-1", "yes", *"------", "broken"]
    assert "sub-1_label-L_mask.nii.gz is a" in lines[2]
    assert "datalad get" in lines[2]
