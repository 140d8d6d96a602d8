import pytest
import torch
from torch import nn

from motor_bids_app.models.networks.filling import filled


def network(width):
    return nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width))


def test_the_weights_are_those_that_were_given():
    weights = network(4).state_dict()
    weights["1.num_batches_tracked"] = weights["1.num_batches_tracked"].reshape(1)  # as saved

    made = filled(lambda: network(4), weights)

    assert not made.training
    assert torch.equal(made[0].weight, weights["0.weight"])


def test_a_network_that_the_weights_do_not_fill_takes_no_memory():
    weights = network(4).state_dict()

    with pytest.raises(ValueError, match=r"4 instead of|not those of the network"):
        filled(lambda: network(10**12), weights)
