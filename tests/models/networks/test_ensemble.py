"""Networks per map, and the choice among their ensembles."""

import numpy as np
import pytest

from motor_bids_app.models.networks.ensemble import (
    MapEnsembleClassifier,
    choose_subset,
    log_loss,
    squared_error,
    subsets,
)
from motor_bids_app.models.networks.networks import count_parameters

SMALL = {"widths": (2, 2, 2, 8), "n_residuals": 0, "hidden": 4, "epochs": 1}


@pytest.fixture(scope="module")
def model(make_samples, outcome):
    settings = SMALL | {"validation_share": 0.5}
    return MapEnsembleClassifier(**settings).fit(make_samples(), outcome("classification"))


def test_six_maps_have_63_subsets():
    assert len(set(subsets(("fa", "md", "rd", "ad", "gm", "wm")))) == 63


def test_choice_has_the_least_loss_of_all_and_prefers_fewer():
    y = np.array([0, 0, 1, 1])
    sure, useless = np.array([0.1, 0.2, 0.9, 0.8]), np.full(4, 0.5)
    predictions = np.column_stack([useless, sure, sure])
    assert choose_subset(("fa", "gm", "wm"), predictions, y, log_loss) == ("gm",)


def test_maps_whose_errors_cancel_are_chosen_together():
    y = np.array([10.0, 20, 30])
    predictions = y[:, None] + np.array([[3.0, -3], [-2, 2], [1, -1]])
    assert choose_subset(("fa", "gm"), predictions, y, squared_error) == ("fa", "gm")


def test_ensemble_is_the_mean_probability_of_the_chosen_maps(model, samples):
    columns = [model.maps_.index(name) for name in model.chosen_]
    expected = model.map_predictions(samples)[:, columns].mean(axis=1)
    np.testing.assert_allclose(model.predict_proba(samples)[:, 1], expected)


def test_each_map_has_a_network_with_attention_per_inner_fold(model):
    assert [len(networks) for networks in model.networks_] == [5, 5]
    network = model.networks_[1][0]
    assert network.maps_ == ("gm",)
    plain = network.set_params(attention=False)._network()
    assert count_parameters(network.network_) > count_parameters(plain)


def test_maps_are_chosen_by_people_whom_no_network_learned_from_or_stopped_by(
    make_samples, outcome, monkeypatch
):
    known, chosen_by = [], []

    class Recorder:
        def __init__(self, **settings: object) -> None:
            pass

        def fit(self, X, y):
            self.people = set(X.participants)
            assert len(X) == len(y)
            return self

        def predict(self, X):
            known.append(self.people)
            chosen_by.append(set(X.participants))
            return np.zeros(len(X))

    monkeypatch.setattr(MapEnsembleClassifier, "_kind", Recorder)
    samples = make_samples()

    MapEnsembleClassifier(**SMALL).fit(samples, outcome("classification"))

    assert not any(trained & judged for trained, judged in zip(known, chosen_by, strict=True))
    assert all(
        trained | judged == set(samples.participants)
        for trained, judged in zip(known, chosen_by, strict=True)
    )
    assert sum(map(len, chosen_by)) == 2 * len(samples)  # each once for either map
