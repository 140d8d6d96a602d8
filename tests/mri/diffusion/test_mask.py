import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.diffusion.mask import dwi_mask


def test_mask_finds_the_brain_under_a_dim_scalp(phantom):
    rng = np.random.default_rng(0)
    brain = phantom.mask
    b0 = phantom.s0 + np.hypot(*rng.normal(0, 15, (2, *brain.shape)))
    x, y, z = np.indices(brain.shape)
    radius = np.hypot(np.hypot((x - 30) / 26, (y - 37) / 33), (z - 26) / 28)
    b0[(radius > 0.98) & (radius < 1.06) & ~brain] += 90

    found = dwi_mask(b0, np.full(3, 3.0)) > 0

    assert 2 * (found & brain).sum() / (found.sum() + brain.sum()) > 0.95


@pytest.mark.parametrize("value", [0.0, 7.0])
def test_blank_image_has_no_brain(value):
    with pytest.raises(EmptyRegionError, match=r"no brain|too few for a brain"):
        dwi_mask(np.full((20, 20, 20), value), np.full(3, 2.0))


def test_real_brain_is_masked_whole(test_data):
    image = nib.load(test_data / "dwi_trio_20dir" / "sub-01" / "dwi" / "sub-01_dwi.nii.gz")
    b0 = np.asarray(image.dataobj[..., 0], dtype=np.float32)

    mask = dwi_mask(b0, np.array(image.header.get_zooms()[:3]))

    volume = mask.sum() * 8 / 1000
    assert 1300 < volume < 1700  # an adult brain with its fluid, in ml
    assert b0[mask > 0].mean() > 8 * b0[mask == 0].mean()
