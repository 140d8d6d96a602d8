"""Models of lesion maps: what they learn, and what they must not see."""

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import Volumes, VolumeStore
from motor_bids_app.models.catalog import build_model
from motor_bids_app.spaces.grids import Grid

SHAPE = (20, 12, 10)
N = 90


def cohort(seed=0, side="both"):
    """People whose score is low if their lesion is in front, on either side."""
    random = np.random.default_rng(seed)
    store = VolumeStore.empty(N, ("lesion",), Grid(SHAPE, np.diag([4.0, 4, 4, 1])))
    store.present[:] = True
    front = random.integers(0, 2, N)
    left = random.integers(0, 2, N) if side == "both" else np.full(N, side == "left")
    for row in range(N):
        x, y = (2 if left[row] else 14) + random.integers(0, 2), 8 if front[row] else 1
        store.data[row, 0, x : x + 3, y : y + 3, 3:6] = 1
    table = pd.DataFrame(
        {
            "participant_id": [f"sub-{seed}-{k}" for k in range(N)],
            "age": random.normal(60, 10, N),
            "sex": random.integers(0, 2, N).astype(float),
            "time_since_stroke": np.nan,
            "lesion_volume": random.exponential(20, N),
            "disconnection_vermis": random.uniform(0, 1, N),
        }
    )
    return Samples(table, store.volumes()), 50 - 20 * front + random.normal(0, 2, N)


@pytest.mark.parametrize("name", ["lesion_map", "lesion_gp"])
def test_the_place_of_a_lesion_tells_of_the_score(name):
    samples, score = cohort()
    model = build_model(name, task="regression").fit(samples[:60], score[:60])

    assert np.corrcoef(model.predict(samples[60:]), score[60:])[0, 1] > 0.9


@pytest.mark.parametrize("name", ["lesion_map", "lesion_gp"])
def test_the_place_of_a_lesion_tells_of_the_class(name):
    samples, score = cohort()
    poor = (score < 40).astype(int)
    model = build_model(name, task="classification").fit(samples[:60], poor[:60])

    told = model.predict_proba(samples[60:])[:, 1]
    assert told[poor[60:] == 1].min() > told[poor[60:] == 0].max()


def test_what_is_learned_on_one_side_is_used_on_the_other():
    (ours, score), (theirs, truth) = cohort(0, "left"), cohort(1, "right")
    model = build_model("lesion_map", task="regression").fit(ours, score)

    assert np.corrcoef(model.predict(theirs), truth)[0, 1] > 0.8


def test_a_new_store_is_predicted_as_the_same_scans_of_the_old_one():
    samples, score = cohort()
    model = build_model("lesion_map", task="regression").fit(samples[:60], score[:60])
    old = samples.volumes.store
    store = VolumeStore(old.data[60:], old.maps, old.grid, old.present[60:])

    apart = Samples(samples.table[60:], store.volumes())

    np.testing.assert_allclose(model.predict(apart), model.predict(samples[60:]), rtol=1e-3)


@pytest.mark.parametrize("name", ["lesion_map", "lesion_gp"])
def test_who_has_no_mask_is_given_what_columns_say(name):
    samples, score = cohort()
    volumes = samples.volumes
    volumes.store.present[80:] = False
    model = build_model(name, task="regression").fit(samples[:60], score[:60])

    given = model.predict(samples[80:])
    assert np.isfinite(given).all()
    assert np.ptp(given) < np.ptp(model.predict(samples[60:80])) / 2


def test_the_order_of_people_does_not_matter_to_the_process():
    samples, score = cohort()
    order = np.random.default_rng(1).permutation(60)
    ones, others = (
        build_model("lesion_gp", task="regression").fit(samples[rows], score[rows])
        for rows in (np.arange(60), order)
    )

    np.testing.assert_allclose(
        ones.predict(samples[60:]), others.predict(samples[60:]), rtol=1e-2, atol=0.1
    )


def test_noise_is_not_taken_for_signal():
    """Variances of the likeliest process leave a score that follows nothing to its mean."""
    samples, _ = cohort()
    score = np.random.default_rng(3).normal(50, 10, N)
    model = build_model("lesion_gp", task="regression").fit(samples[:60], score[:60])

    assert model.predict(samples[60:]).std() < 5


def test_a_mask_keeps_what_is_outside_from_the_model():
    samples, score = cohort()
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:, :6] = True
    model = build_model("lesion_map", task="regression", mask=mask).fit(samples, score)
    changed = VolumeStore.empty(N, ("lesion",), samples.volumes.grid)
    changed.data[:], changed.present[:] = samples.volumes.store.data, True

    whole = model.predict(samples)
    changed.data[:, :, :, 7:] = changed.data[:, :, ::-1, 7:]  # outside, to the other side

    np.testing.assert_allclose(
        model.predict(Samples(samples.table, Volumes(changed, np.arange(N)))), whole, rtol=1e-2
    )
