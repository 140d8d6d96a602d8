import numpy as np
import pytest

from motor_bids_app.bids.tables.scores import DEMOGRAPHICS, SCORES, Cutoff, normalise, recognise


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("FMA-UE", "fma_ue"),
        ("fugl_meyer_ue", "fma_ue"),
        ("UEFM", "fma_ue"),
        ("fm_le", "fma_le"),
        ("NIHSS", "nihss"),
        ("gs_rankin_6isdeath", "mrs"),
        ("Gender", "sex"),
        ("ARAT", "arat"),
        ("Time Since Stroke", "time_since_stroke"),
        ("affected_hemisphere", "lesion_side"),
        ("paretic_hand", "paretic_side"),
        ("bmi", None),
        ("affected_side", None),
        ("fma", None),
    ],
)
def test_names_in_the_wild_are_recognised(column, name):
    assert recognise(column) == name


def test_no_alias_stands_for_two_variables():
    names = [(s.name, *s.aliases) for s in SCORES.values()]
    names += [(name, *aliases) for name, aliases in DEMOGRAPHICS.items()]
    reduced = [{normalise(alias) for alias in aliases} for aliases in names]

    assert sum(map(len, reduced)) == len(set.union(*reduced))


@pytest.mark.parametrize("name", [name for name, score in SCORES.items() if score.poor])
def test_poor_outcomes_are_on_the_bad_side(name):
    score = SCORES[name]
    best, worst = score.maximum, score.minimum
    if not score.higher_is_better:
        best, worst = worst, best

    assert score.poor.is_poor(np.array([best, worst])).tolist() == [False, True]


def test_cutoff_of_the_paper_excludes_27():
    assert SCORES["fma_ue"].poor.is_poor([26, 27, np.nan]).tolist() == [True, False, False]


def test_comparison_must_be_one():
    with pytest.raises(ValueError, match="none of"):
        Cutoff("=<", 5, "nobody")
