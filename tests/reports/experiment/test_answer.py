from dataclasses import replace

import pytest

from motor_bids_app.reports.experiment.answer import (
    chance_test,
    comparison,
    headline,
    meaning,
    noise_floor,
)

CLEAR = {
    "low": 0.7,
    "chance_p": 0.001,
    "difference": 0.1,
    "difference_low": 0.02,
    "difference_high": 0.2,
    "p_holm": 0.01,
}


@pytest.mark.parametrize(
    ("changes", "state", "start"),
    [
        ({}, "good", "Better than chance and than the simpler models: "),
        ({"best_baseline": None, "difference": None}, "good", "Better than chance: "),
        ({"best_baseline": "prevalence", "p_holm": 0.3}, "good", "Better than chance: "),
        ({"p_holm": 0.3}, "warn", "Better than chance, but no better than “Tract load”: "),
        (
            {"difference_low": -0.2, "difference_high": -0.1},
            "warn",
            "Better than chance, but worse than “Tract load”: ",
        ),
        ({"nuisance_as_good": True}, "warn", "No better than missing values, image quality"),
        ({"low": 0.45}, "warn", "Weak evidence that it is better than chance: "),
        ({"chance_p": 0.2}, "plain", "No evidence that it is better than chance. "),
        ({"n_people": 9}, "plain", "Too few patients to tell. "),
        ({"n_least_class": 3}, "plain", "Too few patients to tell. "),
        ({"n_least_class": 0}, "plain", "Too few patients to tell. "),
        ({"noise_floor": 0.5}, "plain", "Too few patients to tell. "),
        ({"failed": ("two-folds",)}, "bad", "Not valid: the audit failed (two-folds)"),
        ({"failed": ("site",), "n_people": 5}, "bad", "Not valid: the audit failed (site)"),
    ],
)
def test_all_evidence_goes_through_one_gate(answer, changes, state, start):
    found = replace(answer, **{**CLEAR, **changes})

    assert found.state == state
    text = headline(found, label="Kernel", target="poor outcome", baseline="Tract load")
    assert text.startswith(start)


@pytest.mark.parametrize(
    ("value", "low", "floor", "state"),
    [
        pytest.param(0.8, 0.7, 0.2, "good", id="clear"),
        pytest.param(0.8, 0.45, 0.2, "plain", id="wide interval"),
        pytest.param(0.65, 0.55, 0.2, "plain", id="what guessing would score"),
        pytest.param(0.2, 0.1, 0.2, "plain", id="inverted"),
    ],
)
def test_without_a_permutation_test_interval_and_band_decide(answer, value, low, floor, state):
    alone = replace(answer, difference=None, best_baseline=None)

    assert replace(alone, value=value, low=low, noise_floor=floor).state == state


def test_an_explained_variance_of_nothing_is_no_perhaps(answer):
    found = replace(answer, metric="r2", chance=0.0, value=0.01, low=-6.19, high=1.0)

    assert found.verdict == "no evidence that it is better than chance"


@pytest.mark.parametrize(
    ("floor", "words"),
    [(0.9, "better than chance"), (1.0, "too few patients"), (3.2, "too few patients")],
)
def test_where_guessing_could_explain_everything_patients_are_too_few(answer, floor, words):
    scores = {"metric": "r2", "chance": 0.0, "value": 0.95, "n_least_class": None}
    found = replace(answer, **{**CLEAR, **scores, "noise_floor": floor})

    assert found.verdict.startswith(words)


@pytest.mark.parametrize("floor", [0.2, 0.49, 0.71])
def test_guessing_never_scores_what_the_metric_cannot_be(answer, floor):
    low, high = replace(answer, noise_floor=floor).band

    assert 0 <= low < 0.5 < high <= 1


def test_a_permutation_test_says_how_many_did_as_well(answer):
    tested = replace(answer, chance_p=0.01, n_permutations=999)

    assert "9 cross-validations did as well" in chance_test(tested)
    assert "no cross-validation did as well" in chance_test(replace(tested, chance_p=0.001))


def test_the_headline_says_how_many_of_the_patients_were_tested(answer):
    some = replace(answer, n_people=17, n_patients=30)

    assert "in 17 of 30 patients" in headline(some, label="Kernel", target="poor outcome")


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


def test_the_base_rate_is_chance_and_no_second_judgement_of_it(answer):
    found = replace(answer, **CLEAR | {"best_baseline": "prevalence", "p_holm": 0.4})

    assert found.state == "good"
    assert "does not clearly differ" not in comparison(found, baseline="Base rate only")
