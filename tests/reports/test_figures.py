import io

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from motor_bids_app.errors import GridMismatchError
from motor_bids_app.reports.figures import COLUMNS, LESION, Layer, Row, contrast, draw_rows, mosaic


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def reddish(png):
    red, green, blue = np.moveaxis(pixels(png), -1, 0)
    return (red > 120) & (red > green + 60) & (red > blue + 60)


def test_the_same_input_gives_the_same_bytes(head, brain, spot):
    assert mosaic(head, around=brain, lesion=spot) == mosaic(head, around=brain, lesion=spot)


def test_storage_order_does_not_change_the_picture(head, brain):
    turned, turned_brain = (
        image.as_reoriented(np.array([[1, -1], [0, 1], [2, -1]])) for image in (head, brain)
    )

    assert mosaic(turned, around=turned_brain) == mosaic(head, around=brain)


def test_a_lesion_on_the_left_is_drawn_at_the_left_of_its_slice(head, brain, spot):
    row = Row(image=head, layers=[Layer(image=spot, colour=LESION, style="lesion")])

    where = np.argwhere(reddish(draw_rows([row], around=brain)))[:, 1]

    width = 1100 / COLUMNS
    assert len(where) > 0
    assert ((where % width) < width / 2).all()


def test_a_lesion_adds_a_row_of_slices_through_it(head, brain, spot):
    without, with_lesion = mosaic(head, around=brain), mosaic(head, around=brain, lesion=spot)

    assert pixels(with_lesion).shape[0] > 1.25 * pixels(without).shape[0]
    assert reddish(with_lesion).any()


def test_an_empty_lesion_mask_is_left_out(head, brain):
    empty = nib.Nifti1Image(np.zeros(head.shape, np.uint8), head.affine)

    assert mosaic(head, around=brain, lesion=empty) == mosaic(head, around=brain)


def test_an_empty_volume_can_be_drawn(head):
    empty = nib.Nifti1Image(np.zeros(head.shape, np.float32), head.affine)

    assert pixels(mosaic(empty, around=empty)).max() > 0  # the marks of the sides


def test_a_mask_on_another_grid_is_refused(head, brain, spot):
    moved = nib.Nifti1Image(np.asarray(spot.dataobj), np.diag([3.0, 4, 4, 1]))

    with pytest.raises(GridMismatchError, match="another affine"):
        draw_rows([Row(image=head, layers=[Layer(image=moved, colour=LESION)])], around=brain)


def test_slices_keep_the_proportions_of_anisotropic_voxels(head):
    thick = nib.Nifti1Image(head.get_fdata()[:, :, ::2], head.affine @ np.diag([1, 1, 2, 1]))
    brains = [nib.Nifti1Image(np.ones(i.shape, np.uint8), i.affine) for i in (head, thick)]

    heights = [
        pixels(draw_rows([Row(image=image, plane="coronal")], around=mask)).shape[0]
        for image, mask in zip((head, thick), brains, strict=True)
    ]

    assert heights[0] == pytest.approx(heights[1], abs=2)


def test_a_colour_bar_shows_the_ends_of_the_scale(head, brain):
    plain = draw_rows([Row(image=head, limits=(0, 1000))], around=brain)
    scaled = draw_rows([Row(image=head, limits=(0, 1000), unit="ml")], around=brain)

    right = pixels(scaled)[:, -70:]
    assert right.max() > 200
    assert pixels(plain)[:, -5:].max() < 100  # nothing but the edge of the ball there


def test_contrast_ignores_a_single_hot_voxel():
    values = np.linspace(50, 150, 100_000, dtype=np.float32)
    values[0] = 1e6

    low, high = contrast(values)

    assert low < 75
    assert high < 200


def test_bright_fat_does_not_flatten_the_brain(head, brain):
    fat = head.get_fdata().copy()
    fat[brain.get_fdata() == 0] = 50_000
    fat = nib.Nifti1Image(fat.astype(np.float32), head.affine)

    spot = pixels(draw_rows([Row(image=fat)], around=brain))[:, :150]
    tissue = (spot.min(axis=-1) > 10) & (spot.max(axis=-1) < 245)
    assert tissue.sum() > 500
