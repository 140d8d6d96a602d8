import numpy as np
import pytest
from nibabel.affines import apply_affine
from scipy import ndimage

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.distortion.susceptibility import correct_by_head, correct_pair, unwarp
from motor_bids_app.spaces.templates import load_template

VOXEL, AXIS = 3, 1
# Centre (mm in RAS), displacement (voxels) and width (mm) of what bends the field: the sinuses
# under the frontal lobes, both petrous bones, and a slow trend.
SOURCES = (
    ((0, 58, -12), 4.0, 13),
    ((45, -5, -30), -2.8, 11),
    ((-45, -5, -30), -2.4, 11),
    ((0, -70, 50), 0.6, 40),
)


@pytest.fixture(scope="module")
def head():
    return np.asarray(load_template("T1w", VOXEL).dataobj)


@pytest.fixture(scope="module")
def affine():
    return load_template("T1w", VOXEL).affine


@pytest.fixture(scope="module")
def brain(phantom):
    return np.asarray(load_template("brain", VOXEL).dataobj) > 0


@pytest.fixture(scope="module")
def field(brain, affine):
    places = apply_affine(affine, np.moveaxis(np.indices(brain.shape), 0, -1))
    total = np.zeros(brain.shape)
    for centre, height, width in SOURCES:
        distance = np.square(places - centre).sum(axis=-1)
        total += height * np.exp(-distance / (2 * width**2))
    return total.astype(np.float32)


def distort(image, field, seed=0):
    """Put true voxel y at y + field(y), as much thinner as it is longer, with noise."""
    grid = np.indices(image.shape).astype(float)
    back, places = np.zeros(image.shape), grid.copy()
    for _ in range(50):
        places[AXIS] = grid[AXIS] + back
        back = -ndimage.map_coordinates(field, places, order=1, mode="nearest")
    places[AXIS] = grid[AXIS] + back
    density = np.clip(1 + np.gradient(back, axis=AXIS), 0, None)
    moved = ndimage.map_coordinates(image, places, order=1) * density
    rng = np.random.default_rng(seed)
    real, imaginary = 30 * rng.standard_normal((2, *image.shape))
    return np.hypot(moved + real, imaginary).astype(np.float32)


def error(found, true, where):
    return float(np.abs(found - true)[where].mean())


def strong(field, brain):
    return brain & (np.abs(field) > 1)


def test_a_pair_gives_the_field(phantom, brain, affine, field):
    up, down = distort(phantom.s0, field, 1), distort(phantom.s0, -field, 2)

    found = correct_pair(up, down, brain, affine, AXIS)

    for where in (brain, strong(field, brain)):
        assert error(found, field, where) < 0.2 * error(0, field, where)


def test_a_pair_without_distortion_gives_none(phantom, brain, affine):
    up, down = distort(phantom.s0, 0 * phantom.s0, 1), distort(phantom.s0, 0 * phantom.s0, 2)

    assert error(correct_pair(up, down, brain, affine, AXIS), 0, brain) < 0.1


def test_motion_between_a_pair_is_no_distortion(phantom, brain, affine, field):
    turn = ndimage.affine_transform(
        distort(phantom.s0, -field, 2),
        [[1, 0, 0], [0, np.cos(0.05), -np.sin(0.05)], [0, np.sin(0.05), np.cos(0.05)]],
        [0.5, 1.5, -1.5],
        order=1,
    )

    found = correct_pair(distort(phantom.s0, field, 1), turn, brain, affine, AXIS)

    found -= np.median(found[brain])  # a shift along the axis is left in the field
    true = field - np.median(field[brain])
    assert error(found, true, strong(field, brain)) < 0.33 * error(0, true, strong(field, brain))


def test_the_head_gives_much_of_the_field_though_its_contrast_is_another(
    phantom, head, brain, affine, field
):
    found = correct_by_head(distort(phantom.s0, field), head, brain, affine, AXIS)

    assert found.accepted
    for where in (brain, strong(field, brain)):
        assert error(found.field, field, where) < 0.65 * error(0, field, where)


def test_the_head_does_no_harm_without_distortion(phantom, head, brain, affine):
    found = correct_by_head(distort(phantom.s0, 0 * phantom.s0), head, brain, affine, AXIS)

    assert not found.accepted
    assert not found.field.any()


def test_fluid_around_the_brain_is_no_distortion(phantom, head, brain, affine):
    around = ndimage.binary_dilation(brain, iterations=2) & ~brain
    b0 = distort(np.where(around, 1500, phantom.s0), 0 * phantom.s0)

    assert not correct_by_head(b0, head, brain, affine, AXIS).accepted


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_storage_order_and_direction_do_not_matter(phantom, head, brain, affine, field, axis):
    b0 = distort(phantom.s0, field)
    plain = correct_by_head(b0, head, brain, affine, AXIS).field
    images = [np.flip(np.swapaxes(one, AXIS, axis), axis) for one in (b0, head, brain)]

    turned = correct_by_head(*images, affine, axis).field  # the affine gives voxel sizes, all equal

    back = -np.swapaxes(np.flip(turned, axis), AXIS, axis)
    assert error(back, plain, brain) < 0.1


def test_unwarping_gives_the_true_image_back(phantom, brain, field):
    smooth = ndimage.gaussian_filter(phantom.s0, 1)
    distorted = distort(smooth, field)

    errors = [
        np.abs(image - smooth)[strong(field, brain)].mean()
        for image in (unwarp(distorted, field, AXIS), distorted)
    ]

    assert errors[0] < 0.3 * errors[1]


def test_unwarping_keeps_the_signal_of_each_line(phantom, field):
    inside = distort(ndimage.gaussian_filter(phantom.s0, 1), field)

    before, after = (image.sum(axis=AXIS) for image in (inside, unwarp(inside, field, AXIS)))

    bright = before > np.median(before)
    assert np.abs(after / before - 1)[bright].mean() < 0.03


def test_unwarping_by_nothing_changes_nothing(phantom):
    series = np.stack([phantom.s0, 2 * phantom.s0], axis=-1)

    np.testing.assert_allclose(
        unwarp(series, np.zeros(phantom.s0.shape, np.float32), AXIS), series, atol=0.1
    )


def test_whole_voxels_are_shifted_exactly(phantom):
    for axis in range(3):
        moved = unwarp(phantom.s0, np.full(phantom.s0.shape, 2, np.float32), axis)

        np.testing.assert_allclose(
            np.moveaxis(moved, axis, 0)[:-4], np.moveaxis(phantom.s0, axis, 0)[2:-2], atol=0.1
        )


def test_nothing_is_found_where_there_is_no_brain(phantom, head, brain, affine):
    with pytest.raises(EmptyRegionError, match="no brain"):
        correct_by_head(phantom.s0, head, 0 * brain, affine, AXIS)
    with pytest.raises(EmptyRegionError, match="no brain"):
        correct_pair(0 * phantom.s0, phantom.s0, brain, affine, AXIS)
