"""Rungs that are not linear: they see what linear ones cannot, and are told apart from training."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.gaussian_process.kernels import RBF
from sklearn.metrics import roc_auc_score

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.catalog import build_model

N = 160
TRAIN, TEST = np.arange(N // 2), np.arange(N // 2, N)


@pytest.fixture(scope="module")
def crossed():
    """People whose outcome is the product of age and lesion volume, which no line can follow."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(N, 2)), columns=["age", "tract_load"])
    table["participant_id"] = [f"sub-{i:03d}" for i in range(N)]
    table["group"] = "patient"
    for name in ("sex", "time_since_stroke", "lesion_volume"):
        table[name] = 0.0
    table.loc[::17, "age"] = np.nan
    score = table["age"].fillna(0).to_numpy() * table["tract_load"].to_numpy()
    return Samples(table), score


@pytest.mark.parametrize("name", ["rbf", "boosting"])
def test_an_interaction_is_seen_that_a_linear_model_cannot_see(name, crossed):
    samples, score = crossed
    poor = (score > 0).astype(int)
    found = {}
    for rung in (name, "combined"):
        model = build_model(rung, task="classification").fit(samples[TRAIN], poor[TRAIN])
        found[rung] = roc_auc_score(poor[TEST], model.predict_proba(samples[TEST])[:, 1])
    assert found[name] > 0.75 > 0.65 > found["combined"]


@pytest.mark.parametrize("name", ["rbf", "boosting"])
def test_a_bend_is_seen_that_a_linear_model_cannot_see(name, crossed):
    samples, _ = crossed
    bent = samples.table["tract_load"].abs().to_numpy()
    found = {}
    for rung in (name, "combined"):
        model = build_model(rung, task="regression").fit(samples[TRAIN], bent[TRAIN])
        found[rung] = spearmanr(bent[TEST], model.predict(samples[TEST])).statistic
    assert found[name] > 0.7 > 0.3 > found["combined"]


def test_products_of_the_waves_are_the_radial_kernel(crossed):
    samples, score = crossed
    model = build_model("rbf", task="regression").fit(samples[TRAIN], score[TRAIN])
    *scaling, (_, machine) = model.pipeline_.steps
    features = model._features(samples[TRAIN])
    for _, step in scaling:
        features = step.transform(features)
    waves = machine[0].transform(features)
    varying = int((features.std(axis=0) > 0).sum())

    kernel = RBF(np.sqrt(varying / 2))(features)

    assert np.abs(waves @ waves.T - kernel).mean() < 0.06


@pytest.mark.parametrize("name", ["rbf", "boosting"])
def test_the_same_people_and_seed_give_the_same_model(name, crossed):
    samples, score = crossed
    twice = [build_model(name, task="regression").fit(samples, score) for _ in range(2)]
    first, second = (model.predict(samples) for model in twice)
    assert (first == second).all()
