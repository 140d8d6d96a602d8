import numpy as np
import pytest

from motor_bids_app.simulation.head import (
    SKULL_END,
    SKULL_START,
    Tissue,
    load_brain,
    load_head,
    wrap,
)


def test_tissue_shares_add_up_to_the_brain():
    brain = load_brain(4.0)

    np.testing.assert_allclose(brain.grey + brain.white + brain.fluid, brain.inside, atol=1e-5)


def test_head_is_as_symmetric_as_its_template():
    labels = load_head().labels

    assert (labels == labels[::-1]).mean() > 0.999


def test_skull_lies_between_brain_and_skin():
    distance = np.linspace(-10, 20, 301).astype(np.float32)
    far = np.full_like(distance, 99)
    shades = np.arange(10, dtype=np.float32)

    image = wrap(
        np.full_like(distance, shades[Tissue.FAT]),
        distance,
        far,
        far,
        shades=shades,
        thickness=1.0,
        texture=0 * far,
        step=0.1,
    )

    bone = distance[image == shades[Tissue.BONE]]
    assert bone.min() == pytest.approx(SKULL_START, abs=0.15)
    assert bone.max() == pytest.approx(SKULL_END, abs=0.15)
    assert (image[distance < 2] == shades[Tissue.FLUID]).all()
    assert (image[distance > 10] == shades[Tissue.FAT]).all()
