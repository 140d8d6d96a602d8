from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from motor_bids_app.errors import DataError, EmptyRegionError, GridMismatchError
from motor_bids_app.mri.anatomy import correct_bias, denoise, reorient


def image_of(values, voxel_mm=(2.0, 2, 2)):
    return nib.Nifti1Image(np.asarray(values, dtype=np.float32), np.diag([*voxel_mm, 1]))


@pytest.fixture
def ball():
    """Two tissues of smooth shape, 32x30x28 voxels of 2 mm, without noise."""
    x, y, z = np.indices((32, 30, 28)) - np.array([16, 15, 14]).reshape(3, 1, 1, 1)
    radius = np.sqrt(x**2 + y**2 + z**2)
    return np.select([radius < 7, radius < 12], [200.0, 120.0], 0.0)


def noisy(values, sd=8.0):
    return values + np.random.default_rng(0).normal(0, sd, values.shape)


ALL_ORDERS = [
    "".join(axes) for order in permutations(("LR", "PA", "IS")) for axes in product(*order)
]


@pytest.mark.parametrize("axes", ALL_ORDERS)
def test_reorienting_keeps_every_value_at_its_place_in_the_world(axes):
    values = np.random.default_rng(0).random((9, 10, 11)).astype(np.float32)
    start = nib.Nifti1Image(values, nib.affines.from_matvec(np.diag([1.0, 2, 3]), [5, -6, 7]))
    turn = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(axes)
    )
    turned = start.as_reoriented(turn)

    back = reorient(turned)

    assert nib.aff2axcodes(back.affine) == ("R", "A", "S")
    np.testing.assert_allclose(back.affine, start.affine)
    np.testing.assert_array_equal(back.dataobj, values)


def test_repetitions_are_averaged():
    series = np.random.default_rng(0).random((9, 10, 11, 3))

    averaged = reorient(image_of(series))

    np.testing.assert_allclose(averaged.dataobj, series.mean(-1), rtol=1e-5)


def test_values_that_are_not_finite_become_zero(ball):
    ball[16, 15, 12:16] = [np.nan, np.inf, -np.inf, 7]

    cleaned = reorient(image_of(ball))

    np.testing.assert_array_equal(cleaned.dataobj[16, 15, 12:16], [0, 0, 0, 7])


@pytest.mark.parametrize(
    ("shape", "message"),
    [((20, 20), "no volume"), ((20, 20, 1), "at least 8"), ((9, 9, 9), "Every voxel .* is 0")],
)
def test_an_image_without_a_head_is_refused(shape, message):
    with pytest.raises(DataError, match=message):
        reorient(image_of(np.zeros(shape)))


def test_denoising_comes_closer_to_the_truth(ball):
    image = image_of(noisy(ball))

    cleaned = denoise(image)

    before = np.abs(image.dataobj - ball).mean()
    assert np.abs(cleaned.dataobj - ball).mean() < 0.6 * before


def test_denoising_keeps_edges(ball):
    cleaned = np.asarray(denoise(image_of(noisy(ball))).dataobj)

    blurred = ndimage.uniform_filter(noisy(ball), 3)
    edge = ndimage.maximum_filter(ball, 3) != ndimage.minimum_filter(ball, 3)
    assert np.abs(cleaned - ball)[edge].mean() < 0.5 * np.abs(blurred - ball)[edge].mean()


@pytest.mark.parametrize("sd", [4.0, 12.0])
def test_folds_as_narrow_as_voxels_are_not_taken_for_noise(sd):
    """White matter in the depth, and a cortex that changes from voxel to voxel, as at 2 mm."""
    rng = np.random.default_rng(0)
    head = rng.choice([60.0, 130.0, 200.0], (40, 40, 40))
    head[12:28, 12:28, 12:28] = 200

    cleaned = np.asarray(denoise(image_of(noisy(head, sd))).dataobj)

    error = np.sqrt(np.mean((cleaned - head) ** 2))
    assert error < sd
    depth = (slice(14, 26),) * 3
    assert cleaned[depth].std() < 0.6 * sd


def test_denoising_leaves_an_image_without_noise_alone(ball):
    np.testing.assert_allclose(denoise(image_of(ball)).dataobj, ball, atol=1e-3)


def test_denoising_in_parts_changes_nothing(ball, monkeypatch):
    image = image_of(noisy(ball))
    whole = denoise(image)

    monkeypatch.setattr("motor_bids_app.mri.anatomy._SLAB", 5)

    np.testing.assert_allclose(denoise(image).dataobj, whole.dataobj, rtol=1e-6)


def test_thick_slices_are_not_averaged_with_each_other():
    x, y = np.indices((24, 24)) - 12
    slices = np.stack([np.where(x**2 + y**2 < 80, 100 + 3 * z, 0) for z in range(9)], axis=-1)
    image = image_of(noisy(slices, 5), (1, 1, 6))

    cleaned = np.asarray(denoise(image).dataobj)

    alone = np.asarray(image.dataobj).copy()
    alone[..., :4] = np.random.default_rng(1).normal(50, 20, (24, 24, 4))
    # The noise level is shared, but the slices above must not depend on the values below.
    monkey = np.asarray(denoise(image_of(alone, (1, 1, 6))).dataobj)
    assert np.abs(monkey[..., 6:] - cleaned[..., 6:]).mean() < 2


def test_voxels_cut_out_stay_zero(ball):
    cut = np.where(ball > 0, noisy(ball), 0)

    cleaned = np.asarray(denoise(image_of(cut)).dataobj)

    assert not np.any(cleaned[cut == 0])


def biased(ball):
    x, y, _ = np.indices(ball.shape) / 30
    return np.exp(0.6 * x - 0.5 * y * x)


@pytest.mark.parametrize("sloppy", [False, True])
def test_bias_correction_flattens_tissues(ball, sloppy):
    field = biased(ball)
    image, mask = image_of(noisy(ball, 2) * field), image_of(ball > 0)

    corrected = np.asarray(correct_bias(image, mask, sloppy=sloppy).dataobj)

    inner = ndimage.binary_erosion(ball == 200, iterations=2)
    before = np.asarray(image.dataobj)[inner]
    after = corrected[inner]
    assert after.std() / after.mean() < 0.4 * before.std() / before.mean()


def test_bias_correction_keeps_the_mean(ball):
    image, mask = image_of(noisy(ball) * biased(ball)), image_of(ball > 0)

    corrected = np.asarray(correct_bias(image, mask).dataobj)

    inside = ball > 0
    assert corrected[inside].mean() == pytest.approx(image.dataobj[inside].mean(), rel=1e-4)


def test_without_a_mask_the_head_is_found(ball):
    image = image_of(np.abs(noisy(ball, 2)) * biased(ball))

    corrected = np.asarray(correct_bias(image).dataobj)

    inner = ndimage.binary_erosion(ball == 200, iterations=2)
    before = np.asarray(image.dataobj)[inner]
    assert corrected[inner].std() < 0.6 * before.std()


def test_a_mask_that_does_not_fit_is_refused(ball):
    with pytest.raises(GridMismatchError):
        correct_bias(image_of(ball), image_of(ball[:-1]))
    with pytest.raises(EmptyRegionError, match="mask is empty"):
        correct_bias(image_of(ball), image_of(np.zeros_like(ball)))


def test_inputs_are_not_modified(ball):
    image = image_of(noisy(ball))
    before = np.array(image.dataobj)

    correct_bias(denoise(reorient(image)))

    np.testing.assert_array_equal(image.dataobj, before)
