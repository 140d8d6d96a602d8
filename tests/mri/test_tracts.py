import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.mri.lesions import mirror
from motor_bids_app.mri.tracts import tract_distances, tract_loads
from motor_bids_app.spaces.atlases import corticospinal_tract
from motor_bids_app.spaces.grids import standard_grid

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
