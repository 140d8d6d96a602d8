import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine, from_matvec

from motor_bids_app.mri.field_of_view import scanned, scanned_share
from motor_bids_app.mri.registration import register_to_template
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

GRID = standard_grid(4)


def heights(grid):
    return apply_affine(grid.affine, np.moveaxis(np.indices(grid.shape), 0, -1))[..., 2]


def noise(shape, affine):
    values = np.random.default_rng(0).random(shape) + 1
    return nib.Nifti1Image(values.astype(np.float32), affine)


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("pose", [np.eye(4), from_matvec(np.eye(3), [3, -4, 6])])
def test_what_lies_above_the_last_slice_was_not_scanned(padding, pose):
    cut = noise((46, 55, 30), pose @ GRID.affine)
    values = np.pad(np.asarray(cut.dataobj), [(0, 0), (0, 0), (0, padding)])
    image = nib.Nifti1Image(values, cut.affine)

    seen = np.asarray(scanned(image, GRID, Transform(matrix=pose)).dataobj) > 0

    assert np.array_equal(seen, heights(GRID) <= -72 + 29 * 4)


def test_black_inside_an_image_was_scanned():
    image = noise(GRID.shape, GRID.affine)
    values = np.asarray(image.dataobj).copy()
    values[20:24, 20:24, 20:24] = 0

    seen = scanned(nib.Nifti1Image(values, GRID.affine), GRID, Transform())

    assert scanned_share(seen, load_template("brain", 4)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("millimetres", [15, 30])
def test_a_brain_that_is_cut_off_is_not_stretched_over_what_is_missing(millimetres):
    template, brain = load_template("T1w", 3), load_template("brain", 3)
    last = int(np.argwhere(np.asarray(brain.dataobj))[:, 2].max() - millimetres / 3)
    head, mask = (
        nib.Nifti1Image(np.asarray(image.dataobj)[:, :, : last + 1], image.affine)
        for image in (template, brain)
    )

    found = register_to_template(head, mask, sloppy=True).transform

    points = apply_affine(brain.affine, np.argwhere(np.asarray(brain.dataobj)))
    error = np.linalg.norm(found(points) - points, axis=1)
    end = apply_affine(brain.affine, [0, 0, last])[2]
    assert error[points[:, 2] < end - 15].mean() < 1
    assert error[points[:, 2] <= end].mean() < 1.5
    seen = np.asarray(scanned(head, Grid.of(brain), found).dataobj) > 0
    whole = np.asarray(brain.dataobj) > 0
    above = heights(Grid.of(brain)) > end
    assert seen[whole & above].mean() < 0.35
    assert seen[whole & ~above].mean() > 0.97
