import numpy as np
import pytest

from motor_bids_app.features.slices import cut_slices, informative_slices

SHAPE = (9, 11, 8)


@pytest.fixture
def brain():
    inside = np.zeros(SHAPE, dtype=bool)
    inside[2:7, 2:9, 2:6] = True
    inside[4, 4, 6] = True  # the top: one voxel
    return inside


@pytest.fixture
def volume(brain):
    values = np.random.default_rng(0).normal(900, 50, SHAPE)
    return np.where(brain, values, 0)


def test_slices_without_much_brain_are_screened_out(volume, brain):
    assert informative_slices(volume, brain).tolist() == [2, 3, 4, 5]


def test_slices_without_any_contrast_are_screened_out(volume, brain):
    volume[:, :, 3] = 900

    assert informative_slices(volume, brain).tolist() == [2, 4, 5]


def test_slices_do_not_depend_on_the_units_of_the_scanner(volume, brain):
    one, _ = cut_slices(volume, brain)
    other, _ = cut_slices(40 * volume, brain)

    np.testing.assert_allclose(one, other, atol=2e-3)


def test_slices_are_cut_where_they_say(volume, brain):
    slices, places = cut_slices(volume, brain)

    level = volume[brain].mean()
    for image, z in zip(slices, places, strict=True):
        np.testing.assert_allclose(image, volume[:, :, z] / level, atol=2e-3)


def test_a_volume_without_brain_has_no_slices(volume):
    slices, places = cut_slices(volume, np.zeros(SHAPE, dtype=bool))

    assert slices.shape == (0, *SHAPE[:2])
    assert len(places) == 0
