"""Networks against the published layer lists."""

import json
import math

import pytest
import torch
from torch import nn

from motor_bids_app.errors import UsageError
from motor_bids_app.models.networks.attention import AttentionBlock
from motor_bids_app.models.networks.networks import (
    DownBlock,
    MultiBranchNetwork,
    ResidualBranch,
    branch_layers,
    count_parameters,
)
from motor_bids_app.models.networks.pooling import MeanPool, check_depth, sliced_means


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


# What each module of a branch gives for maps of 73 x 90 x 78 voxels, the brain box at 2 mm.
SHAPES = [
    ("Sequential", 32, 73, 90, 78),
    ("MeanPool", 32, 37, 45, 39),
    ("Sequential", 16, 37, 45, 39),
    *[("ResidualBlock", 16, 37, 45, 39)] * 5,
    ("DownBlock", 16, 19, 23, 20),
    ("DownBlock", 64, 10, 12, 10),
    ("DownBlock", 128, 5, 6, 5),
    ("DownBlock", 256, 3, 3, 3),
    ("Sequential", 512, 3, 3, 3),
    ("AdaptiveAvgPool3d", 512, 1, 1, 1),
    ("Flatten", 512),
]


def published_parameters(layers: list[dict]) -> int:
    """What training changes in a Keras layer list, with normalisation over channels."""
    width, total = {}, 0
    for layer in layers:
        config, name = layer["config"], layer["config"]["name"]
        inputs = [
            node[0][0] if isinstance(node[0], list) else node[0] for node in layer["inbound_nodes"]
        ]
        n_in = width[inputs[0]] if inputs else config["batch_input_shape"][-1]
        match layer["class_name"]:
            case "Conv3D":
                width[name] = config["filters"]
                total += n_in * math.prod(config["kernel_size"]) * width[name] + width[name]
            case "Dense":
                width[name] = config["units"]
                total += (n_in + 1) * width[name]
            case "Concatenate":
                width[name] = sum(width[node[0]] for node in layer["inbound_nodes"][0])
            case "Lambda":
                width[name] = 1
            case kind:
                width[name] = n_in
                total += 2 * n_in * (kind == "BatchNormalization")
    return total


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


def test_attention_is_where_the_published_model_has_it(test_data):
    """Units of the channel stage and windows of the spatial stage, in order."""
    layers = json.loads((test_data / "miccai3806" / "model.json").read_text())["config"]["layers"]
    published = [layer["config"] for layer in layers if layer["class_name"] == "Dense"][:10]
    windows = [
        layer["config"]["kernel_size"]
        for layer in layers
        if layer["class_name"] == "Conv3D" and layer["config"]["filters"] == 1
    ]
    blocks = [m for m in ResidualBranch(attention=True).modules() if isinstance(m, AttentionBlock)]
    dense = [m.out_features for b in blocks for m in b.modules() if isinstance(m, nn.Linear)]
    assert dense == [layer["units"] for layer in published]
    assert [list(block[1].weigh.kernel_size) for block in blocks] == windows


def test_network_with_attention_has_the_published_number_of_parameters(test_data):
    """Counted from the published list, with normalisation over channels."""
    layers = json.loads((test_data / "miccai3806" / "model.json").read_text())["config"]["layers"]
    network = MultiBranchNetwork(n_maps=1, n_demographics=3, n_outputs=2, attention=True)
    assert count_parameters(network) == published_parameters(layers)


@pytest.mark.parametrize("attention", [False, True])
def test_layers_have_the_written_shapes(attention):
    branch = ResidualBranch(attention=attention).eval()
    shapes, x = [], torch.zeros(1, 1, 73, 90, 78)
    with torch.inference_mode():
        for module in branch:
            x = module(x)
            shapes.append((type(module).__name__, *x.shape[1:]))
    assert [shape for shape in shapes if shape[0] not in ("ReLU", "AttentionBlock")] == SHAPES


@pytest.mark.parametrize("attention", [False, True])
def test_table_of_layers_names_every_module(attention):
    kinds = [layer.kind for layer in branch_layers(attention=attention)]
    assert kinds.count("attention") == attention
    assert len(kinds) == len(ResidualBranch(attention=attention)) - 1  # the mean is two modules


def test_cropped_volume_gives_the_same_features_away_from_the_cut():
    """Convolutions reach 12 voxels here; the box starts at a multiple of all strides."""
    torch.manual_seed(0)
    layers = nn.Sequential(*list(ResidualBranch((2, 2, 2, 2), n_residuals=0).eval())[:-2])
    whole = torch.randn(1, 1, 56, 56, 56)
    box = (slice(None), slice(None), *[slice(8, 56)] * 3)
    with torch.inference_mode():
        wide, cut = layers(whole), layers(whole[box])
    inner = (slice(None), slice(None), *[slice(4, None)] * 3)
    torch.testing.assert_close(cut[inner], wide[:, :, 2:, 2:, 2:][inner], atol=1e-6, rtol=1e-5)


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


@pytest.mark.parametrize("shape", [(6, 5, 3), (7, 4, 9), (3, 3, 4)])
def test_pooling_in_a_fixed_order_is_the_same_pooling(shape):
    """Values and gradients, for odd and even sizes, as torch's own."""
    x = torch.randn(2, 3, *shape, dtype=torch.float64, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    pooled, sliced = MeanPool()(x), sliced_means(y)
    torch.testing.assert_close(sliced, pooled)
    weights = torch.randn_like(pooled)
    (pooled * weights).sum().backward()
    (sliced * weights).sum().backward()
    torch.testing.assert_close(y.grad, x.grad)


@pytest.mark.parametrize("n_widths", [4, 5, 6])
@pytest.mark.parametrize("size", [3, 4, 5, 6, 9, 10, 17])
def test_a_branch_is_refused_exactly_where_a_pooling_would_fail(size, n_widths):
    shape, widths = (size, size + 3, size + 1), (1,) * n_widths
    volume = torch.zeros((2, 1, *shape), requires_grad=True)
    try:
        ResidualBranch(widths, n_residuals=0)(volume)
    except RuntimeError:
        with pytest.raises(UsageError, match=r"use at most \d widths"):
            check_depth(shape, widths)
    else:
        check_depth(shape, widths)
