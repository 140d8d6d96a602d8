import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import EmptyRegionError, GridMismatchError
from motor_bids_app.mri.lesions import (
    align_lesion,
    lesion_side,
    lesion_voxels,
    mirror,
    tract_distances,
    tract_loads,
    volume_ml,
)
from motor_bids_app.spaces.atlases import corticospinal_tract
from motor_bids_app.spaces.grids import standard_grid

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


def tube(areas):
    """Tract on the left whose axial sections have these numbers of voxels, and its mirror image."""
    left = np.zeros(GRID.shape, dtype=np.float32)
    for z, area in enumerate(areas, start=10):
        left[5 : 5 + area, 20, z] = 1
    image = nib.Nifti1Image(left, GRID.affine)
    return {"left": image, "right": mirror(image)}


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


def test_load_is_the_share_of_each_tract():
    tract = tube([4] * 10)
    lesion = np.zeros(GRID.shape, dtype=np.uint8)
    lesion[:22, :, 10:15] = 1

    loads = tract_loads(nib.Nifti1Image(lesion, GRID.affine), tract)

    assert loads["tract_load_left"] == pytest.approx(0.5)
    assert loads["tract_load_right"] == 0
    assert loads["tract_load"] == pytest.approx(0.5)


def test_narrow_sections_weigh_more():
    # Feng et al. 2015: lesioned area times widest area over own area, summed over sections.
    tract = tube([2, 2, 4, 8])
    lesion = np.zeros(GRID.shape, dtype=np.uint8)
    lesion[5, :, 10:14] = 1

    loads = tract_loads(nib.Nifti1Image(lesion, GRID.affine), tract)

    assert loads["tract_load_weighted"] == pytest.approx((4 + 4 + 2 + 1) * 4**3 / 1000)


def test_fading_ends_do_not_count_more():
    tract = tube([1, 5, 20, 5, 1])
    lesion = nib.Nifti1Image(np.ones(GRID.shape, dtype=np.uint8), GRID.affine)

    loads = tract_loads(lesion, tract)

    expected = 20 + 20 + 5 + 1  # lower end left out, upper end not weighted
    assert loads["tract_load_weighted_left"] == pytest.approx(expected * 4**3 / 1000)


def test_mirrored_lesion_swaps_the_loads():
    tract = corticospinal_tract(4)
    lesion = ball((-25, -20, 20), 12)

    loads, mirrored = (tract_loads(mask, tract) for mask in (lesion, mirror(lesion)))

    assert loads["tract_load_left"] > 0.1
    assert loads["tract_load_right"] == 0
    assert mirrored["tract_load_right"] == pytest.approx(loads["tract_load_left"])
    assert mirrored["tract_load_weighted"] == pytest.approx(loads["tract_load_weighted"])


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


def test_distance_to_the_tract_is_that_of_the_nearest_pair():
    affine = np.diag([2.0, 3, 4, 1])
    hit, left, right = (np.zeros((12, 12, 12), dtype=np.float32) for _ in range(3))
    hit[2:4, 5, 5] = 1
    left[7, 5, 5], right[3, 9, 5:8] = 0.5, 0.5
    right[3, 6, 5] = 0.2  # hardly tract
    images = [nib.Nifti1Image(volume, affine) for volume in (hit, left, right)]

    distances = tract_distances(images[0], {"left": images[1], "right": images[2]})

    assert distances == {"tract_distance_left": 8.0, "tract_distance_right": 12.0}


def test_probabilities_stored_as_bytes_count_from_half():
    values = np.arange(256, dtype=np.uint8).reshape(8, 8, 4)
    found = lesion_voxels(nib.Nifti1Image(values, np.eye(4)))

    assert values[found].min() == 128
    labels = nib.Nifti1Image(np.where(values > 200, 2, 0).astype(np.uint8), np.eye(4))
    assert lesion_voxels(labels).sum() == 55
