import numpy as np
import pandas as pd
import pytest

from motor_bids_app.evaluation.confounds import (
    check_against_nuisance,
    check_gaps,
    check_nuisance,
    check_separation,
)

N = 32
CLASSES = pd.Series(np.arange(N) % 2, dtype=float)
SCORES = pd.Series(np.random.default_rng(0).permutation(np.linspace(0, 66, N)))


def gaps(missing):
    return pd.DataFrame({"age": True, "fa map": ~missing, "regional fa": ~missing})


@pytest.mark.parametrize("classify", [True, False])
def test_gaps_of_those_with_one_outcome_are_named(classify):
    truth = CLASSES if classify else SCORES
    chance = np.random.default_rng(1).random(N) < 0.7
    poor = (CLASSES == 1 if classify else SCORES < 27).to_numpy()
    told = check_gaps(gaps(poor & chance), truth, classify)
    by_chance = check_gaps(gaps(chance), truth, classify)

    assert (told[2], by_chance[2]) == ("warning", "passed")
    assert "fa map, regional fa (" in told[3]
    assert ("missing in" in told[3]) == classify


def test_gaps_of_few_or_of_nobody_tell_nothing():
    alone = np.arange(N) == 1

    assert check_gaps(gaps(alone), CLASSES, True)[2] == "passed"
    assert check_gaps(gaps(alone & False), CLASSES, True)[2] == "passed"


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("shift", "state"), [(2.0, "warning"), (0.5, "passed")])
def test_a_column_that_parts_the_classes_is_named_whichever_way_it_runs(shift, state, sign):
    rng = np.random.default_rng(0)
    columns = pd.DataFrame({"age": rng.normal(size=N), "load": rng.random(N) + shift * CLASSES})
    columns["load"] *= sign
    row = check_separation(columns, CLASSES)

    assert row[2] == state
    assert ("load" in row[3]) == (state == "warning")


def test_among_very_many_columns_one_may_part_a_few_people_by_chance():
    few = pd.Series([1.0] * 4 + [0.0] * 5)
    columns = pd.DataFrame(np.random.default_rng(0).normal(size=(9, 400)))

    assert check_separation(columns, few)[2] == "passed"


@pytest.mark.parametrize("classify", [True, False])
def test_a_model_of_quality_and_site_that_predicts_is_named(classify):
    truth = CLASSES if classify else SCORES
    rng = np.random.default_rng(0)
    noise = pd.DataFrame({"snr": rng.normal(size=N), "site_A": rng.integers(0, 2, N)}, dtype=float)
    told = noise.assign(motion=truth + 0.3 * truth.std() * rng.normal(size=N))
    told.loc[3, "motion"] = np.nan

    assert check_nuisance(noise, truth, classify)[2] == "passed"
    assert check_nuisance(told, truth, classify)[2] == "warning"
    assert check_nuisance(noise * 0, truth, classify)[2] == "not checked"


@pytest.mark.parametrize(
    ("value", "nuisance", "low", "p", "state"),
    [
        pytest.param(0.8, (0.5, 0.3), 0.1, 0.01, "passed", id="clearly better"),
        pytest.param(0.8, (0.75, 0.6), -0.1, 0.5, "warning", id="both better than chance"),
        pytest.param(0.6, (0.65, 0.4), -0.2, 0.5, "warning", id="higher by the nuisance"),
        pytest.param(0.7, (0.55, 0.3), -0.1, 0.2, "passed", id="the nuisance tells nothing"),
        pytest.param(0.7, (0.65, 0.55), 0.01, float("nan"), "warning", id="no test"),
    ],
)
def test_a_model_must_do_better_than_what_is_no_biology(value, nuisance, low, p, state):
    compared = {"difference": value - nuisance[0], "low": low, "high": 0.3, "p_value": p}
    row = check_against_nuisance(value, nuisance, compared, metric="AUC", chance=0.5)
    assert row[2] == state
