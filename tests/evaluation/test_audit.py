import pandas as pd
import pytest

from motor_bids_app.evaluation.audit import audit

PEOPLE = ["a", "b", "c", "d"]


@pytest.fixture
def splits():
    return pd.DataFrame(
        {"repeat": [1, 1, 1, 1], "fold": [1, 1, 2, 2], "participant_id": list("abcd")}
    )


def states(table):
    return table.set_index("check")["state"]


def test_clean_splits_and_images_pass(splits):
    table = audit(splits, PEOPLE, {("fa", "x"): ["a", "a"], ("fa", "y"): ["b"]}, 1)

    assert (table["state"] == "passed").all()


def test_a_person_in_two_folds_is_named(splits):
    splits.loc[3, "participant_id"] = "a"
    table = audit(splits, PEOPLE, {}, 1).set_index("check")

    found = table.loc["no person in two folds"]
    assert (found["state"], found["participants"]) == ("failed", "a")


def test_one_image_under_two_names_is_found(splits):
    digests = {("fa", "x"): ["a", "c"], ("md", "x"): ["b"]}
    table = audit(splits, PEOPLE, digests, 1).set_index("check")

    found = table.loc["no image under two participants"]
    assert (found["state"], found["participants"]) == ("failed", "a, c")


def test_a_stranger_in_the_splits_is_found(splits):
    assert states(audit(splits, PEOPLE[:3], {}, 1))[
        "splits name the people of the experiment"
    ] == "failed"  # fmt: skip


def test_people_never_tested_are_a_warning(splits):
    assert states(audit(splits[:3], PEOPLE, {}, 1))["everyone is tested"] == "warning"
