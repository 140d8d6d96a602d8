import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, PredefinedSplit

from motor_bids_app.evaluation.permutation import (
    PermutationTest,
    _blind_folds,
    exchangeable,
    permutation_test,
)

N = 40
PENALTIES = (0.1, 1.0, 10.0)


def linear(values):
    """Products of deviations from the mean of the fitting people."""

    def products(fit, judged, outer):
        ours, theirs = values[fit], values[judged]
        mean = ours.mean(axis=0)
        return (ours - mean) @ (ours - mean).T, (theirs - mean) @ (ours - mean).T

    return products


def cohort(signal, seed, n=N):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 6))
    latent = signal * values[:, 0] + rng.normal(size=n)
    return values, (latent > np.median(latent)).astype(float), latent


def folds_of(tests, n):
    fold = np.empty(n, dtype=int)
    for number, test in enumerate(tests):
        fold[test] = number
    return fold


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_value_is_that_of_nested_cross_validation_by_scikit_learn(task):
    values, poor, latent = cohort(1.0, 3)
    y = poor if task == "classification" else latent
    nobody = np.zeros(N, bool)
    test = permutation_test(
        linear(values),
        y,
        task=task,
        penalties=PENALTIES,
        controls=nobody,
        n_permutations=3,
        repeats=1,
        seed=5,
    )

    predicted, right, pairs = np.empty(N), 0, 0
    for tested in _blind_folds(nobody, 5, 1, 5):
        fit = np.setdiff1d(np.arange(N), tested)
        inner = PredefinedSplit(folds_of(_blind_folds(nobody[fit], 5, 1, 5), len(fit)))
        # Equal folds: the mean of the folds' errors ranks penalties as their sum does.
        search = GridSearchCV(
            Ridge(), {"alpha": PENALTIES}, cv=inner, scoring="neg_mean_squared_error"
        )
        predicted[tested] = search.fit(values[fit], y[fit]).predict(values[tested])
        if task == "classification" and 0 < y[tested].sum() < len(tested):
            weight = y[tested].sum() * (1 - y[tested]).sum()
            right += weight * roc_auc_score(y[tested], predicted[tested])
            pairs += weight
    expected = right / pairs if task == "classification" else r2_score(y, predicted)
    assert test.value == pytest.approx(expected)


@pytest.mark.parametrize("n_controls", [0, 8])
def test_more_folds_than_people_do_not_hide_what_is_there(n_controls):
    values, poor, _ = cohort(5.0, 0)
    test = permutation_test(
        linear(values),
        poor,
        task="classification",
        penalties=(1.0,),
        n_permutations=99,
        controls=(np.arange(N) < n_controls) & (poor == 0),
        folds=60,
        repeats=8,
    )

    assert test.value > 0.8
    assert test.p_value <= 0.02


def test_a_permuted_value_is_the_value_of_the_permuted_labels():
    values, poor, _ = cohort(1.0, 3)
    settings = {"task": "classification", "penalties": PENALTIES, "controls": np.zeros(N, bool)}
    settings |= {"repeats": 2, "seed": 1}
    null = permutation_test(linear(values), poor, n_permutations=1, **settings).null
    permuted = np.random.default_rng(1).permuted(poor[:, None], axis=0)[:, 0]

    again = permutation_test(linear(values), permuted, n_permutations=1, **settings)
    assert again.value == pytest.approx(null[0])


def test_p_is_uniform_where_there_is_nothing_and_small_where_there_is_something():
    found = {}
    for signal in (0.0, 2.0):
        found[signal] = []
        for seed in range(60):
            values, poor, _ = cohort(signal, seed)
            found[signal].append(
                permutation_test(
                    linear(values),
                    poor,
                    task="classification",
                    penalties=(1.0,),
                    controls=np.zeros(N, bool),
                    n_permutations=99,
                    repeats=2,
                    seed=seed,
                ).p_value
            )

    assert stats.kstest(found[0.0], "uniform").pvalue > 0.01
    assert np.mean(np.array(found[2.0]) < 0.05) > 0.9


def test_telling_controls_apart_is_no_success_as_long_as_they_are_called_controls():
    rng = np.random.default_rng(0)
    controls = np.arange(80) < 40
    values = rng.normal(size=(80, 6)) + 3 * controls[:, None]
    poor = np.where(controls, 0, rng.integers(0, 2, 80)).astype(float)
    p = {
        named: permutation_test(
            linear(values),
            poor,
            task="classification",
            penalties=(1.0,),
            controls=controls & named,
            n_permutations=99,
            repeats=2,
        ).p_value
        for named in (False, True)
    }

    assert p[False] == 0.01
    assert p[True] > 0.05


def test_sites_that_are_left_out_are_the_test_sets():
    values, poor, _ = cohort(1.0, 3)
    nobody = np.zeros(N, bool)
    settings = {"task": "classification", "penalties": PENALTIES, "controls": nobody}
    settings |= {"n_permutations": 5, "repeats": 1}
    drawn = permutation_test(linear(values), poor, seed=5, **settings)
    sets = _blind_folds(nobody, 5, 1, 5)
    given = permutation_test(linear(values), poor, seed=5, test_sets=sets[::-1], **settings)
    other = permutation_test(
        linear(values), poor, seed=5, test_sets=[np.arange(20), np.arange(20, 40)], **settings
    )

    assert given.value == pytest.approx(drawn.value)
    assert other.value != pytest.approx(drawn.value)


def test_telling_scanners_apart_is_no_success_where_labels_are_permuted_within_sites():
    """Sites with 70 and 30 % poor outcomes, whose scanners differ; nothing else is there."""
    site = np.repeat([0, 1], 30)
    p = {named: [] for named in (False, True)}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=(60, 3)) + 2.0 * site[:, None]
        poor = (rng.random(60) < np.where(site == 1, 0.3, 0.7)).astype(float)
        for named, found in p.items():
            test = permutation_test(
                linear(values),
                poor,
                task="classification",
                penalties=(1.0,),
                controls=np.zeros(60, bool),
                n_permutations=49,
                repeats=1,
                seed=seed,
                sites=site if named else None,
            )
            found.append(test.p_value)

    assert np.mean(np.array(p[False]) <= 0.04) > 0.4
    assert stats.kstest(p[True], "uniform").pvalue > 0.01


def test_labels_stay_in_their_site():
    controls = np.arange(12) >= 10
    sites = np.array(["a", "b", "b", "c"] * 3)
    groups = exchangeable(controls, sites)
    left_out = exchangeable(controls, None, [np.flatnonzero(sites == s) for s in "abc"])

    assert [sites[members].tolist() for members in groups] == [["a"] * 3, ["b"] * 5, ["c"] * 2]
    assert [members.tolist() for members in left_out] == [members.tolist() for members in groups]


def test_the_band_of_chance_is_that_of_permuted_labels():
    null = np.random.default_rng(0).normal(0.5, 0.1, 5000)

    assert PermutationTest(0.6, null).noise_floor == pytest.approx(0.196, rel=0.03)
