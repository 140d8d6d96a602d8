import numpy as np
import pytest

from motor_bids_app.mri.diffusion.outliers import find_dropouts, outlier_volumes, usable_values
from motor_bids_app.mri.diffusion.tensor import fit_tensor


@pytest.fixture(scope="module")
def gradients(phantom):
    return phantom.gradients(24, b0=3)


@pytest.fixture(scope="module")
def series(phantom, gradients):
    """A moving head with noise."""
    motions = phantom.draw_motion(gradients, mm=2, degrees=2)
    return phantom.with_noise(phantom.series(gradients, motions), 30)


def test_motion_and_noise_are_no_dropouts(phantom, gradients, series):
    assert not find_dropouts(series, gradients, phantom.mask).any()


@pytest.mark.parametrize("loss", [0.3, 0.9])
@pytest.mark.parametrize("axis", [1, 2])
def test_planted_dropouts_are_found_and_nothing_else(phantom, gradients, series, loss, axis):
    broken = series.copy()
    planted = np.zeros((series.shape[axis], len(gradients)), dtype=bool)
    for volume in (5, 11, 20):
        planted[20:36:3, volume] = True
    moved = np.moveaxis(broken, axis, 0)
    moved[planted.nonzero()[0], :, :, planted.nonzero()[1]] *= 1 - loss

    found = find_dropouts(broken, gradients, phantom.mask, axis)

    assert np.array_equal(found, planted)


def test_a_volume_that_is_dark_throughout_is_an_outlier(phantom, gradients, series):
    broken = series.copy()
    broken[..., 9] *= 0.5

    found = outlier_volumes(find_dropouts(broken, gradients, phantom.mask))

    assert np.flatnonzero(found).tolist() == [9]


def test_three_directions_are_too_few_to_tell(phantom):
    few = phantom.gradients(3, b0=1)
    series = phantom.series(few)

    assert not find_dropouts(series, few, phantom.mask).any()


def test_what_was_interpolated_from_a_dropout_is_not_usable():
    dropouts = np.zeros((10, 3), dtype=bool)
    dropouts[4, 1] = dropouts[7, 2] = True
    matrices = np.stack([np.eye(4)] * 3)
    matrices[2, 2, 3] = 0.5  # this volume is read half a voxel higher

    usable = usable_values(dropouts, matrices, np.ones((5, 6, 10)))

    assert usable[..., 0].all()
    assert np.flatnonzero(~usable[2, 3, :, 1]).tolist() == [4]
    assert np.flatnonzero(~usable[2, 3, :, 2]).tolist() == [5, 6, 7, 8]  # by a cubic spline


def test_what_was_outside_the_field_of_view_is_not_usable():
    matrices = np.stack([np.eye(4)] * 3)
    matrices[1, 2, 3] = 2.0  # read two voxels higher: the last two were never in view
    matrices[2, 0, 3] = -0.4  # less than half a voxel

    usable = usable_values(np.zeros((10, 3), dtype=bool), matrices, np.ones((5, 6, 10)))

    assert usable[..., [0, 2]].all()
    assert np.flatnonzero(~usable[2, 3, :, 1]).tolist() == [8, 9]


def test_where_the_brain_stayed_in_view_nothing_is_left_out():
    matrices = np.stack([np.eye(4)] * 2)
    matrices[1, 2, 3] = 2.0
    brain = np.zeros((5, 6, 10))
    brain[1:4, 1:5, 1:8] = 1

    assert usable_values(np.zeros((10, 2), dtype=bool), matrices, brain) is None


def test_values_from_outside_the_view_do_not_change_the_tensor(phantom, gradients):
    series = phantom.series(gradients)[:, :, :30]  # the vertex was not in view
    matrices = np.stack([np.eye(4)] * len(gradients))
    matrices[5, 2, 3] = 3.0
    wrong = series.copy()
    wrong[:, :, -3:, 5] *= 0.3  # as if an edge had been repeated
    top = np.zeros(series.shape[:3])
    top[..., -3:] = phantom.mask[:, :, 27:30]
    none = np.zeros((series.shape[2], len(gradients)), dtype=bool)

    usable = usable_values(none, matrices, top)

    weighted, plain = (fit_tensor(wrong, gradients, top, given)["fa"] for given in (usable, None))
    truth = fit_tensor(series, gradients, top)["fa"]
    inside = top > 0
    assert np.abs(weighted - truth)[inside].max() < 0.02
    assert np.abs(plain - truth)[inside].max() > 0.1
