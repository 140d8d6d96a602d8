"""Grad-CAM of slices: is it where the picture was, in the world?"""

import numpy as np
import pytest
import torch
from nibabel.affines import apply_affine
from torch import nn

from motor_bids_app.explanation.slices import into_volume, onto_voxels, slice_gradcam
from motor_bids_app.models.instances.modalities import pictures
from motor_bids_app.spaces.grids import standard_grid

GRID = standard_grid(3)
SIZE, STRIDE = 256, 8


class Bright(nn.Module):
    """Says how bright a picture is; its map has a place every 8 pixels, the first at 3.5."""

    def __init__(self):
        super().__init__()
        self.stage = nn.Sequential(nn.AvgPool2d(STRIDE), nn.Identity())

    def forward(self, pictures):
        return self.stage(pictures[:, None]).mean(dim=(1, 2, 3))


@pytest.mark.parametrize("world", [(-42.0, -21.0, 54.0), (36.0, 12.0, 0.0), (0.0, -69.0, 24.0)])
def test_a_hot_spot_comes_back_to_its_place_in_the_world(world):
    x, y, z = np.rint(apply_affine(np.linalg.inv(GRID.affine), world)).astype(int)
    # A spot in the volume becomes a picture, the network's map of it, and a volume again.
    volume = np.zeros(GRID.shape, dtype=np.float32)
    volume[x - 2 : x + 3, y - 2 : y + 3, z] = 1
    places = np.array([z - 1, z, z + 1])
    still = np.zeros(3), np.ones(3)
    taken = pictures(np.moveaxis(volume[:, :, places], 2, 0), SIZE, *still)
    network = Bright()
    coarse = slice_gradcam(network, network.stage, taken)

    slices = [onto_voxels(one, SIZE, STRIDE, 3.5, GRID.shape[:2]) for one in coarse]
    back = into_volume(np.stack(slices), places, GRID.shape)

    weight = back / back.sum()
    centre = [float((weight * axis).sum()) for axis in np.indices(GRID.shape)]
    found = apply_affine(GRID.affine, centre)
    true = apply_affine(GRID.affine, (x, y, z))
    np.testing.assert_allclose(found, true, atol=1.5)  # half a voxel
    assert np.unravel_index(back.argmax(), back.shape)[2] == z


def test_voxels_are_where_pictures_put_them():
    # Reading a picture at its own pixels gives the slice from which it was made.
    x, y = np.indices((20, 30))
    image = np.exp(-((x - 5) ** 2 + (y - 20) ** 2) / 18)[None].astype(np.float32)
    picture = pictures(image, 60, np.zeros(1), np.ones(1))[0].numpy()

    back = onto_voxels(picture, 60, 1, 0, (20, 30))

    np.testing.assert_allclose(back[1:-1, 1:-1], image[0][1:-1, 1:-1], atol=0.04)


def test_what_speaks_against_is_negative():
    class Dark(Bright):
        def forward(self, pictures):
            return -super().forward(pictures)

    network = Dark()

    assert (slice_gradcam(network, network.stage, torch.ones(2, 64, 64)) <= 0).all()


def test_slices_that_were_left_out_are_0():
    volume = into_volume(np.ones((2, 4, 5), np.float32), np.array([1, 3]), (4, 5, 6))

    assert volume.sum(axis=(0, 1)).tolist() == [0, 20, 0, 20, 0, 0]
