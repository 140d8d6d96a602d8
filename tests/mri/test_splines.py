import numpy as np
import pytest
from scipy import ndimage

from motor_bids_app.mri.splines import sample_spline, spline_coefficients

VOLUME = np.random.default_rng(0).normal(size=(9, 12, 7)).astype(np.float32)


def test_splines_equal_those_of_scipy():
    rng = np.random.default_rng(1)
    points = rng.uniform(0, np.array(VOLUME.shape)[:, None] - 1, (3, 500))

    found = sample_spline(spline_coefficients(VOLUME), points)

    expected = ndimage.map_coordinates(VOLUME, points, order=3, mode="mirror")
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_spline_goes_through_the_voxels():
    points = np.indices(VOLUME.shape).reshape(3, -1)

    found = sample_spline(spline_coefficients(VOLUME), points)

    np.testing.assert_allclose(found, VOLUME.ravel(), atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("beyond", [-0.6, 0.6])
def test_there_is_nothing_outside_the_image(axis, beyond):
    point = (np.array(VOLUME.shape) - 1.0) / 2
    point[axis] = beyond if beyond < 0 else VOLUME.shape[axis] - 1 + beyond

    assert sample_spline(spline_coefficients(VOLUME + 10), point[:, None])[0] == 0


def test_an_image_of_one_slice_is_interpolated_within_it():
    flat = VOLUME[:, :, :1]
    points = np.array([[2.3], [4.6], [0.0]])

    found = sample_spline(spline_coefficients(flat), points)

    expected = ndimage.map_coordinates(flat[..., 0], points[:2], order=3, mode="mirror")
    np.testing.assert_allclose(found, expected, atol=1e-4)
