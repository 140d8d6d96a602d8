"""Which files of a head must be good, and which may be left out."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.lesion_names import LesionFile
from motor_bids_app.bids.scan import Scan
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.levels.participant.anatomy.read import read_anatomy

POINTER = "/annex/objects/MD5E-s1--0.nii.gz\n"


def save(path, values=None, code=1):
    rng = np.random.default_rng(0)
    values = rng.random((20, 20, 20), dtype=np.float32) if values is None else values
    image = nib.Nifti1Image(values, np.eye(4))
    image.set_sform(np.eye(4), code)
    image.set_qform(np.eye(4), code)
    nib.save(image, path)
    return path


def spoil(path, how):
    """Make of a file one that cannot be used."""
    if how == "empty":
        return save(path, np.zeros((20, 20, 20), dtype=np.float32))
    if how == "no orientation":
        return save(path, code=0)
    path.unlink(missing_ok=True)
    if how == "broken link":
        path.symlink_to("lost")
    else:
        path.write_text(POINTER if how == "pointer" else "<html>sorry</html>")
    return path


@pytest.fixture
def scan(tmp_path):
    mask = np.zeros((20, 20, 20), dtype=np.uint8)
    mask[8:12, 8:12, 8:12] = 1
    lesion = LesionFile(
        path=save(tmp_path / "sub-1_run-1_label-L_mask.nii", mask),
        participant="1",
        image="T1w",
        parts=(save(tmp_path / "sub-1_run-2_label-L_mask.nii", mask[::-1].copy()),),
    )
    return Scan(
        participant="1",
        t1w=save(tmp_path / "sub-1_T1w.nii"),
        flair=save(tmp_path / "sub-1_FLAIR.nii"),
        repeats=(save(tmp_path / "sub-1_run-2_T1w.nii"),),
        lesion=lesion,
    )


def test_good_images_are_all_read(scan):
    images = read_anatomy(scan)

    assert (list(images.others), len(images.runs), images.warnings) == (["FLAIR"], 2, ())
    assert np.asarray(images.lesion.mask.dataobj).sum() == 64
    assert images.lesion.remarks.warnings == []


@pytest.mark.parametrize(("volumes", "said"), [(1, 0), (3, 1)])
def test_a_head_of_several_volumes_is_averaged_and_that_is_a_warning(scan, volumes, said):
    values = np.random.default_rng(0).random((20, 20, 20, volumes), dtype=np.float32)
    save(scan.t1w, values)

    images = read_anatomy(scan)

    head = np.asarray(images.runs["sub-1_T1w.nii"].dataobj)
    assert head == pytest.approx(values.mean(axis=3))
    assert sum("3 volumes, whose mean was taken" in text for text in images.warnings) == said


@pytest.mark.parametrize("how", ["empty", "no orientation", "broken link", "pointer", "web page"])
def test_a_bad_image_beside_the_head_is_left_out_and_named(scan, how):
    spoil(scan.flair, how)
    spoil(scan.repeats[0], how)

    images = read_anatomy(scan)

    assert (images.others, list(images.runs)) == ({}, ["sub-1_T1w.nii"])
    run, flair = images.warnings
    assert "sub-1_run-2_T1w.nii" in run
    assert "FLAIR was left out" in flair
    assert "sub-1_FLAIR.nii" in flair


@pytest.mark.parametrize("how", ["no orientation", "broken link", "web page"])
def test_a_bad_part_of_a_lesion_is_left_out_and_named(scan, how):
    spoil(scan.lesion.parts[0], how)

    lesion = read_anatomy(scan).lesion

    assert np.asarray(lesion.mask.dataobj).any()
    assert "sub-1_run-2_label-L_mask.nii" in lesion.remarks.warnings[0]


def test_a_part_of_a_lesion_on_another_grid_is_left_out_and_named(scan):
    save(scan.lesion.parts[0], np.ones((9, 9, 9), dtype=np.uint8))

    lesion = read_anatomy(scan).lesion

    assert lesion.mask.shape == (20, 20, 20)
    assert "sub-1_run-2_label-L_mask.nii" in lesion.remarks.warnings[0]


@pytest.mark.parametrize("name", ["t1w", "lesion"])
def test_a_bad_head_or_lesion_mask_is_refused(scan, name):
    path = scan.t1w if name == "t1w" else scan.lesion.path
    spoil(path, "web page")

    with pytest.raises(MotorBidsAppError, match=path.name):
        read_anatomy(scan)


def test_an_image_that_the_lesion_was_drawn_on_is_refused(scan):
    spoil(scan.flair, "empty")
    on_flair = replace(scan.lesion, image="FLAIR", drawn_on=scan.flair)

    with pytest.raises(MotorBidsAppError, match=r"sub-1_FLAIR\.nii: "):
        read_anatomy(replace(scan, lesion=on_flair))
