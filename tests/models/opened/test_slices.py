"""Networks of slices opened for explanation: what they give is what the models say."""

import numpy as np
import pytest
import torch
from scipy.special import expit

from motor_bids_app.features.slices import SLICES
from motor_bids_app.levels.group.explanation.slices import slices_deletion
from motor_bids_app.models.instances.fusion import FusionClassifier, FusionRegressor
from motor_bids_app.models.opened.slices import open_slices

pytest.importorskip("pytorchcv")
SMALL = {"size": 32, "epochs": 1, "stop_after": 0, "learning_rate": 0.01}


def opened(model, samples):
    """Outputs of the network of slices of each scan, and the network."""
    network = open_slices(model, 3.0)
    given = []
    for row in range(len(samples)):
        with torch.inference_mode():
            parts = [network.module(part) for part in network.pictures(samples[[row]])]
        given.append(torch.cat(parts).double().numpy())
    return given, network


def test_an_open_classifier_gives_the_log_odds(make_instances):
    samples, scores = make_instances(n=12)
    model = FusionClassifier(modalities=(SLICES,), **SMALL).fit(
        samples, (scores > np.median(scores)) * 1
    )
    odds, network = opened(model, samples)

    means = [expit(one).mean() for one in odds]
    np.testing.assert_allclose(means, model.predict_proba(samples)[:, 1], atol=1e-5)
    assert network.learned.average == 0


@pytest.mark.parametrize("bounds", [None, (0.0, 34.0)])
def test_an_open_regressor_gives_points_from_a_fixed_one(make_instances, bounds):
    samples, scores = make_instances(n=12)
    y = np.clip(17 + 5 * scores, 0, 34)
    model = FusionRegressor(modalities=(SLICES,), **SMALL, bounds=bounds).fit(samples, y)
    points, network = opened(model, samples)

    offset = model.predict(samples) - [one.mean() for one in points]
    np.testing.assert_allclose(offset, offset[0], atol=1e-3)
    # What stands for the average person lies among the people.
    assert y.min() < network.learned.average + offset[0] < y.max()


def test_deletion_of_slices_starts_at_their_distance_from_plain_grey(make_instances):
    samples, scores = make_instances(n=12)
    model = FusionClassifier(modalities=(SLICES,), **SMALL).fit(
        samples, (scores > np.median(scores)) * 1
    )
    network = open_slices(model, 3.0)

    drops, by_chance = slices_deletion(network, samples[[0]], np.random.default_rng(0))

    with torch.inference_mode():
        pictures = torch.cat(list(network.pictures(samples[[0]])))
        apart = (network.module(pictures).mean() - network.module(0 * pictures).mean()).abs()
    assert drops[0] == by_chance[0] == pytest.approx(float(apart), rel=1e-3)
    assert drops[-1] == by_chance[-1] == 0
