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
def comparison():
    template = load_template("T1w", 4)
    volume = as_volume(np.asarray(template.dataobj))
    picture = Picture(volume, torch.ones_like(volume), np.asarray(template.affine, np.float64))
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
            np.testing.assert_allclose(all_of_them[number], own[0], rtol=1e-3, atol=0.05)


def test_a_place_right_on_the_image_fits_best(comparison):
    assert comparison.costs(np.eye(4)[None])[0] < comparison.costs(places()).min()


def test_the_gradient_points_uphill(comparison):
    _, gradients, centres = comparison.normal_equations(places())
    before = comparison.costs(places())

    for number, place in enumerate(places()):
        step = 0.2 * gradients[number] / np.linalg.norm(gradients[number])
        turn = Rotation.from_rotvec(step[3:] / 50).as_matrix()
        centre = centres[number]
        motion = from_matvec(turn, centre + step[:3] - turn @ centre)
        assert comparison.costs((motion @ place)[None])[0] > before[number]


def test_places_where_the_images_hardly_meet_cost_one(comparison):
    far = from_matvec(np.eye(3), [300.0, 0, 0])

    assert comparison.costs(np.stack([far, np.eye(4)]))[0] == 1
