"""Subsets of maps from stored predictions."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from motor_bids_app.evaluation.subsets import score_subsets

PEOPLE = [f"sub-{k:02d}" for k in range(20)]


@pytest.fixture
def truth():
    return pd.Series(np.tile([0, 1], 10), index=pd.Index(PEOPLE, name="participant_id"))


@pytest.fixture
def table(truth):
    """Probabilities of three maps in one test set, by two trainings."""
    random, parts = np.random.default_rng(0), []
    for name in ("fa", "gm", "wm"):
        for training in (1, 2):
            prediction = np.clip(0.5 + 0.2 * (truth - 0.5) + random.normal(0, 0.2, 20), 0, 1)
            parts.append(
                pd.DataFrame(
                    {
                        "map": name,
                        "repeat": 1,
                        "fold": 1,
                        "training": training,
                        "participant_id": PEOPLE,
                        "prediction": prediction.to_numpy(),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def test_every_subset_is_scored_once(table, truth):
    scores = score_subsets(table, truth, "classification")
    assert scores[scores["metric"] == "roc_auc"]["maps"].nunique() == 7


@pytest.mark.parametrize("subset", [("gm",), ("fa", "wm"), ("fa", "gm", "wm")])
def test_score_is_that_of_the_mean_probability(subset, table, truth):
    scores = score_subsets(table, truth, "classification").set_index(["maps", "metric"])["value"]
    mean = table[table["map"].isin(subset)].groupby("participant_id")["prediction"].mean()
    expected = roc_auc_score(truth, mean[truth.index])
    assert scores[" + ".join(subset), "roc_auc"] == pytest.approx(expected)
