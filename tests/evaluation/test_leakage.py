import numpy as np
import pandas as pd
import pytest

from motor_bids_app.evaluation.leakage import (
    check_answers,
    check_near_duplicates,
    check_scores_of_scans,
    check_sessions_apart,
    check_sites,
    near_duplicates,
)

N = 20
LABELS = [f"sub-{i:02d}" for i in range(N)]


def grams(images):
    deviations = images - images.mean(axis=0)
    return (deviations @ deviations.T)[None]


def brains(seed=0):
    """20 images with much in common, as brains have."""
    rng = np.random.default_rng(seed)
    return 10 * rng.normal(size=500) + rng.normal(size=(N, 500))


@pytest.mark.parametrize(("noise", "found"), [(0.0, True), (0.2, True), (1.0, True), (4.0, False)])
def test_a_noisy_copy_under_another_name_is_found(noise, found):
    images = brains()
    images[7] = images[3] + noise * np.random.default_rng(1).normal(size=500)
    found_there = near_duplicates(grams(images), np.ones((N, 1), bool), LABELS, ["fa"])

    state = check_near_duplicates(*found_there)
    assert (state[2], state[4]) == (("failed", "sub-03, sub-07") if found else ("passed", None))


def test_a_person_under_three_names_is_found_beside_a_pair():
    images, rng = brains(), np.random.default_rng(1)
    for copy, of in ((7, 3), (9, 3), (12, 5)):
        images[copy] = images[of] + 0.4 * rng.normal(size=500)
    pairs, _ = near_duplicates(grams(images), np.ones((N, 1), bool), LABELS, ["fa"])

    found = {frozenset(pair) for pair in zip(pairs["first"], pairs["second"], strict=True)}
    triple = ["sub-03", "sub-07", "sub-09"]
    expected = {frozenset({a, b}) for a in triple for b in triple if a != b}
    assert found == {*expected, frozenset({"sub-05", "sub-12"})}


@pytest.mark.parametrize("seed", range(10))
def test_siblings_of_a_template_and_two_kinds_of_brain_are_not_called_one_person(seed):
    """Half of them share a trait, and all are mixtures of five patterns, as simulated heads are."""
    rng = np.random.default_rng(seed)
    patterns = rng.normal(size=(5, 500))
    images = rng.normal(size=(N, 5)) @ patterns + 0.3 * rng.normal(size=(N, 500))
    images[: N // 2] += 2 * rng.normal(size=500)

    assert near_duplicates(grams(images), np.ones((N, 1), bool), LABELS, ["fa"])[0].empty


def test_two_scans_of_one_person_may_be_alike():
    images = brains()
    images[7] = images[3]
    labels = [*LABELS[:7], LABELS[3], *LABELS[8:]]

    assert near_duplicates(grams(images), np.ones((N, 1), bool), labels, ["fa"])[0].empty


def test_where_no_map_is_of_enough_people_nothing_has_passed():
    present = np.arange(N)[:, None] < 7
    row = check_near_duplicates(*near_duplicates(grams(brains()), present, LABELS, ["fa"]))

    assert row[2] == "not checked"
    assert "no map of 8 people" in row[3]


@pytest.mark.parametrize(("noise", "state"), [(0.01, "warning"), (1.0, "passed")])
def test_a_column_made_from_the_score_is_named(noise, state):
    rng = np.random.default_rng(0)
    score = pd.Series(rng.normal(size=50))
    table = pd.DataFrame({"age": rng.normal(size=50), "change": 3 - score**3})
    table["change"] += noise * rng.normal(size=50)
    row = check_answers(table, score)

    assert row[2] == state
    assert ("change" in row[3]) == (state == "warning")


@pytest.mark.parametrize(("shift", "state"), [(20.0, "warning"), (0.0, "passed")])
def test_sites_with_other_outcomes_are_noted(shift, state):
    rng = np.random.default_rng(0)
    sites = pd.Series(rng.choice(["a", "b", "c"], 90))
    score = pd.Series(rng.normal(30, 15, 90)) + shift * (sites == "b")

    assert check_sites(sites, score, score)[2] == state


def test_a_site_that_imaged_the_controls_is_noted():
    rng = np.random.default_rng(0)
    sites = pd.Series(["a", "b"] * 30 + ["c"] * 30)  # all from 60 on are healthy
    score = pd.Series(rng.normal(30, 15, 60))
    truth = pd.Series(np.r_[score < 27, np.zeros(30)])

    alone = check_sites(sites[:60], score, truth[:60])
    row = check_sites(sites, score, truth)
    assert (alone[2], row[2]) == ("passed", "warning")
    assert "outcome of everyone" in row[3]


def test_one_site_is_no_finding():
    score = pd.Series(range(9), dtype=float)
    assert check_sites(pd.Series(["a"] * 9), score, score)[2] == "passed"


@pytest.mark.parametrize(
    ("labels", "state"),
    [
        (["sub-07pre", "sub-07post", "sub-08pre"], "warning"),
        (["sub-A12T1", "sub-A12T2"], "warning"),
        (["sub-07pre", "sub-08post", "sub-09"], "passed"),
        (["sub-01", "sub-02", "sub-11", "sub-12"], "passed"),
        (["sub-s1", "sub-s2"], "passed"),
    ],
)
def test_names_that_differ_in_a_session_only_are_noted(labels, state):
    assert check_sessions_apart(labels)[2] == state


@pytest.mark.parametrize(
    ("scores", "months", "state"),
    [
        ([20, 20], [3, 3], "warning"),  # measured once, given to both scans
        ([20, 20], [3, 6], "passed"),  # measured twice
        ([20, 35], [3, 3], "passed"),
    ],
)
def test_one_score_for_scans_of_two_sessions_is_noted(scores, months, state):
    scans = pd.DataFrame(
        {
            "participant_id": ["sub-1", "sub-1", "sub-2"],
            "session_id": ["ses-1", "ses-2", None],
            "time_since_stroke": [*months, 9],
            "fma_ue": [*scores, 50],
        }
    )
    row = check_scores_of_scans(scans, "fma_ue")

    assert (row[2], row[4]) == (state, "sub-1" if state == "warning" else None)


def test_people_of_whom_one_map_failed_alike_are_not_one_person():
    tissue, diffusion = brains(), brains(seed=2)
    tissue[7] = tissue[3] + 0.2 * np.random.default_rng(1).normal(size=500)
    both = np.concatenate([grams(tissue), grams(diffusion)])

    pairs, n_compared = near_duplicates(both, np.ones((N, 2), bool), LABELS, ["gm", "fa"])

    assert (len(pairs), n_compared) == (0, 2)
