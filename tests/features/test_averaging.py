"""Images averaged onto the grid of an experiment."""

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import GridMismatchError
from motor_bids_app.features.averaging import average_onto, crop_grid, experiment_grid
from motor_bids_app.spaces.grids import Grid, standard_grid

GRID = Grid((4, 5, 6), np.diag([2.0, 2, 2, 1]))


def make_image(values, grid=GRID):
    return nib.Nifti1Image(np.asarray(values, dtype=np.float32), grid.affine)


@pytest.mark.parametrize("resolution", [2, 3, 4])
def test_averaging_keeps_the_integral(resolution):
    fine = standard_grid(2)
    values = np.zeros(fine.shape)
    values[30:60, 40:70, 20:50] = np.random.default_rng(0).random((30, 30, 30))

    averaged = average_onto(make_image(values, fine), standard_grid(resolution))

    assert averaged.sum() * resolution**3 == pytest.approx(values.sum() * 8, rel=1e-4)


def test_averaging_onto_the_same_grid_changes_nothing():
    values = np.random.default_rng(0).random(GRID.shape)

    np.testing.assert_allclose(average_onto(make_image(values), GRID), values, rtol=1e-6)


def test_averaging_puts_values_where_they_are_in_the_world():
    fine, coarse = standard_grid(2), standard_grid(4)
    x, y, z = (np.arange(size) for size in fine.shape)
    ramp = (fine.affine[0, 3] + 2 * x)[:, None, None] + 0 * y[:, None] + 0 * z

    averaged = average_onto(make_image(ramp, fine), coarse)

    expected = coarse.affine[0, 3] + 4 * np.arange(coarse.shape[0])
    np.testing.assert_allclose(averaged[1:-1, 20, 20], expected[1:-1], atol=1e-3)


def test_a_flipped_image_gives_the_same_average():
    fine, coarse = standard_grid(2), standard_grid(4)
    values = np.random.default_rng(0).random(fine.shape)
    flipped = fine.affine.copy()
    flipped[0] = [-2, 0, 0, fine.affine[0, 3] + 2 * (fine.shape[0] - 1)]

    turned = average_onto(nib.Nifti1Image(values[::-1].astype(np.float32), flipped), coarse)

    np.testing.assert_allclose(turned, average_onto(make_image(values, fine), coarse), atol=1e-5)


def test_a_rotated_image_is_refused():
    turned = np.array([[0, 2, 0, 0], [2, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])
    with pytest.raises(GridMismatchError, match="standard space"):
        average_onto(nib.Nifti1Image(np.zeros((4, 4, 4), np.float32), turned), GRID)


def test_cropped_grid_holds_the_brain_where_it_was_and_stays_symmetric():
    whole = standard_grid(4)
    brain = np.zeros(whole.shape, dtype=bool)
    brain[10:30, 12:40, 5:33] = True

    cropped = experiment_grid(4, brain)
    kept = average_onto(make_image(brain, whole), cropped)

    assert kept.sum() == brain.sum()
    ends = cropped.affine[0, 3] + 4 * np.array([0, cropped.shape[0] - 1])
    assert ends.sum() == pytest.approx(0)


def test_cropping_to_nothing_is_refused():
    with pytest.raises(GridMismatchError, match="0 voxels"):
        crop_grid(GRID, np.zeros(GRID.shape, dtype=bool))
