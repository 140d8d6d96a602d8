from fractions import Fraction
from itertools import product

import pytest

from motor_bids_app.evaluation.granularity import (
    StudySize,
    check_published,
    mean_of_shares,
    possible,
)

HUNDREDTHS = [f"{number / 100:.2f}" for number in range(101)]


def rounds_to(value: Fraction, figure: str) -> bool:
    """Whether a value is printed as a figure of two decimals, by either way to round a half."""
    return abs(value - Fraction(figure)) <= Fraction(1, 200)


@pytest.mark.parametrize(("n", "repeats"), [(1, 1), (7, 1), (30, 1), (9, 3)])
def test_an_accuracy_is_possible_just_if_some_number_of_right_answers_gives_it(n, repeats):
    reached = [Fraction(k, n * repeats) for k in range(n * repeats + 1)]

    for figure in HUNDREDTHS:
        expected = any(rounds_to(value, figure) for value in reached)
        assert possible("accuracy", figure, StudySize(n_people=n, repeats=repeats)) == expected


@pytest.mark.parametrize("metric", ["sensitivity", "specificity", "balanced_accuracy", "roc_auc"])
def test_figures_of_classes_are_possible_just_if_some_outcome_gives_them(metric):
    n_poor, n_good = 3, 4
    shares = [Fraction(k, n_poor) for k in range(n_poor + 1)]
    others = [Fraction(k, n_good) for k in range(n_good + 1)]
    reached = {
        "sensitivity": shares,
        "specificity": others,
        "balanced_accuracy": [(a + b) / 2 for a, b in product(shares, others)],
        # Of 12 pairs, some are in the right order, and some are ties.
        "roc_auc": [(r + Fraction(t, 2)) / 12 for r in range(13) for t in range(13 - r)],
    }[metric]

    for figure in HUNDREDTHS:
        expected = any(rounds_to(value, figure) for value in reached)
        assert possible(metric, figure, StudySize(n_people=7, n_poor=n_poor)) == expected


def test_a_mean_over_folds_of_two_sizes_is_found_by_trying_all():
    sizes = {2: 1, 3: 2}
    reached = {
        (Fraction(a, 2) + Fraction(b, 3) + Fraction(c, 3)) / 3
        for a, b, c in product(range(3), range(4), range(4))
    }

    for number in range(201):
        low, high = Fraction(number, 200) - Fraction(1, 999), Fraction(number, 200)
        expected = any(low <= value <= high for value in reached)
        assert mean_of_shares(low, high, sizes) == expected


def test_folds_allow_what_people_in_one_pot_do_not():
    # 10 folds of 154 people: 15 or 16 people each, so their mean moves in finer steps.
    assert not possible("accuracy", 0.917, StudySize(n_people=154))
    assert possible("accuracy", 0.917, StudySize(n_people=154, folds=10))


def test_the_figures_of_karakis2023_are_possible():
    assert possible("accuracy", 0.917, StudySize(n_people=30, n_poor=15, repeats=10))
    assert possible("accuracy", 0.877, StudySize(n_people=30, n_poor=15, repeats=100))
    assert not possible("accuracy", 0.917, StudySize(n_people=30, n_poor=15))


@pytest.mark.parametrize(("figure", "fine"), [(0.9, True), ("0.90", False), ("0.92", True)])
def test_a_last_zero_makes_a_figure_more_precise(figure, fine):
    assert possible("accuracy", figure, StudySize(n_people=12)) == fine  # 11 of 12 are 0.917


def test_what_cannot_be_told_is_not_judged():
    assert possible("f1", 0.5, StudySize(n_people=10, n_poor=5)) is None
    assert possible("sensitivity", 0.5, StudySize(n_people=10)) is None
    assert possible("sensitivity", 0.77, StudySize(n_people=10, n_poor=5, folds=5)) is None


def test_the_audit_names_impossible_figures_and_those_left_open():
    row = check_published({"accuracy": 0.915, "f1": 0.9}, StudySize(n_people=30))

    assert row[2] == "warning"
    assert "accuracy 0.915: no whole number of right answers" in row[3]
    assert "Not checked: f1" in row[3]
    assert check_published({"accuracy": 0.9}, StudySize(n_people=30))[2] == "passed"
