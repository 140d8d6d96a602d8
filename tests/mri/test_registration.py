import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine, from_matvec
from scipy import ndimage
from scipy.spatial.transform import Rotation

from motor_bids_app.errors import EmptyRegionError, GridMismatchError
from motor_bids_app.mri.registration import coregister, register_rigid, register_to_template
from motor_bids_app.mri.resampling import invert, resample
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform


def brain_points():
    brain = load_template("brain", 4)
    return apply_affine(brain.affine, np.argwhere(np.asarray(brain.dataobj)))


def true_transform(turns=(6, -4, 7), shift=(3, -14, 9)):
    """From the template to a person: other size, pose, and a warp of up to 6 mm."""
    noise = np.random.default_rng(5).standard_normal((46, 55, 46, 3))
    warp = np.stack([ndimage.gaussian_filter(noise[..., k], 4) for k in range(3)], axis=-1)
    warp = (6 * warp / np.linalg.norm(warp, axis=-1).max()).astype(np.float32)
    turn = Rotation.from_euler("xyz", turns, degrees=True).as_matrix()
    matrix = from_matvec(turn @ np.diag([0.94, 0.97, 0.92]), shift)
    return Transform(matrix=matrix, displacement=warp, grid=standard_grid(4))


def person(truth, voxel_mm=3.0):
    """Brain and mask of that person."""
    centre = truth.matrix[:3, :3] @ [0, -18, 8] + truth.matrix[:3, 3]
    n = int(216 / voxel_mm)
    grid = Grid((n, n, n), from_matvec(voxel_mm * np.eye(3), centre - voxel_mm * (n - 1) / 2))
    to_template = invert(truth, grid)
    brain = resample(load_template("T1w", 2), grid, to_template)
    mask = resample(load_template("brain", 2), grid, to_template, order=0)
    return nib.Nifti1Image(800 * np.asarray(brain.dataobj), grid.affine), mask


def add_lesion(brain, mask, intensity=20.0):
    """Blacken 60 ml of the left hemisphere."""
    middle = apply_affine(np.linalg.inv(brain.affine), TRUTH([[-36.0, -10, 14]])[0])
    distance = np.linalg.norm(np.moveaxis(np.indices(brain.shape), 0, -1) - middle, axis=-1)
    lesion = (distance * 3 < 24) & (np.asarray(mask.dataobj) > 0)
    values = np.where(lesion, intensity, np.asarray(brain.dataobj)).astype(np.float32)
    return (
        nib.Nifti1Image(values, brain.affine),
        nib.Nifti1Image(lesion.astype(np.uint8), brain.affine),
    )


TRUTH = true_transform()


@pytest.fixture(scope="module")
def brain_and_mask():
    return person(TRUTH)


def error(found, truth, points=None):
    points = brain_points() if points is None else points
    return np.linalg.norm(found(points) - truth(points), axis=-1)


@pytest.mark.parametrize("contrast", ["T1w", "T2w"])
def test_the_deformation_of_a_person_is_found(brain_and_mask, contrast):
    brain, mask = brain_and_mask
    values = np.asarray(brain.dataobj)
    if contrast == "T2w":
        values = np.where(np.asarray(mask.dataobj) > 0, 900 - values, 0)

    found = register_to_template(nib.Nifti1Image(values, brain.affine), mask)

    assert error(found.transform, TRUTH).mean() < 1.3
    affine_alone = Transform(matrix=found.affine)
    assert error(found.transform, TRUTH).mean() < 0.6 * error(affine_alone, TRUTH).mean()


def test_turned_heads_far_from_the_origin_are_found():
    truth = true_transform(turns=(25, 10, -25), shift=(60, -20, 30))

    found = register_to_template(*person(truth))

    assert error(found.transform, truth).mean() < 1.3


def test_the_order_of_the_axes_does_not_matter(brain_and_mask):
    reference = register_to_template(*brain_and_mask).transform
    ornt = nib.orientations.axcodes2ornt(("P", "S", "L"))
    turned = [
        image.as_reoriented(nib.orientations.ornt_transform(nib.io_orientation(image.affine), ornt))
        for image in brain_and_mask
    ]

    found = register_to_template(*turned).transform

    assert error(found, reference).mean() < 0.2


def test_what_a_lesion_looks_like_does_not_matter(brain_and_mask):
    dark, lesion = add_lesion(*brain_and_mask)
    bright, _ = add_lesion(*brain_and_mask, intensity=2000.0)

    one, other = (
        register_to_template(brain, brain_and_mask[1], lesion, sloppy=True)
        for brain in (dark, bright)
    )

    assert error(one.transform, other.transform).max() < 1e-3


def test_masking_the_lesion_helps_around_it(brain_and_mask):
    brain, lesion = add_lesion(*brain_and_mask)
    points = brain_points()
    near = points[np.linalg.norm(points - [-36, -10, 14], axis=-1) < 32]

    masked = register_to_template(brain, brain_and_mask[1], lesion)
    unmasked = register_to_template(brain, brain_and_mask[1])

    assert error(masked.transform, TRUTH, near).mean() < 2.5
    assert (
        error(masked.transform, TRUTH, near).mean()
        < 0.7 * error(unmasked.transform, TRUTH, near).mean()
    )


def test_inside_a_large_lesion_the_other_side_tells_the_warp():
    """Judged on a person who is symmetric: with both sides lesioned there is no counterpart."""
    bent = TRUTH.displacement
    warp = (bent + bent[::-1] * np.float32([-1, 1, 1])) / np.float32(1.4)
    symmetric = Transform(matrix=TRUTH.matrix, displacement=warp, grid=TRUTH.grid)
    brain, mask = person(symmetric)
    back = invert(symmetric, Grid.of(brain))
    template = load_template("brain", 2)
    places = apply_affine(template.affine, np.moveaxis(np.indices(template.shape), 0, -1))
    balls = {
        name: np.min([np.linalg.norm(places - [x, -15, 25], axis=-1) for x in xs], axis=0) < 30
        for name, xs in {"left": (-36,), "both": (-36, 36)}.items()
    }
    found = {}
    for name, ball in balls.items():
        image = nib.Nifti1Image(ball.astype(np.uint8), template.affine)
        lesion = resample(image, Grid.of(brain), back, order=0)
        found[name] = register_to_template(brain, mask, lesion).transform
    inside = places[balls["left"] & (np.asarray(template.dataobj) > 0)][::7]

    errors = {name: error(one, symmetric, inside).mean() for name, one in found.items()}

    assert errors["left"] < 0.75 * errors["both"]


def test_similarity_tells_a_good_registration_from_noise(brain_and_mask):
    brain, mask = brain_and_mask
    noise = np.random.default_rng(0).random(brain.shape).astype(np.float32)

    good = register_to_template(brain, mask, sloppy=True)
    bad = register_to_template(nib.Nifti1Image(noise, brain.affine), mask, sloppy=True)

    assert good.similarity > 0.8
    assert bad.similarity < 0.5


def test_masks_must_fit_and_leave_something(brain_and_mask):
    brain, mask = brain_and_mask
    nothing = nib.Nifti1Image(np.zeros(brain.shape, np.uint8), brain.affine)
    elsewhere = nib.Nifti1Image(np.asarray(mask.dataobj), 2 * brain.affine)

    with pytest.raises(GridMismatchError, match="brain_mask"):
        register_to_template(brain, elsewhere)
    with pytest.raises(GridMismatchError, match="lesion_mask"):
        register_to_template(brain, mask, elsewhere)
    with pytest.raises(EmptyRegionError, match="0 voxels"):
        register_to_template(brain, nothing)
    with pytest.raises(EmptyRegionError, match="0 voxels"):
        register_to_template(brain, mask, mask)
    with pytest.raises(EmptyRegionError, match="mask for registration is empty"):
        register_rigid(brain, brain, nothing)


@pytest.mark.parametrize("masked", [True, False])
def test_another_contrast_of_the_same_person_is_aligned(brain_and_mask, masked):
    brain, mask = brain_and_mask
    turn = Rotation.from_euler("xyz", (20, -15, 25), degrees=True).as_matrix()
    truth = from_matvec(turn, [30, -20, 10])
    values = np.where(np.asarray(mask.dataobj) > 0, 900 - np.asarray(brain.dataobj), 0)
    inverted = nib.Nifti1Image(values.astype(np.float32), brain.affine)
    centre = truth[:3, :3] @ TRUTH([[0.0, -18, 8]])[0] + truth[:3, 3]
    corner = centre + np.array([102, -102, -99])
    grid = Grid((60, 64, 60), from_matvec(np.diag([-3.4, 3.2, 3.3]), corner))
    other = resample(inverted, grid, Transform(matrix=np.linalg.inv(truth)))

    found = register_rigid(brain, other, mask if masked else None)

    points = TRUTH(brain_points())
    distance = np.linalg.norm(apply_affine(found, points) - apply_affine(truth, points), axis=-1)
    assert distance.max() < 1


@pytest.mark.parametrize("thin", [1, 2, 3])
def test_a_slab_of_few_slices_does_not_crash(thin):
    rng = np.random.default_rng(0)
    values = ndimage.gaussian_filter(rng.uniform(size=(24, 24, 24)), 2).astype(np.float32)
    head = nib.Nifti1Image(values, np.diag([6, 6, 6, 1]))
    slab = nib.Nifti1Image(
        values[..., 8 : 8 + thin], nib.affines.from_matvec(np.eye(3) * 6, [0, 0, 48])
    )

    assert np.isfinite(register_rigid(head, slab)).all()


def moving_and_truth(brain, mask):
    """Another contrast of the same person, on coarse, long voxels, and where it lies."""
    truth = from_matvec(
        Rotation.from_euler("xyz", (4, -3, 5), degrees=True).as_matrix(), [5, -4, 6]
    )
    values = np.where(np.asarray(mask.dataobj) > 0, 900 - np.asarray(brain.dataobj), 0)
    inverted = nib.Nifti1Image(values.astype(np.float32), brain.affine)
    corner = apply_affine(truth, TRUTH([[0.0, -18, 8]])[0]) - np.array([102, 102, 84])
    grid = Grid((60, 60, 42), from_matvec(np.diag([3.4, 3.4, 4.0]), corner))
    return resample(inverted, grid, Transform(matrix=np.linalg.inv(truth))), truth


def off(found, true):
    points = TRUTH(brain_points())
    return np.linalg.norm(apply_affine(found, points) - apply_affine(true, points), axis=-1).max()


@pytest.mark.parametrize(
    "order", [((0, -1), (1, 1), (2, 1)), ((1, -1), (2, 1), (0, 1)), ((2, -1), (1, -1), (0, -1))]
)
def test_the_order_of_storage_does_not_move_an_image(brain_and_mask, order):
    brain, mask = brain_and_mask
    moving, _ = moving_and_truth(brain, mask)

    plain = register_rigid(brain, moving, mask)
    stored_otherwise = register_rigid(brain, moving.as_reoriented(np.array(order)), mask)

    assert off(stored_otherwise, plain) < 0.05


@pytest.mark.parametrize(
    ("turns", "shift"), [((15, -15, 15), (20, -20, 20)), ((-14, 9, -15), (-18, 20, -11))]
)
def test_a_header_that_is_wrong_does_not_move_an_image(brain_and_mask, turns, shift):
    brain, mask = brain_and_mask
    moving, truth = moving_and_truth(brain, mask)
    wrong = from_matvec(Rotation.from_euler("xyz", turns, degrees=True).as_matrix(), shift)
    misplaced = nib.Nifti1Image(np.asarray(moving.dataobj), wrong @ moving.affine)

    found = register_rigid(brain, misplaced, mask)

    assert off(np.linalg.inv(wrong) @ found, truth) < 1


def test_an_image_in_place_stays_and_fits_better_than_noise(brain_and_mask):
    brain, mask = brain_and_mask
    noise = np.random.default_rng(0).random(brain.shape).astype(np.float32)

    same = coregister(brain, brain, mask)
    nothing = coregister(brain, nib.Nifti1Image(noise, brain.affine), mask)

    assert off(same.matrix, np.eye(4)) < 0.2
    assert same.similarity > 0.8
    assert nothing.similarity < 0.4
