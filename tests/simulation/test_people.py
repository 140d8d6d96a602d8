"""What images and what EEG and EMG show of the score."""

import numpy as np
import pytest

from motor_bids_app.simulation.impairment import CLEAN_MEAN, CLEAN_SPREAD, clean_score
from motor_bids_app.simulation.people import draw_cohort, draw_person

N = 150


@pytest.fixture(scope="module")
def plain():
    return draw_cohort(N, 0, seed=5)


def by_damage(people):
    return np.array([clean_score(person.damage, person.age) for person in people])


def correlation(first, second):
    return np.corrcoef(first, second)[0, 1]


def test_the_constants_are_those_of_the_patients(plain):
    clean = by_damage(plain)

    assert clean.mean() == pytest.approx(CLEAN_MEAN, abs=4 * clean.std() / np.sqrt(N))
    assert clean.std() == pytest.approx(CLEAN_SPREAD, rel=0.25)


def test_without_a_share_capacity_follows_the_damage(plain):
    capacity = [person.capacity[0] for person in plain]

    assert np.argsort(capacity).tolist() == np.argsort([p.clean[0] for p in plain]).tolist()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_images_and_capacity_decide_their_shares_independently(share):
    people = [draw_person(n, "patient", 5, physiology_share=share) for n in range(N)]
    clean = np.array([person.clean[0] for person in people])
    capacity = np.array([person.capacity[0] for person in people])

    assert correlation(clean, capacity) ** 2 == pytest.approx(share, abs=0.12)
    assert correlation(clean, by_damage(people)) ** 2 == pytest.approx(1 - share, abs=0.12)
    assert abs(correlation(by_damage(people), capacity)) < 0.2


def test_a_share_leaves_persons_and_lesions_as_they_are(plain):
    shared = draw_cohort(10, 0, seed=5, physiology_share=0.5)

    assert [p.damage for p in shared] == [p.damage for p in plain[:10]]
    assert [p.age for p in shared] == [p.age for p in plain[:10]]


@pytest.mark.parametrize("share", [0.0, 0.7])
def test_of_a_recovery_everybody_wins_back_the_share_and_first_scores_stay(plain, share):
    people = draw_cohort(60, 1, seed=5, n_sessions=2, recovery=share)
    first, later = np.array([person.scores for person in people[:60]]).T
    won, room = later - first, share * (66 - first)

    inside = (later > 0) & (later < 66)
    assert (won - room)[inside].mean() == pytest.approx(0, abs=1.5)
    assert (won - room)[inside].std() == pytest.approx(4, abs=1.2)
    assert first.tolist() == [person.scores[0] for person in plain[:60]]
    assert all(2.5 < person.months * 30.44 < 14.5 for person in people[:60])
    assert people[60].scores == draw_person(60, "control", 5, n_sessions=2).scores


def test_scores_of_leg_and_arm_show_one_impairment(plain):
    arm = np.array([person.scores[0] for person in plain])
    leg = np.array([person.leg_scores[0] for person in plain])

    assert correlation(arm, leg) > 0.35
    assert leg.min() >= 0
    assert leg.max() <= 34
