import numpy as np
import pytest
import torch
from scipy import ndimage

from motor_bids_app.mri.sampling import (
    Sampler,
    as_volume,
    box_mean,
    sample,
    shrink,
    smooth,
    voxel_grid,
)


@pytest.fixture
def volume():
    return np.random.default_rng(0).random((9, 8, 7)).astype(np.float32)


def test_sampling_is_linear_interpolation(volume):
    points = np.random.default_rng(1).uniform(0.1, 5.9, (3, 20)).astype(np.float32)

    ours = sample(as_volume(volume), torch.from_numpy(points))[0].numpy()

    expected = ndimage.map_coordinates(volume, points, order=1)
    np.testing.assert_allclose(ours, expected, atol=1e-5)


@pytest.mark.parametrize("slices", [1, 7])
def test_many_channels_are_sampled_alike_inside_and_outside(volume, slices):
    volumes = torch.stack([torch.from_numpy(volume), torch.from_numpy(volume) ** 2])[..., :slices]
    points = np.random.default_rng(1).uniform(-4, 10, (3, 5, 400)).astype(np.float32)

    ours = Sampler(volumes)(torch.from_numpy(points))

    expected = sample(volumes, torch.from_numpy(points))
    assert ours.shape == (2, 5, 400)
    assert expected.count_nonzero() > 100
    torch.testing.assert_close(ours, expected, atol=2e-5, rtol=0)


def test_a_single_slice_can_be_sampled():
    slice_ = torch.full((1, 4, 4, 1), 5.0)

    assert sample(slice_, torch.tensor([[1.0], [2.0], [0.0]])).item() == 5


def test_smoothing_is_a_gaussian_away_from_the_edge():
    impulse = np.zeros((25, 25, 25), dtype=np.float32)
    impulse[12, 12, 12] = 1

    ours = smooth(as_volume(impulse), 1.5)[0].numpy()

    expected = ndimage.gaussian_filter(impulse, 1.5, truncate=8 / 3)
    np.testing.assert_allclose(ours, expected, atol=1e-6)


@pytest.mark.parametrize("operation", [lambda v: smooth(v, 2.0), lambda v: box_mean(v, 5)])
def test_filters_leave_a_constant_unchanged_up_to_the_edge(operation):
    filtered = operation(torch.full((2, 6, 7, 8), 3.0))

    torch.testing.assert_close(filtered, torch.full((2, 6, 7, 8), 3.0))


def test_shrinking_keeps_places():
    ramp = voxel_grid((21, 11, 9))  # three volumes, each the coordinate along one axis

    small = shrink(ramp, (2.0, 1.0, 4.0))

    inner = small[:, 3:-3, 3:-3, 1:-1]
    expected = voxel_grid((11, 11, 3)) * torch.tensor([2.0, 1.0, 4.0]).view(3, 1, 1, 1)
    torch.testing.assert_close(inner[:2], expected[:2, 3:-3, 3:-3, 1:-1], atol=1e-3, rtol=0)
