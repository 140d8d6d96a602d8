"""Cells mean what they say, what the dictionary says of them, or are refused."""

import numpy as np
import pytest

from motor_bids_app.bids.tables.columns import resolve_columns
from motor_bids_app.errors import ScoreError, TableError


@pytest.fixture
def write(write_tables):
    return write_tables


def declare(folder, text):
    path = folder / "scores.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "column", ["age_at_stroke", "wab_days", "fma_ue_percent", "FMA-UE (%)", "post_stroke"]
)
def test_names_that_say_something_else_are_not_used(write, column):
    text = f"participant_id\t{column}\nsub-1\t12\nsub-2\t50\n"
    resolved = resolve_columns(write(participants_tsv=text))

    assert resolved.table.columns.tolist() == ["participant_id", "session_id", "group"]


def test_a_percentage_is_never_taken_for_the_raw_score(write):
    folder = write("participant_id fma_ue_percent", "sub-1 12", "sub-2 50")
    with pytest.raises(ScoreError, match="'percent' in its name") as caught:
        resolve_columns(folder, declare(folder, 'fma_ue = "fma_ue_percent"'))
    line = str(caught.value).rsplit("--scores-map: ")[1]

    own = resolve_columns(folder, declare(folder, line))
    assert [score.maximum for score in own.scores.values()] == [100]
    assert "perhaps" not in resolve_columns(folder).explain()


def test_a_column_that_its_description_contradicts_is_left_out_and_said(write):
    folder = write(
        "participant_id age fma_ue",
        "sub-1 50 20",
        dictionary={"age": {"Description": "Age at stroke onset"}, "fma_ue": {"Units": "percent"}},
    )
    resolved = resolve_columns(folder)

    assert not {"age", "fma_ue"} & set(resolved.table)
    assert [problem.split(":")[1].split()[0] for problem in resolved.problems] == ["age", "fma_ue"]
    chosen = resolve_columns(folder, declare(folder, 'age = "age"'))
    assert chosen.table["age"].tolist() == [50]


@pytest.mark.parametrize(
    "entry",
    [
        {"Units": "months", "Levels": {"999": "missing"}},
        {"Units": "months", "Levels": {"999": "Not known"}},
        {"Units": "months", "MissingValues": [999]},
        {"Units": "months", "Description": "months since stroke (999 = unknown)"},
    ],
)
def test_what_the_dictionary_calls_missing_is_missing(write, entry):
    folder = write(
        "participant_id tss", "sub-1 12", "sub-2 999", "sub-3 999.0", dictionary={"tss": entry}
    )
    resolved = resolve_columns(folder)

    assert resolved.table["time_since_stroke"].isna().tolist() == [False, True, True]
    assert "'999' and '999.0' read as missing" in resolved.explain()


@pytest.mark.parametrize("cell", ["N/A", "NA", "NaN", "-", "NULL", "None", ".", "", "unknown"])
def test_cells_without_a_value_are_missing_in_every_column(write, cell):
    rows = [
        "participant_id\tfma_ue\tage\tsite\tsex\thandedness",
        "sub-1\t20\t50\tBonn\tF\tR",
        "sub-2" + f"\t{cell}" * 5,
    ]
    folder = write(participants_tsv="\n".join(rows))

    table = resolve_columns(folder).table.set_index("participant_id")
    assert table.loc["sub-2", ["fma_ue", "age", "site", "sex", "handedness"]].isna().all()


def test_a_declared_meaning_comes_before_the_usual_one(write):
    folder = write(
        "participant_id site",
        "sub-1 NA",
        "sub-2 EU",
        dictionary={"site": {"Levels": {"NA": "North America", "EU": "Europe"}}},
    )
    assert resolve_columns(folder).table["site"].tolist() == ["NA", "EU"]


@pytest.mark.parametrize(
    ("column", "levels", "message"),
    [
        ("sex", {"1": "male", "2": "female"}, "'3' means in sex"),
        ("sex", {"3": "not male"}, "'3' means in sex"),
        ("group", {"3": "not a control"}, "'3' means in group"),
        ("mrs", {str(k): f"grade {k}" for k in (0, 1, 2, 4, 5)}, "'3' as mrs.*among its Levels"),
        ("mrs", {"0": "good", "3": "poor"}, "mrs holds codes"),
        ("fma_ue", {"1": "severe", "2": "moderate", "3": "mild"}, "fma_ue holds codes"),
        ("age", {"3": "60 to 69 years", "4": "70 or more"}, "age holds codes"),
    ],
)
def test_codes_are_checked_against_the_levels(write, column, levels, message):
    folder = write(f"participant_id {column}", "sub-1 3", dictionary={column: {"Levels": levels}})
    with pytest.raises(ScoreError, match=message):
        resolve_columns(folder)


def test_a_name_of_one_word_is_not_quoted_and_a_code_of_several_people_is(write):
    rows = ("sub-1 Schmidt", "sub-2 exposed", "sub-3 exposed")
    with pytest.raises(ScoreError) as told:
        resolve_columns(write("participant_id group", *rows))

    assert "a text of 7 characters" in str(told.value)
    assert "exposed" in str(told.value)
    assert "Schmidt" not in str(told.value)


def test_a_name_in_all_sessions_of_a_person_is_still_a_name(write):
    rows = ("sub-1 ses-1 Schmidt", "sub-1 ses-2 Schmidt", "sub-2 ses-1 4")
    with pytest.raises(ScoreError) as told:
        resolve_columns(write("participant_id session_id fma_ue", *rows))

    assert "Schmidt" not in str(told.value)


def test_levels_that_turn_a_plain_word_into_its_opposite_are_refused(write):
    levels = {"sex": {"Levels": {"M": "female", "F": "male"}}}
    with pytest.raises(ScoreError, match="'M' means 'female'"):
        resolve_columns(write("participant_id sex", "sub-1 M", "sub-2 F", dictionary=levels))


@pytest.mark.parametrize(
    ("column", "cells", "message"),
    [
        ("fma_ue", ("0.5", "1"), "shares from 0 to 1"),
        ("barthel", ("18", "6"), "no multiple of 5"),
        ("fma_ue", ("12,5", "6"), "write a decimal point"),
        ("age", ("60-69", "6"), "is not a number"),
        ("bbt", ("0.4", "0.9"), "shares from 0 to 1"),
        ("bbt", ("99", "5", "40", "99"), r"bbt is 99 in 2 cells, and 5 to 40 in the others"),
        ("tss_months", ("12", "999", "30"), "tss_months is 999 in 1 cell, and 12 to 30"),
        ("age", ("50", "0", "85"), "age is 0 in 1 cell, and 50 to 85"),
        ("age", ("99", "40", "99", "85"), "age is 99 in 2 cells, and 40 to 85"),
    ],
)
def test_numbers_that_are_something_else_are_refused(write, column, cells, message):
    folder = write(f"participant_id {column}", *(f"sub-{k} {c}" for k, c in enumerate(cells)))
    with pytest.raises(ScoreError, match=message):
        resolve_columns(folder)


def test_a_value_far_from_others_counts_where_the_user_says_that_none_is_missing(write):
    folder = write("participant_id bbt", "sub-1 5", "sub-2 99", "sub-3 99")
    with pytest.raises(ScoreError, match="missing value") as caught:
        resolve_columns(folder)
    line = str(caught.value).rsplit("--scores-map: ")[1]

    resolved = resolve_columns(folder, declare(folder, line))
    assert resolved.table["bbt"].tolist() == [5, 99, 99]


def test_one_value_of_two_digits_far_from_those_of_few_others_may_be_one(write):
    few = write("participant_id bbt", "sub-1 5", "sub-2 40", "sub-3 99")
    assert resolve_columns(few).table["bbt"].tolist() == [5, 40, 99]

    many = write("participant_id bbt", "sub-1 99", *(f"sub-{n} {4 * n}" for n in range(2, 8)))
    with pytest.raises(ScoreError, match="bbt is 99 in 1 cell, and 8 to 28"):
        resolve_columns(many)


def test_a_stroke_before_birth_is_refused(write):
    folder = write("participant_id age tss_months", "sub-1 60 30", "sub-2 50 900", "sub-3 70 240")
    with pytest.raises(ScoreError, match=r"sub-2: .*75 years ago, and by .* the age is 50"):
        resolve_columns(folder)

    (problem,) = resolve_columns(folder, strict=False).problems
    assert "75 years ago" in problem


def test_p_and_c_are_patients_and_controls_only_as_a_pair(write):
    resolved = resolve_columns(write("participant_id group", "sub-1 P", "sub-2 C"))
    assert resolved.table["group"].tolist() == ["patient", "control"]

    with pytest.raises(ScoreError, match="'P' means in group"):
        resolve_columns(write("participant_id group", "sub-1 P", "sub-2 C", "sub-3 S"))


def test_who_is_in_no_group_where_others_are_is_said(write):
    resolved = resolve_columns(write("participant_id group", "sub-1 stroke", "sub-2 n/a"))
    assert resolved.problems == ("Without a group in the tables, taken as patients: 1 (sub-2)",)


def test_any_dictionary_is_read_or_refused_in_a_sentence(write):
    rng = np.random.default_rng(0)
    words = ["999", "missing", "left", "no stroke", "%", "months", "1", "", None, -9, True, [1], {}]
    keys = ["Levels", "Units", "Description", "MissingValues", "Annotations"]
    columns = ["age", "sex", "group", "fma_ue", "mrs", "tss", "site", "lesion_side", "grip"]
    seen = set()
    for _ in range(200):
        pick = [words[k] for k in rng.integers(0, len(words), 8)]
        entry = {
            "Levels": {str(pick[0]): pick[1], str(pick[2]): pick[3]},
            rng.choice(keys): pick[4],
        }
        folder = write(
            f"participant_id {columns[rng.integers(len(columns))]}",
            "a 1",
            "b n/a",
            "c left",
            dictionary={name: entry if rng.random() < 0.9 else pick[5] for name in columns},
        )
        try:
            seen.add(bool(resolve_columns(folder).explain()))
        except TableError as error:
            seen.add(str(error)[:0])
    assert seen == {True, ""}


def test_sites_that_differ_only_in_spelling_are_one(write):
    resolved = resolve_columns(write("participant_id site", "a Bonn", "b bonn", "c 1", "d 1.0"))
    assert resolved.table["site"].tolist() == ["Bonn", "Bonn", "1", "1"]
