import numpy as np
import pytest

from motor_bids_app.simulation.deformation import CENTRE, draw_rigid, draw_shape, rigid
from motor_bids_app.spaces.grids import standard_grid


@pytest.fixture
def brain_points():
    return np.random.default_rng(0).uniform([-65, -95, -50], [65, 65, 75], (500, 3))


def test_directions_of_the_map_invert_each_other(shape, brain_points):
    there = shape.to_scanner(brain_points).astype(np.float32)

    back = shape.to_standard(there)

    assert np.linalg.norm(back - brain_points, axis=1).max() < 0.2


@pytest.mark.parametrize("seed", range(3))
def test_no_tissue_is_folded(seed):
    warp = draw_shape(np.random.default_rng(seed)).warp
    slopes = np.stack(np.gradient(warp, 4, axis=(0, 1, 2)), axis=-1)

    jacobian = np.linalg.det(slopes + np.eye(3))

    assert jacobian.min() > 0.2
    assert standard_grid(4).shape == jacobian.shape


def test_sizes_and_poses_are_those_of_people():
    rng = np.random.default_rng(1)
    matrices = np.array([draw_shape(rng).matrix for _ in range(6)])

    sizes = np.cbrt(np.linalg.det(matrices[:, :3, :3]))
    shifts = matrices @ np.append(CENTRE, 1) - np.append(CENTRE, 1)

    assert sizes.min() > 0.85
    assert sizes.max() < 1.03
    assert np.abs(shifts).max() <= 10


def test_rigid_turns_about_the_middle_of_the_head():
    matrix = rigid(np.array([0, 0, 90]), np.zeros(3))

    moved = matrix @ [CENTRE[0] + 1, *CENTRE[1:], 1]

    np.testing.assert_allclose(moved[:3] - CENTRE, [0, 1, 0], atol=1e-12)


def test_drawn_movements_are_rigid():
    turn = draw_rigid(np.random.default_rng(0), degrees=10, millimetres=5)[:3, :3]

    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
