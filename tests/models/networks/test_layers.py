"""Classical classifiers on the layers of a fitted network."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.svm import SVC

from motor_bids_app.models.networks.deep import NetworkClassifier
from motor_bids_app.models.networks.ensemble import MapEnsembleClassifier
from motor_bids_app.models.networks.layers import (
    CLASSIFIERS,
    LAYERS,
    build_classifier,
    layer_predictions,
    layered_network,
    poor_score,
)
from motor_bids_app.models.tables.recalibration import RecalibratedClassifier

SMALL = {
    "widths": (4, 4, 8, 8),
    "n_residuals": 1,
    "hidden": 8,
    "learning_rate": 0.02,
    "epochs": 8,
}
TRAIN, TEST = np.arange(24), np.arange(24, 36)


@pytest.fixture(scope="module")
def network(make_samples, outcome):
    y = outcome("classification")
    return NetworkClassifier(**SMALL).fit(make_samples()[TRAIN], y[TRAIN])


@pytest.fixture(scope="module")
def found(network, make_samples, outcome):
    samples, y = make_samples(), outcome("classification")
    return layer_predictions(network, samples[TRAIN], y[TRAIN], samples[TEST], CLASSIFIERS, 0)


def test_every_classifier_finds_planted_damage_in_every_layer(found, outcome):
    truth = outcome("classification")[TEST]
    assert set(found) == {(name, layer) for name in CLASSIFIERS for layer in LAYERS}
    for values in found.values():
        assert ((values >= 0) & (values <= 1)).all()
        assert roc_auc_score(truth, values) > 0.7


def test_a_tested_person_changes_nothing_for_another(network, found, samples, outcome):
    """Classifiers learn from the training people alone: whoever else is tested does not matter."""
    y = outcome("classification")
    alone = layer_predictions(network, samples[TRAIN], y[TRAIN], samples[TEST[3:4]], CLASSIFIERS, 0)
    for key, values in alone.items():
        assert values[0] == pytest.approx(found[key][3], abs=1e-5)


def test_the_rarer_class_weighs_as_much_as_the_other():
    """Equal features say nothing: repeated rows bring the share of poor to one half."""
    labels = np.array([1, 0, 0, 0])
    rows = np.array([0, 1, 2, 3, 0, 0])
    features = np.zeros((4, 2), dtype=np.float32)
    tree = build_classifier("tree", 0).fit(features[rows], labels[rows])
    assert poor_score(tree, features)[0] == pytest.approx(0.5)


def test_score_of_the_support_vector_machine_keeps_order_and_class():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(40, 3)).astype(np.float32)
    labels = (features[:, 0] > 0).astype(int)
    model = build_classifier("svm", 0).fit(features, labels)
    score = poor_score(model, features)
    plain = SVC().fit((features - features.mean(0)) / features.std(0), labels)
    np.testing.assert_array_equal(score >= 0.5, plain.predict(model[0].transform(features)) == 1)
    order = plain.decision_function(model[0].transform(features))
    np.testing.assert_allclose(np.argsort(score), np.argsort(order))


def test_only_a_network_of_all_maps_has_such_layers():
    ensemble = MapEnsembleClassifier()
    ensemble.networks_ = []
    assert layered_network(ensemble) is None
    recalibrated = RecalibratedClassifier()
    recalibrated.model_ = NetworkClassifier()
    assert layered_network(recalibrated) is recalibrated.model_
