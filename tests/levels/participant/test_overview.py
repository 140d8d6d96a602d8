"""What --dry-run foretells."""

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.bold import BoldFile
from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.orientation import trust_orientation
from motor_bids_app.bids.scan import Scan
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.levels.participant.anatomy.read import read_anatomy
from motor_bids_app.levels.participant.diffusion.read import read_series
from motor_bids_app.levels.participant.functional.read import read_series as read_bold
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.levels.participant.overview import overview
from motor_bids_app.settings import BoldSettings, ProcessingSettings, Selection, Trust

SHAPE = (12, 12, 12)


def save(path, values=None, sform=None, qform=None, code=1):
    values = np.ones(SHAPE, dtype=np.float32) if values is None else values
    image = nib.Nifti1Image(values, np.eye(4))
    image.set_sform(np.eye(4) if sform is None else sform, code)
    image.set_qform(np.eye(4) if qform is None else qform, code)
    nib.save(image, path)
    return path


@pytest.mark.parametrize("content", [None, "/annex/objects/MD5E-s1--0.nii.gz\n"])
def test_images_and_masks_without_their_content_are_broken(tmp_path, content):
    image, mask = tmp_path / "sub-1_T1w.nii.gz", tmp_path / "sub-1_label-L_mask.nii.gz"
    save(image)
    if content is None:
        mask.symlink_to(".git/annex/objects/lost")
    else:
        mask.write_text(content)

    lines = overview(
        [Scan(participant="1", t1w=image, lesion=LesionFile(path=mask, participant="1"))],
        Selection(),
    ).splitlines()

    assert lines[1].split()[:9] == ["sub-1", "yes", *"------", "broken"]
    assert len(lines) == 4
    assert "sub-1_label-L_mask.nii.gz is a" in lines[2]
    assert "datalad get" in lines[2]


def lacking(path):
    save(path, code=0)


def mirrored(path):
    save(path, qform=np.diag([-1.0, 1, 1, 1]))


def apart(path):
    moved = np.eye(4)
    moved[0, 3] = 5
    save(path, qform=moved)


def coloured(path):
    nib.save(nib.Nifti1Image(np.zeros(SHAPE, dtype=[(c, "u1") for c in "RGB"]), np.eye(4)), path)


def page(path):
    path.write_text("<html>sorry</html>")


def pointer(path):
    path.write_text("/annex/objects/MD5E-s1--0.nii.gz\n")


@pytest.mark.parametrize("spoil", [lacking, mirrored, apart, coloured, page, pointer])
def test_a_dry_run_refuses_a_head_in_the_words_of_the_run(tmp_path, spoil):
    head = tmp_path / "sub-1_T1w.nii"
    spoil(head)
    scan = Scan(participant="1", t1w=head)
    with pytest.raises(MotorBidsAppError) as refused:
        read_anatomy(scan)

    lines = overview([scan], Selection()).splitlines()

    assert lines[1].split()[1] in ("refused", "broken")
    assert lines[2].strip() == str(refused.value)


def test_a_dry_run_refuses_a_mask_that_lies_elsewhere(tmp_path):
    moved = np.eye(4)
    moved[0, 3] = 40
    mask = save(tmp_path / "sub-1_label-L_mask.nii", sform=moved, qform=moved)
    head = save(tmp_path / "sub-1_T1w.nii")
    lesion = LesionFile(path=mask, participant="1", image="T1w", drawn_on=head)

    text = overview([Scan(participant="1", t1w=head, lesion=lesion)], Selection())

    assert "header puts them elsewhere" in text
    assert "refused" in text


@pytest.mark.parametrize(
    ("shape", "bvals"), [((4, 4, 4), "0 1000"), ((4, 4, 4, 3), "0 1000"), ((4, 4, 4, 2), "0 x")]
)
def test_a_dry_run_refuses_a_series_in_the_words_of_the_run(tmp_path, shape, bvals):
    dwi = save(tmp_path / "sub-1_dwi.nii", np.ones(shape, dtype=np.float32))
    bval, bvec = tmp_path / "sub-1_dwi.bval", tmp_path / "sub-1_dwi.bvec"
    bval.write_text(bvals)
    bvec.write_text("0 1\n0 0\n0 0")
    scan = Scan(participant="1", dwi=dwi, bval=bval, bvec=bvec)
    with pytest.raises(MotorBidsAppError) as refused:
        read_series(scan, Outputs(tmp_path / "out", "1", None), ProcessingSettings())

    assert str(refused.value) in overview([scan], Selection())


def test_a_dry_run_refuses_a_bold_of_one_volume(tmp_path):
    bold = BoldFile(path=save(tmp_path / "sub-1_bold.nii"))
    with pytest.raises(MotorBidsAppError) as refused:
        read_bold(bold, BoldSettings())

    text = overview([Scan(participant="1", bold=bold)], Selection())

    assert str(refused.value) in text


def test_a_dry_run_trusts_what_the_run_would_trust(tmp_path):
    head = tmp_path / "sub-1_T1w.nii"
    lacking(head)
    trust_orientation([Trust("sform")])
    try:
        text = overview([Scan(participant="1", t1w=head)], Selection())
    finally:
        trust_orientation([])

    assert "says to trust its sform" in text
    assert "refused" not in text
