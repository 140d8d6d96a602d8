"""Ordered classes: heads of networks, and one classifier per threshold."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

from motor_bids_app.errors import DataError
from motor_bids_app.models.catalog import COMPARED_ONLY, LADDER, NETWORKS, build_model
from motor_bids_app.models.networks.heads import OrderedLoss, OrderedOutput
from motor_bids_app.models.opened.maps import open_networks
from motor_bids_app.models.store import load_bundle, save_bundle
from motor_bids_app.models.tables.classical import ConstantClassifier, TableClassifier
from motor_bids_app.models.tables.ordinal import CumulativeModel, NetworkOrdinal, shares_above

from ..conftest import seen_by, tiny

SMALL = {"widths": (4, 4, 8, 8), "n_residuals": 1, "hidden": 8, "learning_rate": 0.02}
QUICK = SMALL | {"epochs": 1}


@pytest.fixture
def classes(samples):
    """Four classes that tract load decides: the worst has the greatest load."""
    load = samples.table["tract_load"].fillna(0).to_numpy()
    return 3.0 - np.searchsorted(np.quantile(load, [0.3, 0.55, 0.8]), load)


def test_no_weights_can_disorder_the_thresholds():
    torch.manual_seed(0)
    output = OrderedOutput(5, 6)
    with torch.no_grad():
        for parameter in output.parameters():
            parameter.normal_(0, 10)
    odds = output(torch.randn(50, 5) * 10)
    assert (torch.diff(odds, dim=1) <= 0).all()


def test_start_is_the_shares_of_people():
    output = OrderedOutput(3, 3)
    torch.nn.init.zeros_(output.weigh.weight)
    output.start([0.8, 0.5, 0.3])
    given = torch.sigmoid(output(torch.zeros(1, 3)))[0]
    np.testing.assert_allclose(given.detach(), [0.8, 0.5, 0.3], atol=1e-5)


def test_thresholds_are_forgotten_by_random_weights(samples, outcome):
    model = NetworkOrdinal(**QUICK, n_classes=3).fit(samples, outcome("ordinal"))
    (network,) = open_networks(model)
    output = network.randomised(seed=3).module.network.output
    assert output.first.item() == 0 != model.network_.output.first.item()


def test_loss_of_two_classes_is_that_of_a_logistic_regression():
    odds, truth = torch.randn(20, 1), torch.randint(0, 2, (20,))
    expected = torch.nn.functional.binary_cross_entropy_with_logits(odds[:, 0], truth.float())
    assert OrderedLoss()(odds, truth) == pytest.approx(float(expected))


def test_error_farther_away_costs_more():
    odds = torch.tensor([[4.0, 4, 4]])  # surely the last of four classes
    losses = [float(OrderedLoss()(odds, torch.tensor([k]))) for k in (3, 2, 1, 0)]
    assert losses == sorted(losses)


def test_network_learns_the_order(samples, outcome):
    """Damage by class: of three classes, the poor are the lowest."""
    y = np.where(outcome("classification") == 1, 0.0, 2.0)
    y[1::6] = 1
    model = NetworkOrdinal(**SMALL, epochs=30, n_classes=3).fit(samples[:24], y[:24])
    given = model.predict(samples[24:])
    assert ((given >= 0) & (given <= 2)).all()
    assert spearmanr(given, y[24:]).statistic > 0.6


@pytest.mark.parametrize(
    "name", [name for name in (*LADDER, *NETWORKS) if name not in COMPARED_ONLY]
)
def test_every_model_gives_expected_classes_and_survives_a_bundle(name, samples, classes, tmp_path):
    params = tiny(name) if name in ("gao2025", "shi2025") else QUICK if name in NETWORKS else {}
    if name == "cbam2025":
        params = params | {"validation_share": 0.5}
    model = build_model(name, task="ordinal", maps=("fa",), n_classes=4, params=params)
    samples = seen_by(name, samples)
    model.fit(samples, classes)
    given = model.predict(samples)
    assert ((given >= 0) & (given <= 3)).all()
    save_bundle(tmp_path / name, model, {})
    again, _ = load_bundle(tmp_path / name)
    np.testing.assert_allclose(again.predict(samples), given, rtol=1e-6)


def test_thresholds_are_the_classifiers_of_scikit_learn(samples, classes):
    """With one column, the expected class is the sum of three logistic regressions."""
    model = CumulativeModel(TableClassifier(columns=("tract_load",)), 4).fit(samples, classes)
    load = samples.table[["tract_load"]].fillna(0).to_numpy()
    load = (load - load.mean()) / load.std()
    expected = sum(
        LogisticRegression(C=1.0, max_iter=10_000).fit(load, classes > k).predict_proba(load)[:, 1]
        for k in range(3)
    )
    np.testing.assert_allclose(model.predict(samples), expected, atol=1e-3)


def test_a_class_that_nobody_is_in_is_never_reached(samples):
    y = np.where(np.arange(36) % 2 == 0, 1.0, 2.0)  # of 0 to 3
    model = CumulativeModel(ConstantClassifier(), 4).fit(samples, y)
    np.testing.assert_allclose(model.predict(samples), y[~samples.controls].mean())
    assert shares_above(y, 4) == [1.0, 0.5, 0.0]


@pytest.mark.parametrize(
    ("y", "message"),
    [(np.full(36, 2.0), "All training scans are of class 2"), (np.arange(36.0), "from 0 to 3")],
)
def test_unusable_classes_are_explained(y, message, samples):
    for model in (CumulativeModel(ConstantClassifier(), 4), NetworkOrdinal(**QUICK, n_classes=4)):
        with pytest.raises(DataError, match=message):
            model.fit(samples, y)
