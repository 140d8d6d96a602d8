import pytest

from motor_bids_app.bids.tables.ratings import rated_exclude
from motor_bids_app.errors import DataError, InputMissingError


@pytest.fixture
def write(tmp_path):
    def write(*lines):
        path = tmp_path / "qc.tsv"
        path.write_text("\n".join(line.replace(" ", "\t") for line in lines) + "\n")
        return path

    return write


def test_words_and_numbers_exclude(write):
    path = write(
        "participant_id rating", "sub-1 include", "2 Exclude", "sub-3 1", "sub-4 2.5", "sub-5 n/a"
    )
    assert rated_exclude(path) == [("sub-2", None, "Exclude"), ("sub-3", None, "1")]


def test_a_session_is_rated_for_itself(write):
    path = write("participant_id session_id rating", "sub-1 1 exclude", "sub-1 ses-2 include")
    assert rated_exclude(path) == [("sub-1", "ses-1", "exclude")]


def test_names_of_mriqc_are_understood(write):
    path = write("bids_name rating", "sub-1_ses-a_T1w 1", "sub-2_T1w 4")
    assert rated_exclude(path) == [("sub-1", "ses-a", "1")]


def test_headings_and_identifiers_are_read_whatever_their_form(write):
    path = write("Subject Session_ID Rating", "01 pre exclude", "SUB-02 ses-pre fail", "sub-03 - -")
    assert rated_exclude(path) == [("sub-01", "ses-pre", "exclude"), ("sub-02", "ses-pre", "fail")]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("participant_id rating", "sub-1 exclude "), "line 2 has 3 cells.*a tab too many"),
        (("participant_id,rating", "sub-1,exclude"), "separated by commas"),
        (("participant_id rating rating", "sub-1 exclude include"), "the column rating twice"),
        (("participant_id score", "sub-1 1"), "needs the columns participant_id and rating"),
        (("participant_id rating", "sub-1 maybe"), "line 2: the rating 'maybe' is neither"),
        (("participant_id rating", "sub-1 7"), "line 2: the rating '7' is neither"),
        (("participant_id rating", "n/a exclude"), "line 2: the rating 'exclude' has no"),
    ],
)
def test_a_bad_file_is_one_clear_sentence(write, lines, message):
    with pytest.raises(DataError, match=message):
        rated_exclude(write(*lines))


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(InputMissingError, match=r"qc\.tsv does not exist"):
        rated_exclude(tmp_path / "qc.tsv")
