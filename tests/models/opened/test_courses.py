"""Losses of the networks in fitted models."""

import numpy as np
import pytest

from motor_bids_app.models.networks.deep import NetworkClassifier
from motor_bids_app.models.networks.ensemble import MapEnsembleRegressor
from motor_bids_app.models.opened.courses import losses
from motor_bids_app.models.tables.classical import ConstantClassifier
from motor_bids_app.models.tables.recalibration import RecalibratedClassifier
from motor_bids_app.models.tables.transformed import TransformedRegressor

SMALL = {"widths": (2, 2, 4, 4), "n_residuals": 0, "hidden": 4, "learning_rate": 1e-3, "epochs": 3}


def test_a_network_has_one_course_also_under_recalibration(samples, outcome):
    y = outcome("classification")
    plain = NetworkClassifier(**SMALL, validation_share=0.4)
    for model in (plain, RecalibratedClassifier(plain, 0)):
        found = losses(model.fit(samples, y))
        assert found["epoch"].tolist() == [1, 2, 3]
        assert set(found["network"]) == {"all maps"}
        assert found.notna().all(axis=None)


def test_nobody_held_out_is_no_validation_loss(samples, outcome):
    found = losses(NetworkClassifier(**SMALL).fit(samples, outcome("classification")))
    assert found["validation_loss"].isna().all()


def test_each_map_of_an_ensemble_has_its_courses_also_of_transformed_scores(samples, outcome):
    y = np.abs(outcome("regression"))
    ensemble = MapEnsembleRegressor(**SMALL, validation_share=0.4)
    model = TransformedRegressor(ensemble, "log1p", (0.0, float(y.max()))).fit(samples, y)
    found = losses(model)
    folds = len(model.model_.networks_[0])
    counts = found[found["epoch"] == 1]["network"].value_counts()
    assert counts.to_dict() == {"fa": folds, "gm": folds}


def test_a_model_that_is_no_network_has_none(samples, outcome):
    assert losses(ConstantClassifier().fit(samples, outcome("classification"))).empty


@pytest.mark.parametrize("kind", ["slices"])
def test_fused_networks_are_named_by_what_they_see(kind, make_instances):
    pytest.importorskip("pytorchcv")
    from motor_bids_app.models.instances.fusion import FusionClassifier

    samples, scores = make_instances(n=12)
    model = FusionClassifier(modalities=(kind,), size=32, epochs=1, stop_after=0)
    found = losses(model.fit(samples, (scores > np.median(scores)) * 1))
    assert found["network"].tolist() == [kind]
