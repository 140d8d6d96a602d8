import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine, from_matvec
from scipy import ndimage

from motor_bids_app.mri.field_of_view import scanned, scanned_share
from motor_bids_app.mri.registration import register_to_template
from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import standard_grid
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
def test_a_brain_that_is_cut_off_is_not_stretched_over_what_is_missing():
    grid, rng = standard_grid(3), np.random.default_rng(0)
    field = np.stack(
        [ndimage.gaussian_filter(rng.normal(size=grid.shape), 6) for _ in range(3)], -1
    )
    field = (field * 6 / np.abs(field).max()).astype(np.float32)  # mm
    person = Transform(displacement=field, grid=grid)
    head, brain = (resample(load_template(kind, 2), grid, person) for kind in ("T1w", "brain"))
    inside = np.asarray(brain.dataobj) > 0.5
    values = (np.asarray(head.dataobj) + rng.normal(0, 0.03, grid.shape)) * inside
    last = int(np.argwhere(inside)[:, 2].max()) - 11

    def placed(stop):
        images = [
            nib.Nifti1Image(part[:, :, :stop], grid.affine)
            for part in (values.astype(np.float32), inside.astype(np.uint8))
        ]
        return register_to_template(*images, sloppy=True).transform(points)

    template = load_template("brain", 3)
    points = apply_affine(template.affine, np.argwhere(np.asarray(template.dataobj)))
    whole, cut = placed(None), placed(last + 1)

    end = apply_affine(grid.affine, [0, 0, last + 0.5])[2]
    missing, far = whole[:, 2] > end + 1.5, whole[:, 2] < end - 15
    assert (cut[missing, 2] <= end).mean() < 0.12
    assert np.linalg.norm(cut - whole, axis=1)[far].mean() < 0.5
