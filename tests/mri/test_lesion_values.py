import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from motor_bids_app.errors import EmptyRegionError, GridMismatchError
from motor_bids_app.mri.lesion_values import lesion_voxels, unite, values_note

SHAPE = (40, 40, 20)


def balls(count, radius=3):
    """Lesions in a row, numbered from 1."""
    places = np.moveaxis(np.indices(SHAPE), 0, -1)
    labels = np.zeros(SHAPE, dtype=np.int64)
    for number in range(count):
        centre = [4 + 8 * (number % 5), 4 + 8 * (number // 5 % 5), 10]
        labels[np.linalg.norm(places - centre, axis=-1) <= radius] = number + 1
    return labels


def image(values, voxel=1.0):
    return nib.Nifti1Image(values, np.diag([voxel, 1, 1, 1]), dtype=values.dtype)


@pytest.mark.parametrize("count", [1, 2, 11, 25])
@pytest.mark.parametrize(
    "dtype", [np.uint8, np.int16, np.int32, np.int64, np.uint16, np.uint64, np.float32, np.float64]
)
def test_numbered_lesions_all_count_whatever_their_number_and_type(count, dtype):
    labels = balls(count)

    found = lesion_voxels(image(labels.astype(dtype)))

    assert np.array_equal(found, labels > 0)


def test_numbers_with_gaps_count_too():
    labels = balls(25)
    gaps = np.array([0, *np.sort(np.random.default_rng(1).choice(2000, 25, replace=False) + 1)])

    assert np.array_equal(lesion_voxels(image(gaps[labels])), labels > 0)


@pytest.mark.parametrize("scale", [1, 100, 255, 1000])
def test_a_mask_that_was_interpolated_counts_from_half(scale):
    sharp = balls(12).astype(bool)
    graded = ndimage.gaussian_filter(sharp.astype(float), 1)
    graded *= scale / graded.max()
    stored = graded if scale == 1 else np.rint(graded).astype(np.int32)

    found = lesion_voxels(image(stored))

    assert np.array_equal(found, stored >= scale / 2)
    assert "probabilities" in values_note(image(stored))


def test_a_slope_in_the_header_makes_no_probabilities():
    values = (balls(3) > 0).astype(np.float32) * np.float32(0.0039215686) * 255

    assert values_note(image(values)) is None
    assert np.array_equal(lesion_voxels(image(values)), values > 0.5)


def test_labels_are_said_and_plain_masks_are_not():
    assert "20 labels, 1 to 20" in values_note(image(balls(20)))
    assert values_note(image(balls(1))) is None
    assert values_note(image(255 * balls(1))) is None


def test_probabilities_that_nowhere_reach_half_are_refused():
    faint = ndimage.gaussian_filter((balls(1) > 0).astype(float), 3)

    with pytest.raises(EmptyRegionError, match=r"reaches 0\.5: its highest value"):
        unite({"faint": image(faint)})


def test_parts_are_united():
    labels = balls(6)

    parts = {f"part {n}": image((labels == n).astype(np.uint8)) for n in range(1, 7)}

    assert np.array_equal(np.asarray(unite(parts).dataobj) > 0, labels > 0)


def test_parts_on_two_grids_are_refused_by_name():
    one, other = image(balls(1)), image(balls(1), voxel=2.0)

    with pytest.raises(GridMismatchError, match="run-2"):
        unite({"run-1": one, "run-2": other})
