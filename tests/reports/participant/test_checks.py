import io

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from motor_bids_app.reports.participant import checks, distortion_checks


def like(image, data):
    return nib.Nifti1Image(data.astype(np.float32), image.affine)


@pytest.fixture
def every_check(head, brain, spot):
    half = like(head, brain.get_fdata() * 0.6)
    return {
        "brain-mask": lambda: checks.brain_mask(head, brain, spot),
        "bias-field": lambda: checks.bias_field(head, half, brain),
        "registration": lambda: checks.registration(head, head, brain=brain, white_matter=spot),
        "lesion-native": lambda: checks.lesion_native(head, spot, brain),
        "lesion-standard": lambda: checks.lesion_standard(head, spot, {"left": half}, brain),
        "tissue": lambda: checks.tissue(head, {"GM": half, "WM": spot}, brain),
        "denoising": lambda: checks.denoising(head, half, brain),
        "coregistration": lambda: checks.coregistration(head, head, spot, brain),
    }


@pytest.mark.parametrize(
    "name",
    [
        "brain-mask",
        "bias-field",
        "registration",
        "lesion-native",
        "lesion-standard",
        "tissue",
        "denoising",
        "coregistration",
    ],
)
def test_a_check_comes_with_its_words_and_the_same_bytes(every_check, name):
    figure, again = every_check[name](), every_check[name]()

    assert figure.name == name
    assert figure == again
    assert figure.caption.endswith(".")
    assert figure.alt.endswith(".")
    assert figure.data.startswith(b"\x89PNG")


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("L")).astype(int)


@pytest.mark.parametrize(
    "draw",
    [
        lambda head, brain, spot: checks.bias_field(head, head, brain),
        lambda head, brain, spot: checks.registration(head, head, brain=brain, white_matter=spot),
        lambda head, brain, spot: checks.denoising(head, head, brain, head),
        lambda head, brain, spot: checks.coregistration(head, head, spot, brain),
        lambda head, brain, spot: distortion_checks.susceptibility(head, head, head, brain, spot),
    ],
    ids=["bias-field", "registration", "denoising", "coregistration", "susceptibility"],
)
def test_the_second_picture_lies_exactly_over_the_first(head, brain, spot, draw):
    figure = draw(head, brain, spot)
    first, second = pixels(figure.data), pixels(figure.second)

    assert len(second) <= len(first)
    assert second.shape[1] == first.shape[1]
    different = np.abs(first[: len(second)] - second) > 40
    assert different.mean() < 0.01  # the word that says which of the two it is


def test_the_field_is_the_smooth_factor_between_two_images(brain):
    x = np.indices(brain.shape)[0] / brain.shape[0]
    field = 0.8 + 0.4 * x
    inside = brain.get_fdata() > 0
    after = like(brain, 100 * inside)

    ratio = checks._smooth_ratio(like(brain, 100 * inside * field), after, brain).get_fdata()

    expected = field / field[inside].mean()
    assert np.abs(ratio - expected)[inside].max() < 0.06
    assert not ratio[~inside].any()


def test_blank_images_can_be_checked(brain):
    blank = like(brain, np.zeros(brain.shape))

    assert checks.bias_field(blank, blank, brain).data
    assert checks.denoising(blank, blank, brain).data


def test_a_lesion_without_a_mask_is_not_named(head, brain):
    assert "lesion:" not in checks.brain_mask(head, brain).caption.lower()
    assert "Red" not in checks.brain_mask(head, brain).caption
