import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.mri.brain_mask import extract_brain
from motor_bids_app.simulation.anatomy import Scanner, scan_t1w
from motor_bids_app.simulation.sampling import grid_points, sample
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template


def test_tissues_differ_as_in_t1w_images(t1w):
    fluid = t1w.brain & (t1w.grey + t1w.white < 0.1) & ~t1w.lesion
    means = [t1w.image[region].mean() for region in (fluid, t1w.grey > 0.9, t1w.white > 0.95)]

    assert means[0] < 0.6 * means[1] < 0.6 * 0.85 * means[2]


def test_lesion_is_dark_and_no_longer_tissue(t1w):
    assert t1w.lesion.sum() > 50
    assert t1w.image[t1w.lesion].mean() < 0.6 * t1w.image[t1w.white > 0.95].mean()
    assert t1w.grey[t1w.lesion].max() == t1w.white[t1w.lesion].max() == 0


def test_lesion_is_on_the_side_it_was_drawn_on(t1w, shape, patient):
    voxels = grid_points(t1w.grid).reshape(*t1w.grid.shape, 3)
    x = shape.to_standard(voxels[t1w.lesion])[:, 0]

    assert (x > 0).all() if patient.lesion_side == "right" else (x < 0).all()


def test_true_deformation_carries_the_scan_to_the_template(t1w, shape):
    grid = standard_grid(4)
    points = shape.to_scanner(grid_points(grid)).astype(np.float32)

    lesion = t1w.lesion.astype(np.float32)
    *carried, lesioned = sample(np.stack([t1w.white, t1w.grey, lesion]), t1w.grid, points)

    for values, kind in zip(carried, ("WM", "GM"), strict=True):
        template = np.asarray(load_template(kind, 4).dataobj).ravel()
        intact = (lesioned == 0) & (template > 0)
        assert np.corrcoef(values[intact], template[intact])[0, 1] > 0.8


def test_noise_is_that_of_the_scanner(shape):
    quiet, loud = (
        scan_t1w(shape, None, Scanner(noise=noise), 4.0, np.random.default_rng(0)).image
        for noise in (0.02, 0.04)
    )
    corner = (slice(0, 4), slice(0, 8), slice(-6, None))  # air

    assert loud[corner].std() == pytest.approx(2 * quiet[corner].std(), rel=0.1)


@pytest.mark.slow
def test_brain_extraction_for_real_heads_finds_the_brain(shape):
    scan = scan_t1w(shape, None, Scanner(), 2.0, np.random.default_rng(0))
    image = nib.Nifti1Image(scan.image.astype(np.float32), scan.grid.affine)

    found = np.asarray(extract_brain(image).dataobj) > 0

    assert 2 * (found & scan.brain).sum() / (found.sum() + scan.brain.sum()) > 0.95
