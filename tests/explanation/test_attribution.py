"""Attribution maps against closed forms."""

import numpy as np
import pytest
import torch
from torch import nn

from motor_bids_app.explanation.attribution import (
    activation_pattern,
    deviations,
    gradcam,
    integrated_gradients,
    number_cubes,
    occlusion,
    place_coarse,
)
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.spaces.grids import Grid

pytest.importorskip("captum")


def test_integrated_gradients_of_a_linear_model_are_weights_times_inputs(known, weights, people):
    values, _ = integrated_gradients(known(weights), *people)
    np.testing.assert_allclose(values, weights * people[0].numpy(), rtol=1e-4, atol=1e-5)


def test_integrated_gradients_sum_to_the_change_of_the_output(known, weights, people):
    module = known(weights, product=5.0)
    values, errors = integrated_gradients(module, *people)
    expected = module(*people).detach().numpy()
    np.testing.assert_allclose(values.sum(axis=(1, 2, 3, 4)), expected, rtol=1e-4, atol=1e-4)
    assert np.abs(errors).max() < 1e-3


def test_occlusion_of_a_linear_model_is_the_sum_over_the_cube(known, weights, people):
    mask = np.ones(weights.shape[1:], dtype=bool)
    mask[0] = False
    cubes = number_cubes(mask, 2)
    values = occlusion(known(weights), *people, cubes)

    products = weights * people[0].numpy()
    for number in range(1, cubes.max() + 1):
        inside = cubes == number
        expected = products[:, :, inside].sum(axis=2)
        found = values[:, :, inside]
        np.testing.assert_allclose(found.min(axis=2), expected, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(found.max(axis=2), expected, rtol=1e-3, atol=1e-4)
    assert (values[:, :, ~mask] == 0).all()


def test_gradcam_is_channels_times_their_mean_gradient():
    """The output is 2 a - 3 b, of the spatial means of two channels: the map and its square.

    What a channel has in the average brain too says nothing of a person.
    """

    class Stage(nn.Module):
        def forward(self, x):
            half = x[:, :, ::2, ::2, ::2]
            return torch.cat([half + 7, half**2], dim=1)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.stage = Stage()
            self.factors = nn.Parameter(torch.tensor([2.0, -3.0]))

        def forward(self, maps, demographics):
            return (self.stage(maps).mean(dim=(2, 3, 4)) * self.factors).sum(dim=1)

    maps = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 1, 5, 4, 6)).astype("f4"))
    network = Network()
    values = gradcam(network, network.stage, 2, maps, torch.zeros(2, 1))

    half = maps.numpy()[:, 0, ::2, ::2, ::2]
    n_places = half[0].size
    assert values.shape == (2, 5, 4, 6)
    np.testing.assert_allclose(
        values[:, ::2, ::2, ::2], (2 * half - 3 * half**2) / n_places, rtol=1e-4, atol=1e-6
    )


def test_a_coarse_map_is_not_shifted():
    """A straight ramp at every fourth voxel is the same ramp at all of them."""
    ramp = np.arange(17, dtype=np.float32).reshape(17, 1, 1) * np.ones((1, 9, 5), np.float32)
    np.testing.assert_allclose(place_coarse(ramp[::4, ::4, ::4], 4, ramp.shape), ramp, atol=1e-5)


@pytest.fixture
def haufe():
    """Two voxels: signal plus a distractor, and the distractor alone (Haufe et al. 2014)."""
    random = np.random.default_rng(0)
    signal, distractor = random.normal(size=(2, 400))
    store = VolumeStore.empty(400, ("fa",), Grid((2, 1, 1), np.eye(4)))
    store.data[:, 0, 0, 0, 0] = signal + distractor
    store.data[:, 0, 1, 0, 0] = distractor
    store.present[:] = True
    return store, signal


def test_a_voxel_that_only_cancels_noise_has_weight_but_no_pattern(haufe):
    store, _ = haufe
    x = store.data[:, 0, :, 0, 0].astype(float)
    weights = np.array([1.0, -1.0])  # recovers the signal exactly
    pattern = activation_pattern(store.volumes(), [0], x @ weights)[0, :, 0, 0]
    assert pattern[0] == pytest.approx(1, abs=0.1)
    assert abs(pattern[1]) < 0.1


def test_the_pattern_is_the_covariance_over_the_variance_of_scans_with_the_map(haufe):
    store, signal = haufe
    store.present[::3] = False
    store.data[::3] = 0
    has = store.present[:, 0]
    x = store.data[has, 0, :, 0, 0].astype(float)
    expected = [np.cov(column, signal[has])[0, 1] / signal[has].var(ddof=1) for column in x.T]
    found = activation_pattern(store.volumes(), [0], signal)[0, :, 0, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_a_missing_map_deviates_nowhere(haufe):
    store, _ = haufe
    store.present[5] = False
    mean = np.full((1, 2, 1, 1), 0.7, dtype=np.float32)
    assert (deviations(store.volumes()[[5]], [0], mean) == 0).all()
