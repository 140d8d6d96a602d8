import numpy as np
import pytest
from nibabel.affines import apply_affine
from scipy import ndimage

from motor_bids_app.simulation.sampling import grid_points, move, sample, slabs
from motor_bids_app.spaces.grids import Grid, standard_grid

TILTED = np.array([[2, 0.1, 0, -9], [-0.1, 2.5, 0.2, 4], [0, -0.2, 3, 7], [0, 0, 0, 1.0]])
GRID = Grid((7, 8, 9), TILTED)


@pytest.fixture
def volumes():
    return np.random.default_rng(0).standard_normal((2, *GRID.shape)).astype(np.float32)


@pytest.fixture
def points():
    voxels = np.random.default_rng(1).uniform(0, [6, 7, 8], (50, 3))
    return apply_affine(TILTED, voxels).astype(np.float32)


def test_interpolation_agrees_with_scipy(volumes, points):
    voxels = apply_affine(np.linalg.inv(TILTED), points).T

    values = sample(volumes, GRID, points)

    expected = [ndimage.map_coordinates(volume, voxels, order=1) for volume in volumes]
    np.testing.assert_allclose(values, expected, atol=1e-4)


def test_beyond_the_edge_is_zero_or_the_nearest_voxel(volumes):
    far = apply_affine(TILTED, [[-30, 3, 4]]).astype(np.float32)

    assert sample(volumes, GRID, far).tolist() == [[0], [0]]
    np.testing.assert_allclose(
        sample(volumes, GRID, far, edge=True)[:, 0], volumes[:, 0, 3, 4], atol=1e-3
    )


def test_moving_points_is_applying_the_affine(points):
    np.testing.assert_allclose(move(TILTED, points), apply_affine(TILTED, points), atol=1e-3)


def test_slabs_cover_the_grid_once():
    grid = standard_grid(1)

    points = sum(len(grid_points(grid, rows)) for rows in slabs(grid))

    assert points == np.prod(grid.shape)
