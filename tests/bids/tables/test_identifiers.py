import pytest

from motor_bids_app.bids.tables.identifiers import near_miss, participant_id, session_id


@pytest.mark.parametrize("text", ["01", "sub-01", " sub-01 ", "SUB-01", "Sub-01\u00a0"])
def test_an_identifier_is_one_in_all_its_forms(text):
    assert participant_id(text) == "sub-01"


@pytest.mark.parametrize("text", ["pre", "ses-pre", "SES-pre "])
def test_a_session_is_one_in_all_its_forms(text):
    assert session_id(text) == "ses-pre"


@pytest.mark.parametrize(
    ("identifier", "other", "what"),
    [
        ("sub-1", "sub-001", "leading zeros"),
        ("sub-P01", "sub-P1", "leading zeros"),
        ("sub-p01", "sub-P01", "capitals"),
        ("sub-p1", "sub-P01", "capitals and leading zeros"),
        ("sub-1.0", "sub-01", "punctuation, capitals or leading zeros"),
        ("sub-P_01", "sub-P01", "punctuation, capitals or leading zeros"),
        ("sub-sub01", "sub-01", "punctuation, capitals or leading zeros"),
    ],
)
def test_what_differs_is_named(identifier, other, what):
    known = ["sub-77", other]
    assert near_miss(identifier, known) == f"{other} is there, which differs only in {what}"


@pytest.mark.parametrize(("identifier", "other"), [("sub-10", "sub-1"), ("sub-101", "sub-11")])
def test_other_numbers_are_other_people(identifier, other):
    assert near_miss(identifier, [other]) == ""
