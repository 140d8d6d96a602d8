import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.mri.lesions import mirror
from motor_bids_app.mri.tracts import native_tract_loads, tract_distances, tract_loads
from motor_bids_app.spaces.atlases import corticospinal_tract
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.transforms import Transform

GRID = standard_grid(4)


def ball(centre, radius, grid=GRID):
    """Mask of a ball, in mm."""
    points = nib.affines.apply_affine(grid.affine, np.moveaxis(np.indices(grid.shape), 0, -1))
    inside = np.linalg.norm(points - centre, axis=-1) <= radius
    return nib.Nifti1Image(inside.astype(np.uint8), grid.affine)


def tube(areas):
    """Tract on the left whose axial sections have these numbers of voxels, and its mirror image."""
    left = np.zeros(GRID.shape, dtype=np.float32)
    for z, area in enumerate(areas, start=10):
        left[5 : 5 + area, 20, z] = 1
    image = nib.Nifti1Image(left, GRID.affine)
    return {"left": image, "right": mirror(image)}


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

    assert loads["tract_load_left"] > 0.05
    assert loads["tract_load_right"] == 0
    assert mirrored["tract_load_right"] == pytest.approx(loads["tract_load_left"])
    assert mirrored["tract_load_weighted"] == pytest.approx(loads["tract_load_weighted"])


def test_distance_to_the_tract_is_that_of_the_nearest_pair():
    affine = np.diag([2.0, 3, 4, 1])
    hit, left, right = (np.zeros((12, 12, 12), dtype=np.float32) for _ in range(3))
    hit[2:4, 5, 5] = 1
    left[7, 5, 5], right[3, 9, 5:8] = 0.5, 0.5
    right[3, 6, 5] = 0.2  # hardly tract
    images = [nib.Nifti1Image(volume, affine) for volume in (hit, left, right)]

    distances = tract_distances(images[0], {"left": images[1], "right": images[2]})

    assert distances == {"tract_distance_left": 8.0, "tract_distance_right": 12.0}


@pytest.mark.parametrize(
    "centre", [(-6, -22, -36), (-8, -20, -30), (-5, -26, -46), (-14, -18, -14), (-24, -16, 10)]
)
def test_a_small_lesion_on_the_way_to_the_medulla_has_a_load(centre):
    loads = tract_loads(ball(centre, 6), corticospinal_tract(4))

    assert loads["tract_load_left"] > 0.002
    assert loads["tract_load_weighted_left"] > 0
    assert loads["tract_load_left"] > 3 * loads["tract_load_right"]


def scaled(factor, flip=False):
    """A head that is the standard brain times a factor, its voxels of 1 mm stored as one likes."""
    size = tuple(int(4 * n * factor) + 1 for n in GRID.shape)
    affine = np.eye(4)
    affine[:3, 3] = GRID.affine[:3, 3] * factor
    if flip:
        affine = affine @ np.array(
            [[-1, 0, 0, size[0] - 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
        )
    to_native = np.diag([factor, factor, factor, 1.0])
    return Grid(size, affine), to_native


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("factor", [0.8, 1.0, 1.3])
def test_in_a_head_of_another_size_the_share_is_the_same_and_the_volume_is_the_heads(factor, flip):
    grid, matrix = scaled(factor, flip)
    place = np.array([-24.0, -20, 14])
    standard = tract_loads(ball(place, 14, standard_grid(2)), corticospinal_tract(2))

    native = native_tract_loads(
        ball(place * factor, 14 * factor, grid),
        corticospinal_tract(2),
        Transform(matrix=matrix),
        Transform(matrix=np.linalg.inv(matrix)),
    )

    assert set(native) == {name.replace("load", "load_native", 1) for name in standard}
    assert native["tract_load_native"] == native["tract_load_native_left"]
    assert native["tract_load_native"] == pytest.approx(standard["tract_load"], rel=0.06)
    weighted = standard["tract_load_weighted"] * factor**3
    assert native["tract_load_native_weighted"] == pytest.approx(weighted, rel=0.06)
    assert native["tract_load_native_right"] == 0


def test_where_one_half_of_the_tract_is_stretched_a_lesion_of_it_is_the_larger_share():
    tract = tube([4] * 20)  # z from -32 to 44
    grid = standard_grid(2)
    height = grid.affine[2, 3] + 2 * np.arange(grid.shape[2])
    upper = np.zeros((*grid.shape, 3), dtype=np.float32)
    upper[..., 2] = np.clip(height - 6, 0, None)  # native z is twice as far from 6 above it
    lower = np.zeros((*grid.shape, 3), dtype=np.float32)
    lower[..., 2] = -np.clip(height - 6, 0, None) / 2
    to_native, to_standard = (Transform(displacement=field, grid=grid) for field in (upper, lower))
    lesion = np.zeros(grid.shape, dtype=np.uint8)
    lesion[:, :, height > 6] = 1

    loads = native_tract_loads(nib.Nifti1Image(lesion, grid.affine), tract, to_native, to_standard)

    assert loads["tract_load_native_left"] == pytest.approx(2 / 3, abs=0.03)  # half of the standard
    # Sections of twice the thickness have twice the volume, so that the others count twice.
    volume = 10 * 4 * 4**3 / 1000
    assert loads["tract_load_native_weighted_left"] == pytest.approx(2 * volume, rel=0.1)


def test_a_head_that_shows_nothing_of_the_tract_has_no_load_of_it():
    far = nib.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.diag([2.0, 2, 2, 1]))
    away = np.eye(4)
    away[:3, 3] = 900

    loads = native_tract_loads(
        far, corticospinal_tract(4), Transform(matrix=away), Transform(matrix=np.linalg.inv(away))
    )

    assert np.isnan(list(loads.values())).all()


@pytest.mark.parametrize("unseen", ["left", "right"])
def test_the_worse_side_is_unknown_where_one_side_is(unseen):
    grid, matrix = scaled(1.0, flip=False)
    beside = grid.shape[0] // 2 - 8  # voxels of 1 mm: an image of less than half of the head
    affine = grid.affine.copy()
    affine[0, 3] += grid.shape[0] - beside if unseen == "left" else 0
    shape = (beside, *grid.shape[1:])
    lesion = nib.Nifti1Image(np.ones(shape, dtype=np.uint8), affine)
    place = Transform(matrix=matrix)

    loads = native_tract_loads(lesion, corticospinal_tract(2), place, place)

    seen = {"left": "right", "right": "left"}[unseen]
    assert loads[f"tract_load_native_{seen}"] == 1
    assert np.isnan(loads[f"tract_load_native_{unseen}"])
    assert np.isnan(loads["tract_load_native"])
    assert np.isnan(loads["tract_load_native_weighted"])
