import numpy as np
import pytest
import torch
from nibabel.affines import apply_affine, from_matvec
from scipy.spatial.transform import Rotation

from motor_bids_app.mri.alignment import Picture, align, turned_starts
from motor_bids_app.mri.resampling import resample
from motor_bids_app.mri.sampling import as_volume
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

STAGES = ((8.0, 6), (4.0, 6))


@pytest.fixture(scope="module")
def brain_points():
    brain = load_template("brain", 4)
    return apply_affine(brain.affine, np.argwhere(np.asarray(brain.dataobj)))


def picture_of(image, weight=None):
    volume = as_volume(np.asarray(image.dataobj))
    return Picture(volume, torch.ones_like(volume) if weight is None else weight, image.affine)


def moved_template(matrix):
    """The template as another scanner would see it: `matrix` maps template to native mm."""
    template = load_template("T1w", 3)
    centre = (matrix @ [0, -18, 8, 1])[:3]
    grid = Grid((72, 72, 72), from_matvec(3 * np.eye(3), centre - 3 * 35.5))
    return resample(template, grid, Transform(matrix=np.linalg.inv(matrix)))


@pytest.mark.parametrize(
    ("turns", "shift"),
    [((30, 0, 0), (0, 0, 0)), ((0, -30, 0), (60, 0, 0)), ((20, 15, -25), (-35, 35, 35))],
)
@pytest.mark.parametrize("invert", [False, True])
def test_turned_and_shifted_heads_of_any_contrast_are_found(turns, shift, invert, brain_points):
    truth = from_matvec(Rotation.from_euler("xyz", turns, degrees=True).as_matrix(), shift)
    native = moved_template(truth)
    moving = picture_of(native)
    if invert:
        contrast = torch.where(moving.volume > 0.05, 1.2 - moving.volume, 0)
        moving = Picture(contrast, moving.weight, moving.affine)
    fixed = picture_of(load_template("T1w", 3))

    found, similarity = align(fixed, moving, turned_starts(fixed.centre(), moving.centre()), STAGES)

    error = apply_affine(found, brain_points) - apply_affine(truth, brain_points)
    assert np.linalg.norm(error, axis=-1).max() < 1
    assert similarity > 0.9


def test_an_affine_is_found_from_the_identity(brain_points):
    truth = from_matvec(np.array([[1.1, 0.05, 0], [0, 0.92, 0.08], [-0.04, 0, 1.05]]), [8, -6, 5])
    fixed, moving = picture_of(load_template("T1w", 3)), picture_of(moved_template(truth))

    found, _ = align(fixed, moving, [np.eye(4)], ((8.0, 12), (4.0, 12)))

    error = apply_affine(found, brain_points) - apply_affine(truth, brain_points)
    assert np.linalg.norm(error, axis=-1).max() < 1


def test_voxels_without_weight_have_no_say():
    native = moved_template(from_matvec(np.eye(3), [5, 0, 0]))
    weight = torch.ones(1, *native.shape)
    weight[:, 20:36, 20:40, 30:50] = 0
    moving = picture_of(native, weight)
    rubbish = Picture(torch.where(weight > 0, moving.volume, 50.0), weight, moving.affine)
    fixed = picture_of(load_template("T1w", 3))

    clean, _ = align(fixed, moving, [np.eye(4)], STAGES[:1])
    spoilt, _ = align(fixed, rubbish, [np.eye(4)], STAGES[:1])

    np.testing.assert_array_equal(clean, spoilt)


def test_images_that_hardly_meet_are_not_called_similar():
    fixed = picture_of(load_template("T1w", 3))
    far = from_matvec(np.eye(3), [500, 0, 0])

    _, similarity = align(fixed, picture_of(moved_template(np.eye(4))), [far], STAGES[:1])

    assert similarity == 0


def test_a_rigid_alignment_stays_rigid():
    native = moved_template(from_matvec(np.diag([1.1, 0.9, 1.0]), [3, 3, 3]))

    found, _ = align(
        picture_of(load_template("T1w", 3)), picture_of(native), [np.eye(4)], STAGES[:1]
    )

    np.testing.assert_allclose(found[:3, :3] @ found[:3, :3].T, np.eye(3), atol=1e-9)
