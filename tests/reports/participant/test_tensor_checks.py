import io

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from motor_bids_app.reports.participant import tensor_checks


def like(image, data):
    return nib.Nifti1Image(data.astype(np.float32), image.affine)


def directed(brain, weights):
    """Colour FA of fibres that all point one way."""
    return like(brain, brain.get_fdata()[..., None] * np.asarray(weights))


@pytest.fixture
def every_check(head, brain):
    half = like(head, brain.get_fdata() * 0.6)
    return {
        "tensor-maps": lambda: tensor_checks.tensor_maps({"fa": half, "md": half}, brain),
        "tensor-residual": lambda: tensor_checks.tensor_residual(half, brain),
        "colour-fa": lambda: tensor_checks.colour_fa(directed(brain, (0.5, 0.2, 0.1)), brain),
    }


@pytest.mark.parametrize("name", ["tensor-maps", "tensor-residual", "colour-fa"])
def test_a_check_comes_with_its_words_and_the_same_bytes(every_check, name):
    figure, again = every_check[name](), every_check[name]()

    assert figure.name == name
    assert figure == again
    assert figure.caption.endswith(".")
    assert figure.alt.endswith(".")
    assert figure.data.startswith(b"\x89PNG")


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["left-right", "front-back", "up-down"])
def test_a_direction_has_the_colour_that_the_caption_gives_it(brain, axis):
    figure = tensor_checks.colour_fa(directed(brain, 0.8 * np.eye(3)[axis]), brain)
    pixels = np.asarray(Image.open(io.BytesIO(figure.data)).convert("RGB")).astype(int)

    others = np.delete(pixels, axis, axis=-1).max(axis=-1)
    pure = (pixels[..., axis] > 200) & (others < 60)
    assert pure.mean() > 0.2
    words = ("Red: left-right", "green: front-back", "blue: up-down")
    assert words[axis] in figure.caption


def test_blank_maps_can_be_checked(brain):
    blank = like(brain, np.zeros(brain.shape))

    assert tensor_checks.tensor_maps({"fa": blank}, blank).data
    assert tensor_checks.colour_fa(directed(blank, (1, 1, 1)), blank).data
