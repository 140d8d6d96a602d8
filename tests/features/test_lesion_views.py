import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.features.lesion_views import lesion_views
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.spaces.grids import Grid

SHAPE = (21, 12, 10)
GRID = Grid(SHAPE, np.diag([4.0, 4, 4, 1]))


def volumes(*corners, size=3):
    """Scans with a cube each at a corner; None: a brain without a lesion."""
    store = VolumeStore.empty(len(corners), ("fa", "lesion"), GRID)
    for row, corner in enumerate(corners):
        if corner is not None:
            store.data[(row, 1, *(slice(start, start + size) for start in corner))] = 1
    store.present[:] = True
    return store.volumes()


def cosines(given):
    """Inner products of all pairs in both views, over the number of voxels."""
    views = lesion_views(given).read().reshape(len(given), 2, -1).astype(np.float64)
    return np.einsum("imv,jmv->mij", views, views) / np.prod(SHAPE)


def test_each_lesion_is_at_an_angle_of_0_to_itself_whatever_its_size():
    small, large = volumes((4, 4, 4), size=1), volumes((4, 4, 4), size=5)

    for given in (small, large):
        assert cosines(given)[:, 0, 0] == pytest.approx([1, 1], rel=2e-3)


def test_a_mirrored_lesion_is_another_by_its_side_and_the_same_when_folded():
    sides, folded = cosines(volumes((3, 4, 4), (21 - 3 - 3, 4, 4)))

    assert sides[0, 1] < 0.01
    assert folded[0, 1] == pytest.approx(1, rel=2e-3)


def test_lesions_that_nearly_touch_are_more_alike_than_those_far_away():
    sides, _ = cosines(volumes((2, 2, 2), (5, 2, 2), (2, 9, 2)))

    assert sides[0, 1] > 0.1 > sides[0, 2]


def test_a_brain_without_a_lesion_is_like_none():
    assert cosines(volumes((4, 4, 4), None))[:, 1].max() == 0


def test_views_are_made_once_and_again_when_a_map_comes():
    given = volumes((4, 4, 4), (8, 4, 4))
    made = lesion_views(given).store

    assert lesion_views(given[[1]]).store is made
    assert lesion_views(given[[1]]).rows.tolist() == [1]
    given.store.put(1, "lesion", nib.Nifti1Image(np.zeros(SHAPE), GRID.affine))
    assert np.abs(lesion_views(given).read(1)).max() == 0


def test_scans_without_a_mask_have_no_view():
    given = volumes((4, 4, 4), (8, 4, 4))
    given.store.present[1, 1] = False

    assert lesion_views(given).present.tolist() == [[True, True], [False, False]]


def test_maps_without_lesions_are_refused():
    store = VolumeStore.empty(1, ("fa",), GRID)

    with pytest.raises(DataError, match='add "lesion" to'):
        lesion_views(store.volumes())
