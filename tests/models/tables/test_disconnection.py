import numpy as np
import pandas as pd
import pytest

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.catalog import build_model, needs
from motor_bids_app.models.tables.disconnection import disconnection_features

COLUMNS = ("age", "disconnection_fornix_left", "disconnection_fornix_right", "disconnection_vermis")
N = 120


@pytest.fixture(scope="module")
def people():
    """People whose score falls with the square root of what is cut of the worse fornix."""
    random = np.random.default_rng(0)
    left, right, vermis = random.uniform(0, 1, (3, N)) * random.integers(0, 2, (3, N))
    table = pd.DataFrame(
        {
            "participant_id": [f"sub-{k}" for k in range(N)],
            "age": random.normal(60, 10, N),
            "sex": random.integers(0, 2, N).astype(float),
            "time_since_stroke": np.nan,
            "lesion_volume": random.exponential(20, N),
            **dict(zip(COLUMNS[1:], (left, right, vermis), strict=True)),
        }
    )
    score = 60 - 40 * np.sqrt(np.fmax(left, right)) + random.normal(0, 2, N)
    return Samples(table), score


def test_the_worse_of_both_sides_counts_as_its_root():
    table = pd.DataFrame([["sub-1", 60, 0.04, 0.25, 0.09], ["sub-2", 50, 0.36, 0, 1]])
    table.columns = ["participant_id", *COLUMNS]

    features = disconnection_features(Samples(table), COLUMNS)

    np.testing.assert_allclose(features, [[60, 0.5, 0.3], [50, 0.6, 1]])


def test_a_bundle_known_on_one_side_alone_counts_as_it_is():
    table = pd.DataFrame([["sub-1", np.nan, 0.25]], columns=["participant_id", *COLUMNS[1:3]])

    features = disconnection_features(Samples(table), COLUMNS[1:3])

    np.testing.assert_allclose(features, [[0.5]])


def test_what_is_missing_of_a_control_is_nothing_and_of_a_patient_unknown():
    table = pd.DataFrame([["sub-1", "control", np.nan], ["sub-2", "patient", np.nan]])
    table.columns = ["participant_id", "group", COLUMNS[3]]

    features = disconnection_features(Samples(table), COLUMNS[3:])

    np.testing.assert_array_equal(features, [[0], [np.nan]])


def test_a_score_that_follows_a_bundle_is_predicted_in_others(people):
    samples, score = people
    model = build_model("disconnection", task="regression").fit(samples[:80], score[:80])

    assert np.corrcoef(model.predict(samples[80:]), score[80:])[0, 1] > 0.9


def test_sides_can_be_exchanged_without_effect(people):
    samples, score = people
    model = build_model("disconnection", task="regression").fit(samples, score)
    other = samples.table.rename(columns=dict(zip(COLUMNS[1:3], COLUMNS[2:0:-1], strict=True)))

    np.testing.assert_allclose(model.predict(Samples(other)), model.predict(samples))


def test_classes_have_probabilities_that_follow_the_bundle(people):
    samples, score = people
    poor = (score < 35).astype(int)
    model = build_model("disconnection", task="classification").fit(samples[:80], poor[:80])

    told = model.predict_proba(samples[80:])[:, 1]
    assert told[poor[80:] == 1].mean() > told[poor[80:] == 0].mean() + 0.4


def test_without_bundles_the_rung_says_what_it_lacks(people):
    samples, _ = people
    bare = samples.table.drop(columns=list(COLUMNS[1:]))

    assert needs("disconnection").unmet(bare) == [
        "time_since_stroke",
        "shares of bundles that a lesion cuts",
    ]
