import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from motor_bids_app.simulation.impairment import POOR_BELOW
from motor_bids_app.simulation.people import draw_cohort
from motor_bids_app.simulation.tabular import population_truth, simulate_table


@pytest.fixture(scope="module")
def table():
    return simulate_table(250, 0, seed=8)


@pytest.fixture(scope="module")
def truth():
    return population_truth(0.2, n_sessions=2, size=250)


def test_same_seed_gives_the_same_people(table):
    again = simulate_table(250, 0, seed=8)

    assert again.equals(table)
    assert not simulate_table(5, 0, seed=9).equals(table.head(5))


def test_people_do_not_depend_on_how_many_there_are(table):
    columns = ["age", "lesion_volume", "fma_ue"]

    assert simulate_table(5, 0, seed=8)[columns].equals(table[columns].head(5))


def test_true_probabilities_reach_the_ceiling_on_new_people(table, truth):
    reached = roc_auc_score(table["fma_ue"] < POOR_BELOW, table["poor_probability"])

    assert reached == pytest.approx(truth["patients_session1"]["bayes_auc"], abs=0.06)


def test_task_is_neither_trivial_nor_hopeless(truth):
    patients = truth["patients_session1"]

    assert 0.85 < patients["bayes_auc"] < 0.92
    assert 0.3 < patients["poor_share"] < 0.5
    assert patients["bayes_auc"] - 0.03 < patients["auc_tract_load"] < patients["bayes_auc"]


def test_healthy_people_make_the_task_easier(truth):
    assert truth["everyone"]["bayes_auc"] > truth["patients"]["bayes_auc"]


def test_people_are_better_after_rehabilitation(truth):
    assert truth["patients_session2"]["poor_share"] < truth["patients_session1"]["poor_share"]


def test_shuffled_scores_cannot_be_predicted():
    truth = population_truth(0.0, shuffled=True, size=60)

    assert truth["patients"]["bayes_auc"] == pytest.approx(0.5)
    assert truth["patients"]["bayes_r2"] == pytest.approx(0)


def test_shuffling_keeps_scores_and_leaves_controls_alone():
    plain = draw_cohort(30, 5, seed=1, n_sessions=2)
    shuffled = draw_cohort(30, 5, seed=1, n_sessions=2, shuffle_scores=True)

    scores = [[person.scores for person in people] for people in (plain, shuffled)]
    assert scores[0][:30] != scores[1][:30]
    assert sorted(scores[0][:30]) == sorted(scores[1][:30])
    assert scores[0][30:] == scores[1][30:]


def test_controls_have_no_stroke():
    controls = simulate_table(2, 3, seed=0).query("group == 'control'")

    assert controls["time_since_stroke"].isna().all()
    assert controls["lesion_side"].isna().all()
    assert (controls["lesion_volume"] == 0).all()
    assert np.isnan(controls["clean_score"]).all()
