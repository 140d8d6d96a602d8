import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import DataError, EmptyRegionError, GridMismatchError
from motor_bids_app.mri.lesion_checks import share_in_brain
from motor_bids_app.mri.lesion_values import lesion_voxels
from motor_bids_app.mri.lesions import (
    align_lesion,
    brain_with_lesion,
    lesion_side,
    mirror,
    volume_ml,
    warp_lesion,
)
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.transforms import Transform

GRID = standard_grid(4)


def ball(centre, radius, grid=GRID):
    """Mask of a ball, in mm."""
    points = nib.affines.apply_affine(grid.affine, np.moveaxis(np.indices(grid.shape), 0, -1))
    inside = np.linalg.norm(points - centre, axis=-1) <= radius
    return nib.Nifti1Image(inside.astype(np.uint8), grid.affine)


def blank(shape, affine):
    return nib.Nifti1Image(np.zeros(shape, dtype=np.float32), affine)


def centre_of(mask):
    return nib.affines.apply_affine(mask.affine, np.argwhere(np.asarray(mask.dataobj) > 0)).mean(0)


def inside(image):
    return np.asarray(image.dataobj) > 0


def test_a_brain_keeps_the_lesion_at_its_surface_and_no_more():
    whole, lesion = ball((0, -20, 10), 60), ball((-45, -20, 10), 25)
    cut = nib.Nifti1Image(np.where(inside(lesion), 0, inside(whole)).astype(np.uint8), GRID.affine)
    struck = nib.Nifti1Image((inside(lesion) & inside(whole)).astype(np.uint8), GRID.affine)
    surface = inside(ball((-66, -20, 10), 22))
    half = nib.Nifti1Image((inside(whole) & ~surface).astype(np.uint8), GRID.affine)

    found, added = brain_with_lesion(half, struck)

    np.testing.assert_array_equal(inside(found), inside(half) | inside(struck))
    assert added == pytest.approx((inside(struck) & ~inside(half)).sum() / inside(struck).sum())
    kept, none = brain_with_lesion(cut, struck)  # all of it outside: a mask of something else
    assert none == 0
    np.testing.assert_array_equal(inside(kept), inside(cut))


def test_parts_of_a_lesion_far_from_the_brain_are_not_added():
    brain = ball((0, -20, 10), 40)
    near, far = ball((-34, -20, 10), 12), ball((60, 40, 60), 8)
    lesion = nib.Nifti1Image((inside(near) | inside(far)).astype(np.uint8), GRID.affine)

    found, added = brain_with_lesion(brain, lesion)

    np.testing.assert_array_equal(inside(found), inside(brain) | inside(near))
    assert 0 < added < 0.5


def test_side_follows_the_mask():
    left = ball((-30, -20, 20), 15)

    assert lesion_side(left) == "left"
    assert lesion_side(mirror(left)) == "right"
    assert lesion_side(ball((0, -20, 20), 15)) == "bilateral"
    assert lesion_side(blank(GRID.shape, GRID.affine)) == "none"


def test_side_is_that_of_the_world_not_of_the_array():
    left = ball((-30, -20, 20), 15)
    stored = left.as_reoriented([[0, -1], [1, 1], [2, 1]])

    assert lesion_side(stored) == "left"


def test_small_part_on_the_other_side_does_not_make_it_bilateral():
    lesion = np.array(ball((-30, -20, 20), 20).dataobj)
    lesion[35, 25, 25] = 1

    assert lesion_side(nib.Nifti1Image(lesion, GRID.affine)) == "left"


def test_mirror_turns_x_and_undoes_itself():
    lesion = ball((-31, -20, 20), 13)

    assert centre_of(mirror(lesion)) == pytest.approx(centre_of(lesion) * [-1, 1, 1])
    assert np.array_equal(mirror(mirror(lesion)).dataobj, lesion.dataobj)


def test_asymmetric_grid_cannot_be_mirrored():
    shifted = GRID.affine.copy()
    shifted[0, 3] += 2

    with pytest.raises(GridMismatchError, match="x = 2 mm instead of 0"):
        mirror(blank(GRID.shape, shifted))


def test_volume_is_in_ml():
    assert volume_ml(ball((-30, -20, 20), 30)) == pytest.approx(4 / 3 * np.pi * 27, rel=0.05)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([0, 1, 2, 255], [0, 1, 1, 1], id="labels"),
        pytest.param([0, 0.2, 0.6, 1], [0, 0, 1, 1], id="probability"),
        pytest.param([0, 20.5, 60, 100], [0, 0, 1, 1], id="percent"),
        pytest.param([np.nan, -1, 0, 1], [0, 0, 0, 1], id="nan and negative"),
        pytest.param([0, 0, 0, 0], [0, 0, 0, 0], id="empty"),
    ],
)
def test_which_values_are_lesion(values, expected):
    image = nib.Nifti1Image(np.array(values, dtype=np.float32).reshape(4, 1, 1), np.eye(4))

    assert lesion_voxels(image).ravel().tolist() == expected


@pytest.mark.parametrize("voxel", [[1, 1, 1], [3, 3, 3], [0.7, 0.7, 6]], ids=str)
def test_other_grid_keeps_place_and_volume(voxel):
    lesion = ball((-30, -20, 20), 20, standard_grid(2))
    affine = nib.affines.from_matvec(np.diag([*(-np.array(voxel[:1])), *voxel[1:]]), [95, -80, -30])
    image = blank((int(190 / voxel[0]), int(120 / voxel[1]), int(100 / voxel[2])), affine)

    aligned = align_lesion(lesion, image)

    assert aligned.shape == image.shape
    assert centre_of(aligned) == pytest.approx(centre_of(lesion), abs=0.5)
    assert volume_ml(aligned) == pytest.approx(volume_ml(lesion), rel=0.05)


def test_thin_lesion_survives_thick_slices():
    voxels = np.zeros((60, 60, 60), dtype=np.uint8)
    voxels[30, 30, 30] = 1
    lesion = nib.Nifti1Image(voxels, np.eye(4))

    aligned = align_lesion(lesion, blank((10, 10, 10), np.diag([6.0, 6, 6, 1])))

    assert np.argwhere(np.asarray(aligned.dataobj)).tolist() == [[5, 5, 5]]


def test_mask_on_the_grid_is_kept_voxel_by_voxel():
    lesion = ball((-30, -20, 20), 5)

    aligned = align_lesion(lesion, blank((*GRID.shape, 7), GRID.affine))

    assert np.array_equal(aligned.dataobj, lesion.dataobj)


def test_empty_mask_is_explained():
    empty = blank(GRID.shape, GRID.affine)

    with pytest.raises(EmptyRegionError, match="lesion mask is empty"):
        align_lesion(empty, empty)


def test_mask_outside_the_image_is_explained():
    image = blank((20, 20, 20), np.diag([2.0, 2, 2, 1]))

    with pytest.raises(GridMismatchError, match="Only 0 % of the lesion mask lies inside"):
        align_lesion(ball((-30, -20, 20), 15), image)


@pytest.mark.slow
def test_real_masks_agree_with_their_authors_table(test_data):
    pd = pytest.importorskip("pandas")
    folder = test_data / "soop_lesions"
    table = pd.read_csv(folder / "artery.tsv", sep="\t", index_col="participant_id")
    numbers = table.drop(columns="lesion_volume")
    odd = [name for name in numbers if int(name.split("_")[0]) % 2]  # left territories
    grid = standard_grid(2)
    for path in sorted((folder / "lesions").iterdir())[::30]:
        mask = nib.load(path)
        row = table.loc[path.name.removeprefix("bwsr").removesuffix("_lesion.nii.gz")]

        aligned = align_lesion(mask, blank(grid.shape, grid.affine))

        assert volume_ml(mask) * 1000 == pytest.approx(row["lesion_volume"])
        assert volume_ml(aligned) == pytest.approx(volume_ml(mask), rel=0.15, abs=0.02)
        left, right = row[odd].sum(), row.drop(["lesion_volume", *odd]).sum()
        if lesion_side(aligned) in ("left", "right") and left != right:
            assert lesion_side(aligned) == ("left" if left > right else "right")


def test_probabilities_stored_as_bytes_count_from_half():
    values = np.arange(256, dtype=np.uint8).reshape(8, 8, 4)
    found = lesion_voxels(nib.Nifti1Image(values, np.eye(4)))

    assert values[found].min() == 128
    labels = nib.Nifti1Image(np.where(values > 200, 2, 0).astype(np.uint8), np.eye(4))
    assert lesion_voxels(labels).sum() == 55


def test_a_lesion_smaller_than_a_voxel_of_the_grid_is_not_lost():
    voxels = np.zeros((60, 60, 60), dtype=np.uint8)
    voxels[31, 31, 31] = 1  # between the centres of the voxels below
    lesion = nib.Nifti1Image(voxels, np.eye(4))
    grid = Grid((30, 30, 30), np.diag([2.0, 2, 2, 1]))

    warped = warp_lesion(lesion, grid, Transform())

    found = np.argwhere(np.asarray(warped.dataobj))
    assert len(found) >= 1
    assert np.abs(2 * found - 31).max() <= 1  # mm


def test_warping_keeps_place_and_volume_of_larger_lesions():
    lesion = ball((-30, -20, 20), 20, standard_grid(2))
    shift = nib.affines.from_matvec(np.eye(3), [8.0, 0, 0])

    warped = warp_lesion(lesion, GRID, Transform(matrix=shift))

    assert centre_of(warped) == pytest.approx(centre_of(lesion) - [8, 0, 0], abs=0.5)
    assert volume_ml(warped) == pytest.approx(volume_ml(lesion), rel=0.05)


def test_a_lesion_that_leaves_the_grid_is_explained():
    far = nib.affines.from_matvec(np.eye(3), [500.0, 0, 0])

    with pytest.raises(EmptyRegionError, match="No part of the lesion"):
        warp_lesion(ball((-30, -20, 20), 20), GRID, Transform(matrix=far))


def test_a_mask_of_several_volumes_is_explained():
    two = nib.Nifti1Image(np.ones((4, 4, 4, 2), dtype=np.uint8), np.eye(4))

    with pytest.raises(DataError, match=r"\(4, 4, 4, 2\) instead of three axes"):
        lesion_voxels(two)


def test_share_of_a_lesion_in_the_brain():
    brain = ball((0, 0, 0), 60)
    half = np.asarray(ball((0, 0, 0), 60).dataobj).copy()
    lesion = np.roll(half, 15, axis=0)  # 60 mm to the right

    share = share_in_brain(nib.Nifti1Image(lesion, GRID.affine), brain)

    assert share == pytest.approx((lesion[half > 0] > 0).sum() / lesion.sum())
    assert 0.25 < share < 0.4


def test_a_mask_that_misses_the_brain_is_refused():
    with pytest.raises(DataError, match="Only 0 % of the lesion mask lies in the brain"):
        share_in_brain(ball((70, 0, 0), 10), ball((-20, 0, 0), 40))


@pytest.mark.parametrize("where", ["everywhere", "in the brain"])
def test_a_mask_that_is_turned_inside_out_is_called_so(where):
    brain = ball((0, 0, 0), 60)
    inverted = 1 - np.asarray(ball((-30, 0, 0), 20).dataobj)
    if where == "in the brain":
        inverted *= np.asarray(brain.dataobj) > 0

    with pytest.raises(DataError, match="inside out"):
        share_in_brain(nib.Nifti1Image(inverted.astype(np.uint8), GRID.affine), brain)
