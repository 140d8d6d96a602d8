"""Weights of one network as the start of another."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from motor_bids_app.models.networks.deep import NetworkClassifier
from motor_bids_app.models.networks.ensemble import MapEnsembleClassifier
from motor_bids_app.models.networks.transfer import start_from
from motor_bids_app.models.tables.classical import ConstantClassifier
from motor_bids_app.models.tables.columns import DEMOGRAPHICS

SMALL = {"widths": (2, 2, 2, 4), "n_residuals": 0, "hidden": 4, "epochs": 1}


@pytest.fixture(scope="module")
def source(make_samples, outcome):
    return NetworkClassifier(**SMALL, maps=("fa", "gm")).fit(
        make_samples(), outcome("classification")
    )


def network(maps, columns=DEMOGRAPHICS, **changes):
    model = NetworkClassifier(**(SMALL | changes), maps=maps)
    model.maps_, model.columns_ = maps, columns
    return model._network()


def weights(module, prefix):
    return torch.cat(
        [v.ravel().float() for k, v in module.state_dict().items() if k.startswith(prefix)]
    )


def test_branches_go_to_the_same_map_whatever_its_place(source):
    other = network(("gm", "fa"))
    start_from(source, "a").give(other, ("gm", "fa"))
    assert torch.equal(weights(other, "branches.0."), weights(source.network_, "branches.1."))
    assert torch.equal(weights(other, "branches.1."), weights(source.network_, "branches.0."))
    assert not torch.equal(weights(other, "dense.0.0"), weights(source.network_, "dense.0.0"))


def test_the_same_maps_take_everything(source):
    other = network(("fa", "gm"), source.columns_)
    taken, total = start_from(source, "a").give(other, ("fa", "gm"))
    assert taken == total
    assert torch.equal(weights(other, ""), weights(source.network_, ""))


def test_other_widths_and_maps_take_nothing(source):
    assert start_from(source, "a").give(network(("wm",)), ("wm",))[0] == 0


def test_training_without_a_step_to_speak_of_begins_where_the_other_ended(
    source, make_samples, outcome
):
    start = start_from(source, "a")
    settings = SMALL | {"learning_rate": 1e-12, "momentum": 0.0}
    model = NetworkClassifier(**settings, maps=("fa", "gm"), start=start)
    fitted = clone(model).fit(make_samples(1), outcome("classification"))
    for name, value in source.network_.named_parameters():
        np.testing.assert_allclose(
            dict(fitted.network_.named_parameters())[name].detach(), value.detach(), atol=1e-6
        )


def test_an_ensemble_gives_the_branch_of_each_map(make_samples, outcome):
    ensemble = MapEnsembleClassifier(**SMALL, validation_share=0.5)
    ensemble.fit(make_samples(), outcome("classification"))
    other = network(("gm",), attention=True)
    start_from(ensemble, "a").give(other, ("gm",))
    own = ensemble.networks_[1][0].network_
    assert torch.equal(weights(other, "branches.0."), weights(own, "branches.0."))


def test_models_without_weights_to_give_give_none():
    assert start_from(ConstantClassifier(), "a") is None
