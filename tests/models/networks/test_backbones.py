import sys

import numpy as np
import pytest
import torch

from motor_bids_app.errors import IncompatibleModelError, UsageError
from motor_bids_app.models.networks.backbones import (
    BACKBONES,
    SliceNetwork,
    first_place,
    load_initial,
)

pytest.importorskip("pytorchcv")


@pytest.mark.parametrize("backbone", BACKBONES)
def test_all_five_networks_take_pictures_of_any_size(backbone):
    network = SliceNetwork(backbone, 2).eval()
    maps = []
    network.stage(96, 32)[0].register_forward_hook(lambda *call: maps.append(call[2]))

    with torch.inference_mode():
        outputs = network(torch.zeros(2, 96, 96))

    assert outputs.shape == (2, 2)
    assert maps[0].shape[2:] == (3, 3)


@pytest.mark.parametrize("backbone", ["shufflenet", "regnet"])
@pytest.mark.parametrize("apart", [4, 16, 32])
def test_places_of_maps_lie_where_they_are_said_to_lie(backbone, apart):
    # The middle of what a place looks at is the middle of its gradient, if weights are alike.
    network = SliceNetwork(backbone, 1).eval()
    with torch.no_grad():
        for name, value in network.backbone.named_parameters():
            if value.ndim == 4:
                value.fill_(1.0 / value[0].numel())
            elif "weight" in name:
                value.fill_(1.0)
    maps = []
    stage, stride = network.stage(640, apart)
    stage.register_forward_hook(lambda *call: maps.append(call[2]))
    picture = torch.ones(1, 640, 640, requires_grad=True)
    network(picture)

    middle = 320 // stride  # whole pictures have a say too (squeeze and excitation)
    maps[0][0, :, middle, middle].sum().backward()

    seen = picture.grad[0].abs().sum(axis=1).numpy()
    centre = float(seen @ np.arange(640) / seen.sum())
    assert centre == pytest.approx(320 + first_place(backbone), abs=3)
    assert stride == apart


def test_weights_of_the_same_network_are_taken_over_except_the_last_layer():
    source, network = SliceNetwork("shufflenet", 1000), SliceNetwork("shufflenet", 2)

    load_initial(network, "shufflenet", source.backbone.state_dict())

    for name, value in source.backbone.features.state_dict().items():
        torch.testing.assert_close(network.backbone.features.state_dict()[name], value)
    assert network.backbone.output.out_features == 2


@pytest.mark.parametrize("change", ["other network", "other shape"])
def test_weights_that_do_not_fit_are_explained(change):
    weights = SliceNetwork("regnet", 2).backbone.state_dict()
    if change == "other shape":
        weights = SliceNetwork("shufflenet", 2).backbone.state_dict()
        weights = {name: value[..., None] for name, value in weights.items()}

    with pytest.raises(IncompatibleModelError, match="shufflenetv2_w1 of pytorchcv, or none"):
        load_initial(SliceNetwork("shufflenet", 2), "shufflenet", weights)


def test_a_missing_library_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorchcv.models.fbnet", None)

    with pytest.raises(UsageError, match="pip install --no-deps pytorchcv"):
        SliceNetwork("fbnet", 2)


def test_an_unknown_network_is_explained():
    with pytest.raises(UsageError, match="use one of resnet50, fbnet"):
        SliceNetwork("vgg", 2)
