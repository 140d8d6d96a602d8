import numpy as np
import pytest
import torch
from nibabel.affines import from_matvec
from scipy.spatial.transform import Rotation

from motor_bids_app.mri.alignment import Picture
from motor_bids_app.mri.edges import EdgeComparison
from motor_bids_app.mri.sampling import as_volume
from motor_bids_app.spaces.templates import load_template


@pytest.fixture(scope="module")
def picture():
    template = load_template("T1w", 4)
    volume = as_volume(np.asarray(template.dataobj))
    return Picture(volume, torch.ones_like(volume), np.asarray(template.affine, np.float64))


@pytest.fixture(scope="module")
def comparison(picture):
    return EdgeComparison(picture, picture, 3000)


def places():
    chance = np.random.default_rng(0)
    turns = Rotation.from_euler("xyz", chance.uniform(-8, 8, (5, 3)), degrees=True).as_matrix()
    return np.stack([from_matvec(turn, chance.uniform(-8, 8, 3)) for turn in turns])


def test_many_places_are_compared_as_each_alone(comparison):
    together = comparison.costs(places())
    equations = comparison.normal_equations(places())

    for number, place in enumerate(places()):
        np.testing.assert_allclose(together[number], comparison.costs(place[None])[0], atol=1e-6)
        for all_of_them, own in zip(
            equations, comparison.normal_equations(place[None]), strict=True
        ):
            np.testing.assert_allclose(all_of_them[number], own[0], rtol=1e-3, atol=2e-5)


def test_a_place_right_on_the_image_fits_best(comparison):
    assert comparison.costs(np.eye(4)[None])[0] < comparison.costs(places()).min()


@pytest.mark.parametrize("field_of_view", ["whole head", "slab"])
def test_gradients_are_those_of_the_costs(picture, field_of_view):
    slices = slice(None) if field_of_view == "whole head" else slice(12, 32)
    cut = Picture(
        picture.volume[..., slices],
        picture.weight[..., slices],
        picture.affine @ from_matvec(np.eye(3), [0, 0, slices.start or 0]),
    )
    comparison = EdgeComparison(picture, cut, 20_000)

    _, gradients, centres = comparison.normal_equations(places())

    for place, gradient, centre in zip(places(), gradients, centres, strict=True):
        apart = [differences(comparison, place, centre, step) for step in 0.05 * np.eye(6)]
        np.testing.assert_allclose(gradient, apart, atol=0.15 * np.abs(apart).max())


def differences(comparison, place, centre, step):
    """Slope of the costs along a small shift (mm) or turn (1/50 rad)."""
    tried = []
    for sign in (1, -1):
        turn = Rotation.from_rotvec(sign * step[3:] / 50).as_matrix()
        tried.append(from_matvec(turn, centre + sign * step[:3] - turn @ centre) @ place)
    one, other = comparison.costs(np.stack(tried))
    return (one - other) / (2 * np.linalg.norm(step))


def test_places_where_the_images_hardly_meet_cost_one(comparison):
    far = from_matvec(np.eye(3), [300.0, 0, 0])

    assert comparison.costs(np.stack([far, np.eye(4)]))[0] == 1
