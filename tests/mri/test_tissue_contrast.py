"""Heads that are the template itself, in the contrasts of several sequences."""

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.files import load_image
from motor_bids_app.mri.anatomy import correct_bias, reorient
from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.mri.registration import register_to_template
from motor_bids_app.mri.resampling import invert
from motor_bids_app.mri.tissue_contrast import LEAST_CONTRAST, grey_over_white
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

BRAIN = load_template("brain", 3)
SHARES = {kind: np.asarray(load_template(kind, 3).dataobj) for kind in ("GM", "WM")}


def head(grey, white, noise=30.0):
    values = grey * SHARES["GM"] + white * SHARES["WM"]
    values = values + np.random.default_rng(0).normal(0, noise, values.shape)
    return nib.Nifti1Image(values.astype(np.float32), BRAIN.affine)


def seen(image, lesion=None):
    return grey_over_white(image, BRAIN, Transform(), lesion)


def test_grey_matter_that_is_brighter_is_told_from_white():
    assert seen(head(400, 300)) == pytest.approx(100 / 30, rel=0.3)


@pytest.mark.parametrize(("grey", "white"), [(300, 300), (300, 400), (310, 300)])
def test_contrasts_that_tell_no_tissue_apart_are_below_the_limit(grey, white):
    assert seen(head(grey, white)) < LEAST_CONTRAST


def test_brightness_and_its_unit_do_not_matter():
    image = head(400, 300)
    other = nib.Nifti1Image(50 * np.asarray(image.dataobj), image.affine)

    assert seen(other) == pytest.approx(seen(image), rel=1e-4)


def test_a_lesion_has_no_say():
    image = head(400, 300)
    values = np.asarray(image.dataobj).copy()
    lesion = np.zeros(values.shape, dtype=np.uint8)
    lesion[: values.shape[0] // 2] = 1
    values[lesion > 0] = 2000

    struck = nib.Nifti1Image(values, image.affine)

    mask = nib.Nifti1Image(lesion, image.affine)
    assert seen(struck, mask) == pytest.approx(seen(image), rel=0.2)
    assert seen(struck, nib.Nifti1Image(np.ones_like(lesion), image.affine)) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "is_told"),
    [
        ("ms_heads_t1_t2_flair/sub-ms12/anat/sub-ms12_FLAIR.nii.gz", True),
        ("nichart_heads/Subj21_FL.nii.gz", False),  # of 79 years: by labels, white Dice 0.51
    ],
)
def test_flair_of_real_heads_is_judged_as_labels_judge_its_segmentation(test_data, name, is_told):
    image = correct_bias(reorient(load_image(test_data / name)), mask=None, sloppy=True)
    brain = extract_brain(image)
    way = register_to_template(image, brain, sloppy=True).transform

    found = grey_over_white(image, brain, invert(way, Grid.of(brain)))

    assert (found >= LEAST_CONTRAST) == is_told
