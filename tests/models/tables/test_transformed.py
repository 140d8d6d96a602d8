import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import DataError
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.catalog import build_model
from motor_bids_app.models.store import load_bundle, save_bundle
from motor_bids_app.models.tables.transformed import TransformedRegressor, restored, transformed

N = 80


@pytest.fixture(scope="module")
def people():
    """People whose score grows with the exponential of their tract load."""
    random = np.random.default_rng(0)
    load = random.uniform(0, 3, N)
    table = pd.DataFrame(
        {
            "participant_id": [f"sub-{k}" for k in range(N)],
            "tract_load": load,
            "tract_load_weighted": load / 10,
        }
    )
    return Samples(table), np.expm1(load + random.normal(0, 0.1, N)).clip(0)


@pytest.mark.parametrize("transform", ["none", "log1p", "sqrt"])
def test_scores_come_back_from_every_scale(transform):
    scores = np.array([0, 0.5, 7, 42, 66])

    np.testing.assert_allclose(restored(transformed(scores, transform), transform), scores)


@pytest.mark.parametrize("transform", ["log1p", "sqrt"])
def test_scores_below_0_are_refused(transform):
    with pytest.raises(DataError, match="there is -3"):
        transformed([4, -3, np.nan], transform)


def test_what_is_exponential_is_learned_on_a_logarithmic_scale(people):
    samples, score = people
    plain = build_model("tract_load", task="regression")
    model = TransformedRegressor(plain, "log1p").fit(samples[:50], score[:50])

    error = np.abs(model.predict(samples[50:]) - score[50:]).mean()
    assert error < 0.5 * np.abs(plain.fit(samples, score).predict(samples[50:]) - score[50:]).mean()


def test_predictions_stay_within_the_range_of_the_score(people):
    samples, score = people
    plain = build_model("tract_load", task="regression")
    far = Samples(samples.table.assign(tract_load=np.linspace(-20, 20, N)))

    told = TransformedRegressor(plain, "log1p", (0, 42)).fit(samples, score).predict(far)

    assert (told.min(), told.max()) == (0, 42)


def test_a_bundle_gives_scores_in_their_own_unit(people, tmp_path):
    samples, score = people
    plain = build_model("tract_load", task="regression", bounds=(0, np.log1p(42)))
    model = TransformedRegressor(plain, "sqrt", (0, 42)).fit(samples, score)
    save_bundle(tmp_path, model, {"target": "nihss"})

    loaded, _ = load_bundle(tmp_path)

    np.testing.assert_allclose(loaded.predict(samples), model.predict(samples))
    assert (loaded.transform, loaded.bounds) == ("sqrt", (0, 42))
