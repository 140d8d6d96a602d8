import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import from_matvec

from motor_bids_app.errors import DataError
from motor_bids_app.mri.lesion_checks import (
    header_reading,
    relation,
    share_in_brain,
    voxel_reading,
)
from motor_bids_app.spaces.grids import Grid

AFFINE = from_matvec(np.diag([-2.0, 2, 2.5]), [40, -50, -30])
HEAD = Grid((41, 51, 30), AFFINE)


def box(low, high, grid=HEAD):
    values = np.zeros(grid.shape, dtype=np.uint8)
    values[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = 1
    return nib.Nifti1Image(values, grid.affine)


BRAIN = box((8, 8, 6), (33, 43, 26))
LESION = box((10, 12, 10), (16, 20, 16))


def moved(by):
    return Grid(HEAD.shape, from_matvec(np.eye(3), by) @ AFFINE)


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        pytest.param(HEAD, "same", id="itself"),
        pytest.param(moved((0.4, 0.3, 0)), "same", id="rounding"),
        pytest.param(moved((0, 3, 0)), "moved", id="shifted"),
        pytest.param(Grid(HEAD.shape, np.diag([2, 2, 2.5, 1])), "moved", id="sizes alone"),
        pytest.param(Grid((41, 51, 31), AFFINE), "other", id="another size"),
        pytest.param(
            Grid.of(LESION.as_reoriented([[0, -1], [1, 1], [2, 1]])), "reversed", id="x reversed"
        ),
        pytest.param(
            Grid.of(LESION.as_reoriented([[2, 1], [0, -1], [1, 1]])), "same", id="axes exchanged"
        ),
    ],
)
def test_how_a_mask_lies_on_an_image(grid, expected):
    assert relation(grid, HEAD) == expected


def test_the_reading_that_is_right_has_the_lesion_in_the_brain():
    lost = nib.Nifti1Image(np.asarray(LESION.dataobj), np.diag([2, 2, 2.5, 1]))

    assert voxel_reading(lost, HEAD, BRAIN) == 1
    assert header_reading(lost, BRAIN) < 0.5


@pytest.mark.parametrize(
    "mask",
    [
        pytest.param(box((0, 0, 0), HEAD.shape), id="everything"),
        pytest.param(BRAIN, id="the brain"),
        pytest.param(
            nib.Nifti1Image(1 - np.asarray(LESION.dataobj), AFFINE), id="exchanged, everywhere"
        ),
        pytest.param(
            nib.Nifti1Image(np.asarray(BRAIN.dataobj) - np.asarray(LESION.dataobj), AFFINE),
            id="exchanged, in the brain",
        ),
    ],
)
def test_what_cannot_be_a_lesion_is_refused(mask):
    with pytest.raises(DataError, match="exchange 0 and 1"):
        share_in_brain(mask, BRAIN)


def test_a_large_lesion_of_one_hemisphere_passes():
    assert share_in_brain(box((8, 8, 6), (20, 43, 26)), BRAIN) == 1
