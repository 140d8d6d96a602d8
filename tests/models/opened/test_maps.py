"""Models opened for explanation: what they give is what the models say."""

import numpy as np
import pytest
import torch
from scipy.special import logit
from sklearn.base import clone

from motor_bids_app.models.networks.deep import NetworkClassifier, NetworkRegressor
from motor_bids_app.models.networks.heads import LogOdds
from motor_bids_app.models.networks.networks import MultiBranchNetwork
from motor_bids_app.models.opened.maps import (
    OneNumber,
    OpenNetwork,
    is_linear,
    linear_scores,
    linear_weights,
    open_networks,
    plain_model,
)
from motor_bids_app.models.tables.classical import ConstantClassifier
from motor_bids_app.models.tables.kernel import KernelClassifier, KernelRegressor
from motor_bids_app.models.tables.recalibration import RecalibratedClassifier

SMALL = {"widths": (4, 4, 8, 8), "n_residuals": 1, "hidden": 8, "learning_rate": 1e-3, "epochs": 2}


def test_an_open_classifier_gives_the_log_odds(samples, outcome):
    model = NetworkClassifier(**SMALL).fit(samples, outcome("classification"))
    (network,) = open_networks(model)
    with torch.inference_mode():
        odds = network.module(*network.inputs(samples)).numpy()
    np.testing.assert_allclose(odds, logit(model.predict_proba(samples)[:, 1]), atol=1e-4)
    assert network.maps == ("fa", "gm")


def test_an_open_regressor_gives_points_up_to_the_mean(samples, outcome):
    model = NetworkRegressor(**SMALL).fit(samples, outcome("regression"))
    (network,) = open_networks(model)
    with torch.inference_mode():
        points = network.module(*network.inputs(samples)).numpy()
    np.testing.assert_allclose(points + model.centre_, model.predict(samples), atol=1e-3)


def test_places_of_a_stage_are_a_stride_apart(samples, outcome):
    model = NetworkClassifier(**SMALL | {"widths": (4, 4, 6, 8, 8)})
    (network,) = open_networks(model.fit(samples, outcome("classification")))
    maps, demographics = network.inputs(samples[[0]])
    shapes = []
    stage = network.stages[1]
    hook = stage.register_forward_hook(lambda module, given, made: shapes.append(made.shape[2:]))
    network.module(maps, demographics)
    hook.remove()
    assert shapes == [tuple(-(-size // network.stride) for size in maps.shape[2:])]


@pytest.mark.parametrize(
    ("voxel_size", "stride"), [(1.0, 16), (2.0, 8), (3.0, 4), (4.0, 4), (8.0, 2), (12.0, 2)]
)
def test_gradcam_looks_at_places_16_mm_apart_or_less_where_there_are_some(voxel_size, stride):
    for n_residuals in (0, 2):
        network = MultiBranchNetwork(2, 3, 2, (2, 2, 2, 2, 2, 2, 2), n_residuals, 2).eval()
        opened = OpenNetwork(OneNumber(network, LogOdds()), ("fa", "gm"), None, voxel_size)
        made = []
        opened.stages[0].register_forward_hook(lambda *call, made=made: made.append(call[2]))
        with torch.inference_mode():
            opened.module(torch.zeros(1, 2, 64, 96, 64), torch.zeros(1, 3))

        assert opened.stride == stride
        assert made[0].shape[2:] == (64 // stride, 96 // stride, 64 // stride)


def test_a_network_as_a_function_of_one_map_holds_what_the_others_gave(samples, outcome):
    (network,) = open_networks(NetworkClassifier(**SMALL).fit(samples, outcome("classification")))
    maps, demographics = network.inputs(samples[:3])
    changed = maps.clone()
    changed[:, 1, 2:6] = 0
    joined = network.joined(maps, demographics)
    with torch.inference_mode():
        whole = network.module(changed, demographics).numpy()
        alone = network.of_map(1)(changed[:, 1:], joined).numpy()
    np.testing.assert_allclose(alone, whole, atol=1e-5)
    assert np.abs(whole - network.module(maps, demographics).detach().numpy()).max() > 1e-3


def test_random_weights_forget_what_was_learned_and_leave_the_model_alone(samples, outcome):
    model = NetworkClassifier(**SMALL).fit(samples, outcome("classification"))
    before = model.predict_proba(samples)
    (network,) = open_networks(model)
    other = network.randomised(seed=3)
    own, drawn = (dict(one.module.named_parameters()) for one in (network, other))
    assert all((own[name] != drawn[name]).any() for name in own if name.endswith("0.0.weight"))
    np.testing.assert_array_equal(model.predict_proba(samples), before)


@pytest.mark.parametrize(
    ("kind", "task"), [(KernelClassifier, "classification"), (KernelRegressor, "regression")]
)
def test_linear_weights_predict_by_themselves(kind, task, samples, outcome):
    mask = np.ones((10, 12, 10), dtype=bool)
    mask[0] = False
    model = kind(mask=mask, penalty=1.0).fit(samples, outcome(task))
    weights = linear_weights(model)
    voxels = samples.volumes.read()
    scores = np.einsum("nmxyz,mxyz->n", voxels, weights, dtype=np.float64)
    expected = linear_scores(model, samples)
    np.testing.assert_allclose(np.diff(scores), np.diff(expected), atol=1e-3)
    assert (weights[:, 0] == 0).all()


def test_an_ensemble_is_opened_into_the_networks_that_count(samples, outcome):
    class Ensemble(NetworkClassifier):
        maps_, chosen_ = ("fa", "gm"), ("gm",)

    ensemble, y = Ensemble(), outcome("classification")
    ensemble.networks_ = [
        [NetworkClassifier(maps=(name,), **SMALL | {"epochs": 1}).fit(samples, y)]
        for name in ensemble.maps_
    ]
    assert [network.maps for network in open_networks(ensemble)] == [("gm",)]


def test_kinds_are_told_apart_also_behind_a_recalibration(samples, outcome):
    y = outcome("classification")
    kernel = RecalibratedClassifier(KernelClassifier(penalty=1.0)).fit(samples, y)
    assert is_linear(kernel)
    assert not open_networks(kernel)
    assert not is_linear(clone(ConstantClassifier()).fit(samples, y))
    assert isinstance(plain_model(kernel), KernelClassifier)
