"""Where the seed is put."""

import numpy as np
import pytest

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.features.seeds import LEFT_M1, place_seed, sphere
from motor_bids_app.spaces.atlases import load_cerebra
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template

GRID = standard_grid(3)


@pytest.fixture(scope="module")
def brain():
    return np.asarray(load_template("brain", 3).dataobj) > 0


@pytest.fixture(scope="module")
def wanted():
    return sphere(GRID, LEFT_M1, 6)


def centre(voxels):
    return GRID.affine[:3, :3] @ np.argwhere(voxels).mean(axis=0) + GRID.affine[:3, 3]


def test_a_sphere_has_the_volume_and_place_of_a_sphere(wanted):
    assert 27 * wanted.sum() == pytest.approx(4 / 3 * np.pi * 6**3, rel=0.2)
    np.testing.assert_allclose(centre(wanted), LEFT_M1, atol=1)


def test_a_sphere_smaller_than_a_voxel_is_the_nearest_voxel():
    assert sphere(GRID, LEFT_M1, 0.1).sum() == 1


def test_the_seed_is_mirrored_to_the_side_of_the_lesion(wanted, brain):
    seed = place_seed(wanted, brain, GRID, "right")

    assert (seed.moved, seed.share) == (0, 1)
    np.testing.assert_allclose(centre(seed.voxels) * [-1, 1, 1], centre(wanted))


def test_a_seed_that_is_partly_damaged_keeps_the_rest(wanted, brain):
    usable = brain.copy()
    usable[tuple(np.argwhere(wanted)[:5].T)] = False

    seed = place_seed(wanted, usable, GRID, "left")

    assert seed.moved == 0
    assert seed.share == pytest.approx(1 - 5 / wanted.sum())
    assert not (seed.voxels & ~usable).any()


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_destroyed_seed_is_replaced_by_the_nearest_intact_m1(wanted, brain, side):
    place = np.array(LEFT_M1) * [1 if side == "left" else -1, 1, 1]
    usable = brain & ~sphere(GRID, tuple(place), 12)

    seed = place_seed(wanted, usable, GRID, side)

    region = load_cerebra(3).mask(f"Precentral_{side[0].upper()}")
    assert seed.voxels.sum() == wanted.sum()
    assert not (seed.voxels & ~(region & usable)).any()
    assert 12 < seed.moved < 25
    assert seed.share == 0
    apart = np.linalg.norm(
        GRID.affine[:3, :3] @ np.argwhere(seed.voxels).T + GRID.affine[:3, 3:] - place[:, None],
        axis=0,
    )
    others = region & usable & ~seed.voxels
    far = np.linalg.norm(
        GRID.affine[:3, :3] @ np.argwhere(others).T + GRID.affine[:3, 3:] - place[:, None], axis=0
    )
    assert apart.max() <= far.min() + 3


def test_a_hemisphere_without_m1_is_explained(wanted, brain):
    usable = brain.copy()
    usable[: GRID.shape[0] // 2] = False

    with pytest.raises(EmptyRegionError, match="M1 of the left hemisphere has 0 voxels"):
        place_seed(wanted, usable, GRID, "left")


def test_an_empty_seed_is_explained(brain):
    with pytest.raises(EmptyRegionError, match="seed is empty"):
        place_seed(np.zeros(GRID.shape, dtype=bool), brain, GRID, "left")
