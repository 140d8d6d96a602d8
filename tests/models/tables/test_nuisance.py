"""The rung of what is no biology: it sees gaps, quality and site, and nothing else."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from motor_bids_app.features.samples import Samples
from motor_bids_app.models.tables.nuisance import (
    NuisanceClassifier,
    NuisanceRegressor,
    distinct,
    nuisance_columns,
)

N = 60
POOR = np.arange(N) % 2


def samples(**columns):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "participant_id": [f"sub-{i:02d}" for i in range(N)],
            "group": "patient",
            "age": rng.normal(60, 10, N),
            "lesion_volume": rng.uniform(1, 9, N),
            "snr_wm": rng.normal(10, 2, N),
        }
        | columns
    )
    return Samples(table)


def auc(given):
    half = np.arange(N) < N // 2
    model = NuisanceClassifier().fit(given[half], POOR[half])
    return roc_auc_score(POOR[~half], model.predict_proba(given[~half])[:, 1])


@pytest.mark.parametrize(
    "telling",
    [
        {"age": np.where(POOR == 1, np.nan, 60.0)},
        {"snr_b0": 10 + 3.0 * POOR},
        {"lesion_coregistration_similarity": 0.5 + 0.1 * POOR},
        {"site": np.where(POOR == 1, "A", "B")},
        {"scanner": np.where(POOR == 1, "Siemens Prisma 3 T", None)},
        {"lesion_mask": np.where(POOR == 1, "given", "none")},
    ],
    ids=["gaps", "quality", "place", "site", "scanner", "mask"],
)
def test_what_is_no_biology_but_tells_the_outcome_is_found(telling):
    assert auc(samples(**telling)) == 1


def test_biology_is_not_seen():
    damage = samples(
        lesion_volume=1 + 9.0 * POOR,
        age=60 + 9.0 * POOR,
        gm_wm_ratio=1.5 - POOR,
        brain_dice=0.9 - 0.1 * POOR,  # atrophy and lesions change it too
        snr_wm=10 - 3.0 * POOR,
    )
    assert auc(damage) == pytest.approx(auc(samples()))


def test_controls_play_no_part():
    healthy = np.arange(N) >= 40
    given = samples(
        group=np.where(healthy, "control", "patient"), age=np.where(healthy, np.nan, 60.0)
    )
    with_them = NuisanceClassifier().fit(given, np.where(healthy, 0, POOR))
    without = NuisanceClassifier().fit(given[~healthy], POOR[~healthy])

    both = [model.predict_proba(given)[:, 1] for model in (with_them, without)]
    np.testing.assert_allclose(*both)


def test_a_site_that_was_not_learned_is_no_site():
    given = samples(site=np.where(np.arange(N) < 40, np.where(POOR == 1, "A", "B"), "C"))
    model = NuisanceClassifier().fit(given[:40], POOR[:40])

    names, values = nuisance_columns(given, model.sites_)
    of_sites = [k for k, name in enumerate(names) if name.startswith("site")]
    assert (values[40:, of_sites] == 0).all()
    assert np.isfinite(model.predict_proba(given)).all()


def test_nothing_that_varies_gives_everyone_the_mean():
    flat = Samples(samples().table[["participant_id", "group", "age", "lesion_volume"]])
    score = np.arange(N, dtype=float)

    assert (NuisanceRegressor().fit(flat, score).predict(flat) == score.mean()).all()
    assert (NuisanceClassifier().fit(flat, POOR).predict_proba(flat) == 0.5).all()


def test_columns_with_the_same_gaps_count_once():
    values = np.array([[0, 0, 1, np.nan], [1, 1, 1, 2], [0, 0, 1, 2.0]])
    assert distinct(values).tolist() == [0]
