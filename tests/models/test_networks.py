"""Networks against the published layer lists."""

import json

import pytest
import torch
from torch import nn

from motor_bids_app.models.networks import (
    DownBlock,
    MultiBranchNetwork,
    ResidualBranch,
    count_parameters,
)


def convolution(n_in: int, n_out: int, voxels: int = 27) -> int:
    """Weights, biases, and scale and shift of the normalisation that follows."""
    return n_in * n_out * voxels + n_out + 2 * n_out


# One branch of karakis2023, layer by layer.
BRANCH = [
    convolution(1, 32),
    convolution(32, 16),
    *[convolution(16, 16)] * 5,  # residual blocks
    convolution(16, 16) + convolution(16, 16, voxels=1),  # down-sampling blocks with shortcuts
    convolution(16, 64) + convolution(16, 64, voxels=1),
    convolution(64, 128) + convolution(64, 128, voxels=1),
    convolution(128, 256) + convolution(128, 256, voxels=1),
    convolution(256, 512),
]
HEAD = [
    3 + 1,  # demographic unit
    2 * 3073,  # normalisation of the joined features
    3073 * 256 + 256 + 2 * 256,
    256 * 256 + 256 + 2 * 256,
    256 * 2 + 2,
]


def test_branch_has_the_published_number_of_parameters():
    assert count_parameters(ResidualBranch()) == sum(BRANCH)


def test_network_of_six_maps_has_the_published_number_of_parameters():
    network = MultiBranchNetwork(n_maps=6, n_demographics=3, n_outputs=2)
    assert count_parameters(network) == 6 * sum(BRANCH) + sum(HEAD)


def test_features_are_512_per_map_and_one():
    network = MultiBranchNetwork(n_maps=6, n_demographics=3, n_outputs=2).eval()
    with torch.inference_mode():
        features = network.flatten(torch.zeros(1, 6, 33, 35, 33), torch.zeros(1, 3))
    assert features.shape == (1, 3073)


def test_convolutions_are_those_of_the_published_model(test_data):
    """Widths and sizes, in order, without the attention blocks of the later network."""
    layers = json.loads((test_data / "miccai3806" / "model.json").read_text())["config"]["layers"]
    published = [
        (layer["config"]["filters"], layer["config"]["kernel_size"][0])
        for layer in layers
        if layer["class_name"] == "Conv3D" and layer["config"]["kernel_size"][0] != 7
    ]
    modules = ResidualBranch().modules()
    ours = [(m.out_channels, m.kernel_size[0]) for m in modules if isinstance(m, nn.Conv3d)]
    assert ours == published


@pytest.mark.parametrize("size", [7, 8])
def test_pooling_and_shortcut_look_at_the_same_place(size):
    """A bright voxel at an even position moves to half of it on both ways."""
    block = DownBlock(1, 1).eval()
    x = torch.zeros(1, 1, size, size, size)
    x[0, 0, 4, 4, 4] = 1

    pooled, picked = block.path[1](x), block.shortcut[0](x)

    assert pooled.shape == picked.shape
    peak = (pooled == pooled.max()).nonzero()
    assert [2, 2, 2] in peak[:, 2:].tolist()
    assert picked[0, 0, 2, 2, 2] != picked[0, 0, 1, 1, 1]


def test_pooling_does_not_darken_the_border():
    ones = torch.ones(1, 1, 6, 7, 6)
    assert (DownBlock(1, 1).path[1](ones) == 1).all()


def test_branches_do_not_share_weights():
    network = MultiBranchNetwork(2, 3, 2, widths=(2, 2, 2, 2), n_residuals=1, hidden=4)
    network.branches[0][0][0].weight.data.zero_()
    assert network.branches[1][0][0].weight.abs().sum() > 0


def test_every_parameter_learns():
    torch.manual_seed(0)
    network = MultiBranchNetwork(2, 3, 2, widths=(2, 2, 2, 2), n_residuals=1, hidden=4)
    network(torch.rand(4, 2, 9, 9, 9), torch.rand(4, 3)).square().sum().backward()
    gradients = {name: value.grad for name, value in network.named_parameters()}
    assert all(gradient is not None for gradient in gradients.values())
