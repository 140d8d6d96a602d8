import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.reports.experiment.slices import AXES, Volume, bounding_box, spread, through

BOX = (slice(0, 24), slice(0, 24), slice(0, 24))


@pytest.mark.parametrize("codes", ["LAS", "PIR", "SRA"])
def test_storage_order_does_not_change_a_slice(head, codes):
    stored = nib.orientations.io_orientation(head.affine)
    wanted = nib.orientations.axcodes2ornt(codes)
    turned = head.as_reoriented(nib.orientations.ornt_transform(stored, wanted))
    assert nib.aff2axcodes(turned.affine) == tuple(codes)

    for axis in AXES.values():
        expected = Volume.of(head).cut(axis, 10, BOX)
        np.testing.assert_array_equal(Volume.of(turned).cut(axis, 10, BOX), expected)


def test_left_of_the_person_is_at_the_left(head, spot):
    axial = Volume.of(spot).cut(2, 12, BOX)

    left, right = axial[:, :12].sum(), axial[:, 12:].sum()
    assert left > 0
    assert right == 0


def test_oblique_volume_is_turned_to_its_nearest_axes(head):
    angle = np.deg2rad(20)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    oblique = nib.Nifti1Image(head.get_fdata()[::-1], turn @ np.diag([-4.0, 4, 4, 1]))

    np.testing.assert_array_equal(Volume.of(oblique).data, head.get_fdata())


def test_frame_is_in_millimetres():
    image = nib.Nifti1Image(np.ones((10, 20, 5), np.float32), np.diag([1.0, 2, 6, 1]))

    box = (slice(0, 10), slice(0, 20), slice(0, 5))
    assert Volume.of(image).frame(AXES["sagittal"], box) == (40, 30)
    assert Volume.of(image).frame(AXES["axial"], box) == (10, 40)


def test_position_is_the_world_coordinate(head):
    assert Volume.of(head).position(2, 12, BOX) == pytest.approx(12 * 4 - 46)


def test_nan_and_infinity_become_background(head):
    data = head.get_fdata().copy()
    data[0, 0, :2] = [np.nan, np.inf]

    volume = Volume.of(nib.Nifti1Image(data, head.affine))

    assert volume.data[0, 0, :2].tolist() == [0, 0]


def test_a_series_is_refused():
    with pytest.raises(ValueError, match="one volume"):
        Volume.of(nib.Nifti1Image(np.zeros((3, 3, 3, 2), np.float32), np.eye(4)))


def test_box_holds_every_positive_voxel_and_the_margin(spot):
    inside = np.argwhere(spot.get_fdata() > 0)

    box = bounding_box(Volume.of(spot), margin=5)  # 4 mm voxels: 2 more

    assert [side.start for side in box] == (inside.min(axis=0) - 2).tolist()
    assert [side.stop for side in box] == (inside.max(axis=0) + 3).tolist()


def test_box_of_an_empty_mask_is_the_whole_volume(head):
    empty = nib.Nifti1Image(np.zeros(head.shape, np.uint8), head.affine)

    assert bounding_box(Volume.of(empty)) == BOX


def test_spread_slices_stay_inside_the_box():
    places = spread(slice(5, 8), 7)

    assert places == sorted(set(places))
    assert all(5 <= place < 8 for place in places)


@pytest.mark.parametrize("thickness", [1, 3, 20])
def test_slices_through_a_lesion_meet_its_largest_section(thickness):
    mask = np.zeros((24, 24, 24), np.uint8)
    mask[10, 10, 4 : 4 + thickness] = 1
    largest = 4 + thickness // 2
    mask[8:13, 8:13, largest] = 1

    places = through(Volume.of(nib.Nifti1Image(mask, np.eye(4))), 2, 7, BOX)

    assert largest in places
    assert len(places) == len(set(places)) <= 7
    if thickness == 20:
        assert {min(places), max(places)} == {4, 23}
