import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from motor_bids_app.errors import DataError
from motor_bids_app.mri.resampling import displacement_field, invert, resample, resample_inside
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.transforms import Transform

OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.2, -0.1, 0.3) @ np.diag([-1.5, 2, 1]), [12, -7, 3]
)


def grid_of(shape, voxel_mm=2.0, origin=(-10, -12, -8)):
    affine = np.diag([voxel_mm] * 3 + [1.0])
    affine[:3, 3] = origin
    return Grid(shape, affine)


def bumpy_transform(size=3.0):
    """Affine and a smooth displacement of up to about `size` mm, without folds."""
    grid = grid_of((20, 20, 20), origin=(-20, -20, -20))
    noise = np.random.default_rng(3).standard_normal((20, 20, 20, 3))
    smooth = np.stack([ndimage.gaussian_filter(noise[..., k], 3) for k in range(3)], axis=-1)
    displacement = (smooth * size / np.abs(smooth).max()).astype(np.float32)
    matrix = nib.affines.from_matvec(np.diag([1.1, 0.9, 1.05]) @ OBLIQUE[:3, :3] / 1.5, [4, 2, -3])
    return Transform(matrix=matrix, displacement=displacement, grid=grid)


def image_of(values, affine=OBLIQUE):
    return nib.Nifti1Image(values, affine)


def random_image(shape=(14, 12, 16), dtype=np.float32):
    return image_of((np.random.default_rng(0).random(shape) * 100).astype(dtype))


@pytest.mark.parametrize("order", [0, 1])
def test_values_are_taken_where_the_transform_points(order):
    transform, grid = bumpy_transform(), grid_of((9, 8, 7), origin=(-8, -8, -6))
    middle = transform([[0.0, 0, 0]])[0] - OBLIQUE[:3, :3] @ [7, 6, 8]
    image = image_of(random_image().dataobj, nib.affines.from_matvec(OBLIQUE[:3, :3], middle))

    moved = resample(image, grid, transform, order=order)

    voxels = np.moveaxis(np.indices(grid.shape), 0, -1)
    world = transform(nib.affines.apply_affine(grid.affine, voxels))
    source = nib.affines.apply_affine(np.linalg.inv(image.affine), world)
    expected = ndimage.map_coordinates(
        image.get_fdata(), np.moveaxis(source, -1, 0), order=order, mode="constant"
    )
    inside = np.all((source > 0.01) & (source < np.array(image.shape) - 1.01), axis=-1)
    assert inside.sum() > 100
    agree = np.isclose(np.asarray(moved.dataobj), expected, atol=0.05)[inside]
    assert agree.mean() > 0.98  # nearest neighbours may differ where two are equally near


def test_an_image_on_its_own_grid_stays_as_it_is():
    image = random_image()

    same = resample(image, Grid.of(image))

    np.testing.assert_allclose(same.dataobj, image.dataobj, atol=2e-3)


def test_outside_the_image_is_zero():
    image = image_of(np.ones((4, 4, 4), dtype=np.float32), np.eye(4))

    moved = resample(image, grid_of((3, 3, 3), origin=(50, 50, 50)))

    assert not np.any(moved.dataobj)


def test_labels_keep_their_values_and_type():
    image = random_image(dtype=np.int16)

    moved = resample(image, grid_of((9, 9, 9)), bumpy_transform(), order=0)

    assert moved.get_data_dtype() == np.int16
    assert np.isin(np.asarray(moved.dataobj), [0, *np.unique(image.dataobj)]).all()


def test_every_volume_of_a_series_is_moved_alike():
    series, transform, grid = random_image((8, 9, 7, 3)), bumpy_transform(), grid_of((9, 8, 7))

    moved = np.asarray(resample(series, grid, transform).dataobj)

    for volume in range(3):
        single = image_of(np.asarray(series.dataobj)[..., volume])
        np.testing.assert_array_equal(moved[..., volume], resample(single, grid, transform).dataobj)


def test_large_grids_are_done_in_parts_that_fit_together(monkeypatch):
    image, transform, grid = random_image(), bumpy_transform(), grid_of((9, 8, 7))
    whole = resample(image, grid, transform)

    monkeypatch.setattr("motor_bids_app.mri.resampling._SLAB", 100)

    np.testing.assert_allclose(resample(image, grid, transform).dataobj, whole.dataobj, atol=1e-3)


def test_an_image_with_five_axes_is_refused():
    with pytest.raises(DataError, match="5 axes"):
        resample(image_of(np.ones((2, 2, 2, 1, 3), dtype=np.float32)), grid_of((2, 2, 2)))


@pytest.mark.parametrize("voxel_mm", [1.0, 2.0])
def test_an_inverse_leads_back_to_where_one_started(voxel_mm):
    transform = bumpy_transform(size=5.0)
    target = np.random.default_rng(1).uniform(-12, 12, (200, 3))
    source = transform(target)
    low = source.min(0) - 4
    counts = np.ceil((source.max(0) + 4 - low) / voxel_mm).astype(int)
    grid = grid_of(tuple(counts.tolist()), voxel_mm, low)

    back = invert(transform, grid)(source)

    assert np.abs(back - target).max() < 0.3  # of displacements of 5 mm; the grid is coarse


def test_the_inverse_of_an_affine_is_exact():
    inverse = invert(Transform(matrix=OBLIQUE), grid_of((2, 2, 2)))

    np.testing.assert_allclose(inverse.matrix @ OBLIQUE, np.eye(4), atol=1e-12)


def test_a_displacement_image_means_the_same_to_itk(tmp_path):
    import SimpleITK as sitk  # noqa: N813

    transform, grid = bumpy_transform(), grid_of((20, 20, 20), origin=(-20, -20, -20))
    nib.save(displacement_field(transform, grid), tmp_path / "field.nii.gz")
    read = sitk.ReadImage(str(tmp_path / "field.nii.gz"), sitk.sitkVectorFloat64)
    itk = sitk.DisplacementFieldTransform(read)

    lps = np.array([-1, -1, 1])
    points = np.random.default_rng(2).uniform(-15, 15, (20, 3))
    for point, expected in zip(points, transform(points), strict=True):
        theirs = lps * itk.TransformPoint((lps * point).tolist())
        np.testing.assert_allclose(theirs, expected, atol=1e-3)


def test_a_map_is_not_darker_at_the_edge_of_what_was_measured():
    inside = np.zeros((12, 12, 12), np.float32)
    inside[3:9, 3:9, 3:9] = 1
    grid = Grid((12, 12, 12), nib.affines.from_matvec(np.eye(3), [0.4, 0.3, 0.2]))
    mask = nib.Nifti1Image(inside, np.eye(4))
    image = nib.Nifti1Image(0.7 * inside, np.eye(4))
    found = np.asarray(resample_inside(image, mask, grid, Transform()).dataobj)

    np.testing.assert_allclose(found[found > 0], 0.7, rtol=1e-5)
    assert (found > 0).sum() > 0.9 * inside.sum()
