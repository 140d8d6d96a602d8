import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.diffusion.gradients import GradientTable
from motor_bids_app.mri.quality import (
    anatomical_quality,
    diffusion_quality,
    motion_summary,
    registration_quality,
    robust_outliers,
)

SHAPE = (20, 20, 20)


def image(values):
    return nib.Nifti1Image(np.asarray(values, dtype=np.float32), np.eye(4))


@pytest.fixture
def tissue():
    """Grey matter in one half, white matter in the other."""
    grey, white = np.zeros(SHAPE), np.zeros(SHAPE)
    grey[:10], white[10:] = 1, 1
    return {"GM": image(grey), "WM": image(white)}


def head(noise, grey=60.0, white=100.0):
    values = np.full(SHAPE, grey)
    values[10:] = white
    return image(values + np.random.default_rng(0).normal(0, noise, SHAPE))


def test_signal_and_contrast_over_noise_of_known_images(tissue):
    quality = anatomical_quality(head(noise=5), tissue)

    assert quality["snr_wm"] == pytest.approx(100 / 5, rel=0.05)
    assert quality["cnr"] == pytest.approx((100 - 60) / 5, rel=0.05)


def test_inverted_contrast_has_the_same_quality(tissue):
    quality = anatomical_quality(head(noise=5, grey=100, white=60), tissue)

    assert quality["cnr"] == pytest.approx((100 - 60) / 5, rel=0.05)


def test_missing_tissue_is_explained(tissue):
    with pytest.raises(EmptyRegionError, match="0 voxels are clearly WM"):
        anatomical_quality(head(noise=5), {**tissue, "WM": image(np.zeros(SHAPE))})


def test_diffusion_signal_over_noise():
    gradients = GradientTable(np.array([0, 0, 1000.0]), np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0]]))
    data = np.broadcast_to(np.array([90.0, 110, 40]), (*SHAPE, 3))
    mask = np.zeros(SHAPE)
    mask[:5] = 1

    quality = diffusion_quality(data, np.full(SHAPE, 4.0), gradients, mask)

    assert quality == pytest.approx({"snr_b0": 25, "snr_dwi": 10, "noise_dwi": 4})
    with pytest.raises(EmptyRegionError, match="noise of the diffusion series is not known"):
        diffusion_quality(data, np.zeros(SHAPE), gradients, mask)


def test_motion_is_summarised():
    parameters = np.zeros((4, 6))
    parameters[2, :3], parameters[3, 3:] = [3, 4, 0], [0, 0, -2]

    summary = motion_summary(parameters, np.array([0, 0.2, 0.7, 0.3]))

    assert summary == pytest.approx(
        {
            "motion_mean_fd": 0.4,
            "motion_max_fd": 0.7,
            "motion_high_share": 1 / 3,
            "motion_max_translation": 5,
            "motion_max_rotation": 2,
        }
    )


def test_registration_to_itself_is_perfect():
    template = head(noise=5)
    brain = image(np.ones(SHAPE))

    quality = registration_quality(template, brain, template, brain)

    assert quality == pytest.approx(
        {"brain_dice": 1, "brain_coverage": 1, "template_correlation": 1}
    )


def test_cut_brain_lacks_coverage_and_lesion_does_not_lower_similarity():
    template = head(noise=5)
    whole, lower, lesion = np.ones(SHAPE), np.ones(SHAPE), np.zeros(SHAPE)
    lower[:, :, 15:] = 0
    lesion[3:9, 3:9, 3:9] = 1
    damaged = image(np.where(lesion, 500, template.dataobj))

    quality = registration_quality(
        damaged, image(lower), template, image(whole), lesion=image(lesion)
    )

    assert quality["brain_coverage"] == pytest.approx(0.75)
    assert quality["brain_dice"] == pytest.approx(2 * 0.75 / 1.75)
    assert quality["template_correlation"] == pytest.approx(1)


def test_brain_beside_the_template_is_explained():
    left, right = np.zeros(SHAPE), np.zeros(SHAPE)
    left[:10], right[10:] = 1, 1

    with pytest.raises(EmptyRegionError, match="Only 0 voxels"):
        registration_quality(head(5), image(left), head(5), image(right))


def test_a_value_far_from_the_cohort_is_an_outlier_and_does_not_hide_others():
    values = np.concatenate([np.random.default_rng(0).normal(10, 1, 40), [30.0, 31.0, np.nan]])
    flagged = robust_outliers(values)
    assert np.flatnonzero(flagged[40:]).tolist() == [0, 1]
    assert flagged[:40].sum() <= 1  # three sigma


def test_a_handful_of_values_has_no_outliers():
    assert not robust_outliers(np.array([1.0, 1.1, 0.9, 50.0])).any()
