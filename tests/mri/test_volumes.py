import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.mri.volumes import tissue_volumes, white_matter_medians


def image(values):
    return nib.Nifti1Image(np.asarray(values, dtype=np.float32), np.diag([2.0, 2.0, 2.0, 1.0]))


def test_volumes_are_sums_of_probabilities():
    grey, white = np.zeros((10, 10, 10)), np.zeros((10, 10, 10))
    grey[:5], white[5:] = 0.6, 0.5

    found = tissue_volumes({"GM": image(grey), "WM": image(white)})

    assert found["gm_ml"] == pytest.approx(0.6 * 500 * 8 / 1000)
    assert found["gm_wm_ratio"] == pytest.approx(1.2)


def test_a_lesion_and_what_was_not_measured_do_not_count_in_white_matter():
    inside = np.ones((6, 6, 6))
    fa, lesion = np.full((6, 6, 6), 0.4), np.zeros((6, 6, 6))
    fa[:2], lesion[:2] = 0.9, 1
    fa[2] = 0

    found = white_matter_medians({"fa": image(fa)}, image(inside), image(lesion))

    assert found == {"white_matter_fa": pytest.approx(0.4)}
