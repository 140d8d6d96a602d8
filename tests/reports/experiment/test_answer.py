from dataclasses import replace

import pytest

from motor_bids_app.reports.experiment.answer import (
    chance_test,
    comparison,
    headline,
    meaning,
    noise_floor,
)


@pytest.mark.parametrize(
    ("value", "low", "floor", "state", "start"),
    [
        pytest.param(0.8, 0.7, 0.2, "good", "Yes, better than chance", id="clear"),
        pytest.param(0.8, 0.45, 0.2, "warn", "Perhaps", id="wide interval"),
        pytest.param(0.65, 0.55, 0.2, "warn", "Perhaps", id="inside the noise floor"),
        pytest.param(0.6, 0.4, 0.2, "plain", "This cannot be told from chance", id="chance"),
        pytest.param(0.2, 0.1, 0.2, "plain", "This cannot be told from chance", id="inverted"),
    ],
)
def test_the_claim_is_no_stronger_than_the_evidence(answer, value, low, floor, state, start):
    uncertain = replace(answer, value=value, low=low, noise_floor=floor)

    assert uncertain.state == state
    text = headline(uncertain, label="Kernel", target="poor outcome")
    assert text.startswith(start)


@pytest.mark.parametrize(
    ("low", "p", "state"),
    [(0.6, 0.01, "good"), (0.6, 0.2, "warn"), (0.4, 0.01, "warn"), (0.4, 0.2, "plain")],
)
def test_a_permutation_test_carries_the_claim_where_there_is_one(answer, low, p, state):
    tested = replace(answer, low=low, noise_floor=0.9, chance_p=p, n_permutations=999)

    assert tested.state == state
    assert f"{round(p * 1000) - 1} of 999" in chance_test(tested)


def test_the_headline_has_value_interval_and_people(answer):
    text = headline(answer, label="Kernel", target="poor outcome")

    assert "an AUC of 0.80 (95 % interval 0.70 to 0.88) in 30 patients" in text


@pytest.mark.parametrize(
    ("low", "high", "p_value", "verb"),
    [
        (0.02, 0.2, 0.01, "beats"),
        (0.02, 0.2, 0.20, "does not clearly differ from"),  # the corrected test disagrees
        (-0.02, 0.2, 0.01, "does not clearly differ from"),
        (-0.3, -0.1, 0.01, "is worse than"),
    ],
)
def test_a_model_beats_another_only_by_interval_and_test(answer, low, high, p_value, verb):
    compared = replace(answer, difference_low=low, difference_high=high, p_holm=p_value)

    assert f"It {verb} the best simpler model" in comparison(compared, baseline="Tract load")


def test_the_p_that_counts_is_corrected_for_the_number_of_models(answer):
    found = {"difference_low": 0.02, "p_value": 0.02}
    single = comparison(replace(answer, **found, p_holm=0.02), baseline="Tract load")
    fifth = comparison(replace(answer, **found, p_holm=0.1), baseline="Tract load")

    assert "It beats" in single
    assert "It does not clearly differ" in fifth
    assert "= 0.020" in fifth
    assert "number of models = 0.10" in fifth


def test_a_ridge_that_was_permuted_for_the_model_is_named(answer):
    tested = replace(answer, chance_p=0.01, n_permutations=99)

    assert "ridge" not in chance_test(tested)
    assert "a ridge regression on the same inputs" in chance_test(replace(tested, stand_in=True))


def test_nothing_is_said_of_a_comparison_that_was_not_made(answer):
    assert comparison(replace(answer, difference=None), baseline="Tract load") == ""


def test_the_noise_floor_is_given_around_chance(answer):
    assert "from 0.30 to 0.70" in noise_floor(answer)


def test_no_distribution_is_claimed_for_guesses_of_a_score(answer):
    regression = replace(answer, metric="r2", chance=0.0)

    assert "guessing" not in noise_floor(regression)


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [
        ("roc_auc", 0.8, "80 %"),
        ("r2", 0.21, "21 %"),
        ("r2", -0.1, "no better than giving everyone"),
    ],
)
def test_the_number_is_explained(answer, metric, value, words):
    assert words in meaning(replace(answer, metric=metric, value=value))
