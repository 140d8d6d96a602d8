import numpy as np
import pandas as pd
import pytest

from motor_bids_app.simulation.scores import make_dirty
from motor_bids_app.simulation.tabular import simulate_table


@pytest.fixture(scope="module")
def clean():
    return simulate_table(40, 10, seed=2)


def test_side_is_that_of_the_body_in_other_words(clean):
    dirty, dictionary = make_dirty(clean, np.random.default_rng(0))

    patients = clean["group"] == "patient"
    assert (dirty["affected_hand"] != clean["lesion_side"])[patients].all()
    assert dirty["affected_hand"][~patients].isna().all()
    assert "hand" in dictionary["affected_hand"]["Levels"]["left"]


def test_a_few_ages_and_scores_are_missing_and_the_others_kept(clean):
    dirty, _ = make_dirty(pd.concat([clean] * 20), np.random.default_rng(0))

    gaps = dirty[["Age_years", "FMA-UE"]].isna().mean()
    kept = dirty["FMA-UE"].dropna()
    assert gaps.between(0.02, 0.08).all()
    assert set(kept) <= set(clean["fma_ue"])


def test_every_code_is_declared(clean):
    dirty, dictionary = make_dirty(clean, np.random.default_rng(0))

    for name in ("Cohort", "Gender"):
        assert set(dirty[name]) <= set(dictionary[name]["Levels"])
    assert dictionary["days_post_stroke"]["Units"] == "days"


def test_the_clean_table_stays_as_it_is(clean):
    before = clean.copy()

    make_dirty(clean, np.random.default_rng(0))

    pd.testing.assert_frame_equal(clean, before)
