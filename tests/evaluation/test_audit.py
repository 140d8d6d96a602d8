import pandas as pd
import pytest

from motor_bids_app.evaluation.audit import audit

PEOPLE = ["a", "b", "c", "d"]


@pytest.fixture
def splits():
    return pd.DataFrame(
        {"repeat": [1, 1, 1, 1], "fold": [1, 1, 2, 2], "participant_id": list("abcd")}
    )


def check(splits, people=tuple(PEOPLE), digests=None, repeats=1, known=None, controls=(0, 0, 1, 1)):
    """Audit four people, of whom the last two are controls."""
    known = pd.DataFrame({"age": True}, index=PEOPLE) if known is None else known
    healthy = pd.Series(controls, index=PEOPLE).astype(bool)
    return audit(splits, list(people), digests or {}, repeats, known, healthy)


def states(table):
    return table.set_index("check")["state"]


def test_clean_splits_and_images_pass(splits):
    table = check(splits, PEOPLE, {("fa", "x"): ["a", "a"], ("fa", "y"): ["b"]}, 1)

    assert (table["state"] == "passed").all()


def test_a_person_in_two_folds_is_named(splits):
    splits.loc[3, "participant_id"] = "a"
    table = check(splits, PEOPLE, {}, 1).set_index("check")

    found = table.loc["no person in two folds"]
    assert (found["state"], found["participants"]) == ("failed", "a")


def test_one_image_under_two_names_is_found(splits):
    digests = {("fa", "x"): ["a", "c"], ("md", "x"): ["b"]}
    table = check(splits, PEOPLE, digests, 1).set_index("check")

    found = table.loc["no image or recording under two participants"]
    assert (found["state"], found["participants"]) == ("failed", "a, c")


def test_a_stranger_in_the_splits_is_found(splits):
    assert (
        states(check(splits, PEOPLE[:3], {}, 1))["splits name the people of the experiment"]
        == "failed"
    )


def test_people_never_tested_are_a_warning(splits):
    assert states(check(splits[:3], PEOPLE, {}, 1))["everyone is tested"] == "warning"


def test_a_value_that_only_patients_have_is_a_warning(splits):
    known = pd.DataFrame({"age": True, "time": [True, True, False, False]}, index=PEOPLE)
    table = check(splits, known=known).set_index("check")

    found = table.loc["gaps in the data do not give controls away"]
    assert found["state"] == "warning"
    assert found["finding"].startswith("time is known for 100% of patients, but for 0%")


def test_without_controls_no_gap_gives_them_away(splits):
    known = pd.DataFrame({"time": [True, True, False, False]}, index=PEOPLE)

    assert (check(splits, known=known, controls=(0, 0, 0, 0))["state"] == "passed").all()
