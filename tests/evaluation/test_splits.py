import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.evaluation.splits import (
    feasible_folds,
    make_splits,
    splits_by_site,
)

PEOPLE = [f"sub-{i:02d}" for i in range(37)]
LABELS = np.array(["poor"] * 13 + ["good"] * 24)
GROUPS = np.array(["patient"] * 25 + ["control"] * 12)


def test_every_repeat_tests_everyone_once():
    splits = make_splits(PEOPLE, LABELS, folds=5, repeats=3)

    for _, repeat in splits.groupby("repeat"):
        assert sorted(repeat["participant_id"]) == PEOPLE


@pytest.mark.parametrize("property_", [LABELS, GROUPS], ids=["class", "group"])
def test_folds_have_classes_and_groups_to_within_one_person(property_):
    values = dict(zip(PEOPLE, property_, strict=True))
    splits = make_splits(PEOPLE, LABELS, folds=5, repeats=4, strata=GROUPS)

    splits["value"] = splits["participant_id"].map(values)
    counts = pd.crosstab([splits["repeat"], splits["fold"]], splits["value"])
    # Two strata within two classes: each adds at most one person of unevenness.
    assert (counts.max() - counts.min() <= 2).all()


def test_classes_alone_are_spread_to_within_one_person():
    splits = make_splits(PEOPLE, LABELS, folds=5, repeats=4)

    poor = splits["participant_id"].isin(PEOPLE[:13])
    counts = poor.groupby([splits["repeat"], splits["fold"]]).sum()
    assert counts.max() - counts.min() <= 1


def test_scores_are_spread_over_folds():
    scores = np.arange(40, dtype=float)
    splits = make_splits([f"sub-{i}" for i in range(40)], scores, folds=4, repeats=5)

    means = (
        splits["participant_id"]
        .str[4:]
        .astype(float)
        .groupby([splits["repeat"], splits["fold"]])
        .mean()
    )
    assert np.abs(means - scores.mean()).max() < 2  # a random fold of 10 strays by 3.2 (1 sd)


def test_repeats_differ_and_the_seed_repeats_them():
    one, again, other = (make_splits(PEOPLE, LABELS, repeats=2, seed=s) for s in (1, 1, 2))

    assert one.equals(again)
    assert not one.equals(other)
    folds = one.set_index(["repeat", "participant_id"])["fold"]
    assert not np.array_equal(folds[1], folds[2])


def test_balanced_holdout_tests_equal_classes_as_the_paper():
    labels = np.array(["poor"] * 53 + ["good"] * 101)
    splits = make_splits(
        [f"sub-{i}" for i in range(154)],
        labels,
        scheme="repeated_holdout",
        repeats=10,
        test_fraction=30 / 154,
        balanced_test=True,
    )

    poor = splits["participant_id"].str[4:].astype(int) < 53
    for repeat, part in splits.groupby("repeat"):
        assert (len(part), poor[part.index].sum()) == (30, 15), repeat
        assert part["participant_id"].is_unique


def test_balanced_holdout_leaves_half_of_a_small_class_to_train():
    splits = make_splits(
        PEOPLE,
        np.array(["poor"] * 4 + ["good"] * 33),
        scheme="repeated_holdout",
        repeats=3,
        test_fraction=0.4,
        balanced_test=True,
    )

    poor = splits["participant_id"].isin(PEOPLE[:4])
    assert (poor.groupby(splits["repeat"]).sum() == 2).all()


def test_holdout_gives_everyone_a_chance_to_be_tested():
    splits = make_splits(PEOPLE, LABELS, scheme="repeated_holdout", repeats=60, strata=GROUPS)

    assert set(splits["participant_id"]) == set(PEOPLE)


@pytest.mark.parametrize(
    ("labels", "message"),
    [(["poor", "good", "good"], "1 poor"), (["good"] * 1, "1 good")],
    ids=["one person", "one person alone"],
)
def test_a_class_with_fewer_than_two_people_is_refused(labels, message):
    with pytest.raises(DataError, match=message):
        feasible_folds(labels, 5)


def test_fewer_people_than_folds_reduces_the_folds_and_says_so():
    folds, note = feasible_folds(["poor"] * 3 + ["good"] * 9, 10)

    assert folds == 3
    assert note is not None
    assert "3 poor" in note


def test_a_person_listed_twice_is_refused():
    with pytest.raises(DataError, match="twice"):
        make_splits(["a", "a", "b", "c"], [0, 1, 0, 1], folds=2)


def test_a_scheme_that_does_not_deal_people_is_refused():
    with pytest.raises(UsageError, match="not dealt by 'leave_one_site_out'"):
        make_splits(list("abcd"), [0, 1, 0, 1], scheme="leave_one_site_out", folds=2)


def by_site(**sites) -> pd.Series:
    """People a1, a2, ... of each site."""
    return pd.Series(
        {f"{name}{i}": name for name, n in sites.items() for i in range(1, n + 1)}, dtype=object
    )


def test_a_fold_by_site_tests_all_people_of_one_site():
    sites = by_site(b=3, a=2, c=4)
    splits = splits_by_site(sites)

    assert splits.groupby("fold")["participant_id"].apply(
        lambda people: set(sites[people])
    ).tolist() == [{"a"}, {"b"}, {"c"}]
    assert sorted(splits["participant_id"]) == sorted(sites.index)
    assert (splits["repeat"] == 1).all()


@pytest.mark.parametrize(
    ("sites", "message"),
    [
        (by_site(a=4), "All 4 people are from one site, a"),
        (pd.Series({"a1": "a", "a2": None, "b1": "b"}), r"1 of 3 people have no site \(a2\)"),
    ],
    ids=["one site", "unknown site"],
)
def test_sites_that_cannot_be_left_out_are_explained(sites, message):
    with pytest.raises(DataError, match=message):
        splits_by_site(sites)


def test_strata_of_scores_are_spread_to_within_one_person():
    """Three patients and two controls to every five ranks: no fold may hold only one kind."""
    score = np.arange(40.0)
    patient = np.arange(40) % 5 < 3
    people = [f"sub-{i:02d}" for i in range(40)]
    splits = make_splits(people, score, folds=5, repeats=2, strata=patient)

    tested = splits["participant_id"].isin(
        [p for p, is_one in zip(people, patient, strict=True) if is_one]
    )
    counts = tested.groupby([splits["repeat"], splits["fold"]]).sum()
    assert set(counts) <= {4, 5}
