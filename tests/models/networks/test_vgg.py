"""The network of Gao et al. 2025."""

import math

import pytest
import torch
from torch import nn

from motor_bids_app.errors import UsageError
from motor_bids_app.models.networks.networks import count_parameters
from motor_bids_app.models.networks.vgg import GAO_WIDTHS, VggNetwork

SMALL = {"shape": (9, 8, 10), "widths": ((3, 4), (5,), (6,)), "hidden": 7}

# By hand from Table 1: channels in, channels out, voxels after the layer; halves are rounded down.
CONVOLUTIONS = [
    (1, 64, (61, 73, 61)),
    (64, 64, (61, 73, 61)),
    (64, 128, (30, 36, 30)),
    (128, 128, (30, 36, 30)),
    (128, 256, (15, 18, 15)),
    (256, 256, (15, 18, 15)),
    (256, 256, (15, 18, 15)),
    (256, 512, (7, 9, 7)),
    (512, 512, (7, 9, 7)),
    (512, 512, (7, 9, 7)),
    (512, 512, (3, 4, 3)),
    (512, 512, (3, 4, 3)),
    (512, 512, (3, 4, 3)),
]
DENSE = [(512 * 2 * 3 * 2, 4096), (4096, 4096), (4096, 2)]
PARAMETERS = 44_132_160 + 7_424 + 41_959_426  # convolutions, normalisation, dense layers


def test_published_layers_have_the_channels_of_the_table():
    with torch.device("meta"):
        layers = list(VggNetwork((61, 73, 61)).modules())
    channels = [(m.in_channels, m.out_channels) for m in layers if isinstance(m, nn.Conv3d)]
    assert channels == [(n_in, n_out) for n_in, n_out, _ in CONVOLUTIONS]
    assert [(m.in_features, m.out_features) for m in layers if isinstance(m, nn.Linear)] == DENSE


def test_published_map_has_the_sizes_of_the_table_after_each_convolution():
    """With a channel for 64, since sizes do not depend on channels."""
    widths = tuple(tuple(width // 64 for width in block) for block in GAO_WIDTHS)
    network = VggNetwork((61, 73, 61), widths=widths, hidden=8).eval()
    seen = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv3d):
            layer.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape[2:])))
    with torch.inference_mode():
        assert network(torch.randn(1, 1, 61, 73, 61)).shape == (1, 2)
    assert seen == [size for _, _, size in CONVOLUTIONS]


def test_published_number_of_parameters():
    with torch.device("meta"):
        network = VggNetwork((61, 73, 61))
    convolutions = sum(27 * n_in * n_out + n_out for n_in, n_out, _ in CONVOLUTIONS)
    norms = sum(2 * n_in for n_in, _, _ in CONVOLUTIONS[1:])
    dense = sum(n_in * n_out + n_out for n_in, n_out in DENSE)
    assert count_parameters(network) == convolutions + norms + dense == PARAMETERS


def test_every_convolution_but_the_first_follows_normalisation_and_relu():
    layers = [m for m in VggNetwork(**SMALL).blocks.modules() if not list(m.children())]
    for place, layer in enumerate(layers):
        if isinstance(layer, nn.Conv3d) and place:
            kinds = [type(m) for m in layers[place - 2 : place]]
            assert kinds == [nn.BatchNorm3d, nn.ReLU]
    assert isinstance(layers[0], nn.Conv3d)
    assert [m.stride for m in layers if isinstance(m, nn.MaxPool3d)] == [2, 2, 1]


def test_weights_start_with_the_variance_of_he():
    network = VggNetwork((16, 16, 16), widths=((8, 32), (32,)), hidden=64)
    for layer in (network.blocks[1][2], network.dense[1]):
        spread = layer.weight.std().item()
        assert spread == pytest.approx(math.sqrt(2 / layer.weight[0].numel()), rel=0.05)
        assert (layer.bias == 0).all()


def test_every_parameter_learns():
    network = VggNetwork(**SMALL, dropout=0.0)
    loss = nn.functional.cross_entropy(network(torch.randn(6, 1, 9, 8, 10)), torch.arange(6) % 2)
    loss.backward()
    # A bias before batch normalisation has no effect; the last convolution is not normalised.
    biases = {f"{n}.bias" for n, m in network.named_modules() if isinstance(m, nn.Conv3d)}
    for name, parameter in network.named_parameters():
        assert name in biases or parameter.grad.abs().max() > 0, name


def test_planted_pattern_is_learned():
    torch.manual_seed(0)
    labels = torch.arange(16) % 2
    maps = torch.randn(16, 1, 9, 8, 10)
    maps[labels == 1, :, 2:6, 2:6, 2:6] += 2
    network = VggNetwork(**SMALL, dropout=0.2)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01, eps=1e-3)
    for _ in range(40):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(maps), labels).backward()
        optimiser.step()
    assert (network.eval()(maps).argmax(dim=1) == labels).float().mean() > 0.9


def test_a_map_too_small_for_the_poolings_is_refused():
    with pytest.raises(UsageError, match="use 32 voxels or more along each axis"):
        VggNetwork((61, 31, 61))
