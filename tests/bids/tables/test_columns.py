import json
import re
import time
import tomllib

import numpy as np
import pytest

from motor_bids_app.bids.tables.columns import resolve_columns
from motor_bids_app.errors import (
    InputMissingError,
    ReadWriteError,
    ScoreError,
    TableError,
    UsageError,
)


@pytest.fixture
def write(write_tables):
    return write_tables


def declare(folder, text):
    path = folder / "scores.toml"
    path.write_text(text)
    return path


def test_aliases_and_missing_cells_are_read(write):
    resolved = resolve_columns(
        write("participant_id FM_UE Gender age", "sub-1 26 F 61", "sub-2 n/a m 58.5")
    )

    assert resolved.table["fma_ue"].tolist() == pytest.approx([26, np.nan], nan_ok=True)
    assert resolved.table["sex"].tolist() == [0, 1]
    assert resolved.table["age"].tolist() == [61, 58.5]
    assert list(resolved.scores) == ["fma_ue"]
    assert resolved.table["group"].tolist() == ["patient", "patient"]


def test_quoted_cells_and_windows_files_are_read(write):
    text = '\ufeffparticipant_id\tnihss\tnote\r\nsub-1\t"4"\t"a; b"\r\n'
    folder = write(participants_tsv=text)

    assert resolve_columns(folder).table["nihss"].tolist() == [4]


def test_score_out_of_range_names_cell_and_range(write):
    folder = write("participant_id FMA-UE", "sub-1 66", "sub-2 70")

    with pytest.raises(ScoreError) as caught:
        resolve_columns(folder)

    message = str(caught.value)
    for part in ("sub-2", "participants.tsv", "70", "FMA-UE", "0 to 66 points"):
        assert part in message


def test_line_in_the_message_about_range_repairs_it(write):
    folder = write("participant_id FMA-UE", "sub-1 66", "sub-2 999")
    with pytest.raises(ScoreError) as caught:
        resolve_columns(folder)
    line = str(caught.value).rsplit("--scores-map: ")[1]

    resolved = resolve_columns(folder, declare(folder, line))

    assert resolved.table["fma_ue"].isna().tolist() == [False, True]


def test_text_in_a_score_is_refused(write):
    with pytest.raises(ScoreError, match=r"sub-1.*a text of 4 characters.*nihss"):
        resolve_columns(write("participant_id nihss", "sub-1 high"))


def test_codes_of_sex_are_refused_with_the_line_to_add(write):
    folder = write("participant_id Sex", "sub-1 1", "sub-2 2")
    with pytest.raises(ScoreError, match="nothing says what '1' means") as caught:
        resolve_columns(folder)

    line = str(caught.value).rsplit(": ", 1)[1]
    assert tomllib.loads(line)["sex"]["column"] == "Sex"
    swapped = 'sex = { column = "Sex", levels = { 1 = "female", 2 = "male" } }'
    assert resolve_columns(folder, declare(folder, swapped)).table["sex"].tolist() == [0, 1]


@pytest.mark.parametrize(
    "levels", [{"1": "male", "2": "female"}, {"1": {"Description": "Male sex"}, "2": "Women"}]
)
def test_declared_levels_give_codes_a_meaning(write, levels):
    levels = {**levels, "2": "female"}
    folder = write(
        "participant_id sex", "sub-1 1", "sub-2 2", dictionary={"sex": {"Levels": levels}}
    )

    assert resolve_columns(folder).table["sex"].tolist() == [1, 0]


def test_top_coded_age_is_read_and_flagged(write):
    resolved = resolve_columns(write("participant_id age", "sub-1 89+", "sub-2 89"))

    assert resolved.table["age"].tolist() == [89, 89]
    assert resolved.table["age_top_coded"].tolist() == [True, False]
    assert "89+" in resolved.explain()


def test_age_in_another_declared_unit_is_converted(write):
    folder = write("participant_id age", "sub-1 720", dictionary={"age": {"Units": "months"}})

    assert resolve_columns(folder).table["age"].tolist() == [60]


@pytest.mark.parametrize(
    ("column", "units", "months"),
    [
        ("time_since_stroke", "days", 12),
        ("time_since_stroke", "Weeks", 12 * 7),
        ("tss", "months", 365.25),
        ("tss", "years", 365.25 * 12),
        ("days_post_stroke", None, 12),
        ("months_since_stroke", "months", 365.25),
        ("tss", "number of days since onset", 12),
    ],
)
def test_time_since_stroke_is_in_months(write, column, units, months):
    dictionary = {column: {"Units": units}} if units else None
    folder = write(f"participant_id {column}", "sub-1 365.25", dictionary=dictionary)
    if units == "years":  # 365 years are out of range
        folder = write(f"participant_id {column}", "sub-1 36.525", dictionary=dictionary)
        months /= 10

    assert resolve_columns(folder).table["time_since_stroke"].tolist() == pytest.approx([months])


@pytest.mark.parametrize(
    ("column", "units", "problem"),
    [("tss", None, "not declared"), ("tss", "visits", "visit"), ("tss_days", "months", "says day")],
)
def test_time_without_a_clear_unit_is_refused(write, column, units, problem):
    dictionary = {column: {"Units": units}} if units else None
    folder = write(f"participant_id {column}", "sub-1 12", dictionary=dictionary)

    with pytest.raises(ScoreError, match=problem) as caught:
        resolve_columns(folder)

    line = str(caught.value).rsplit(": ", 1)[1].replace('"days"', '"weeks"')
    table = resolve_columns(folder, declare(folder, line)).table
    assert table["time_since_stroke"].tolist() == pytest.approx([12 * 7 / 365.25 * 12])


def test_time_since_stroke_of_controls_is_missing(write):
    resolved = resolve_columns(
        write("participant_id group months_since_stroke", "sub-1 stroke 5", "sub-2 healthy 0")
    )

    assert resolved.table["time_since_stroke"].isna().tolist() == [False, True]
    assert resolved.table["group"].tolist() == ["patient", "control"]


def test_measured_scores_need_their_unit(write):
    folder = write("participant_id grip_strength", "sub-1 98.0665")
    with pytest.raises(ScoreError, match="unit of grip_strength is not declared"):
        resolve_columns(folder)

    write(dictionary={"grip_strength": {"Units": "N"}})
    assert resolve_columns(folder).table["grip"].tolist() == pytest.approx([10])


def test_two_rows_for_one_participant_are_an_error(write):
    with pytest.raises(ScoreError, match=r"2 rows for sub-1 \(lines 2, 4\)"):
        resolve_columns(write("participant_id nihss", "sub-1 3", "sub-2 4", "1 5"))


def test_two_columns_that_disagree_are_an_error(write):
    folder = write("participant_id sex gender", "sub-1 F F", "sub-2 F M")
    with pytest.raises(ScoreError, match=r"sub-2: .* gender is 'M', but participants\.tsv sex"):
        resolve_columns(folder)

    chosen = resolve_columns(folder, declare(folder, 'sex = "gender"'))
    assert chosen.table["sex"].tolist() == [0, 1]


def test_paretic_side_is_opposite_to_the_lesion(write):
    resolved = resolve_columns(
        write(
            "participant_id lesion_side paretic_side",
            "sub-1 L R",
            "sub-2 n/a left",
            "sub-3 left left",
            "sub-4 right n/a",
        )
    )

    assert resolved.table["lesion_side"].tolist() == ["left", "right", "left", "right"]
    assert len(resolved.problems) == 1
    assert resolved.problems[0].startswith("sub-3")


def test_side_of_brain_or_body_is_not_guessed(write):
    folder = write("participant_id affected_side", "sub-1 L")

    assert "lesion_side" not in resolve_columns(folder).table
    assert "hemisphere or body?" in resolve_columns(folder).explain()
    table = resolve_columns(folder, declare(folder, 'paretic_side = "affected_side"')).table
    assert table["lesion_side"].tolist() == ["right"]


@pytest.mark.parametrize(
    ("column", "hint"),
    [("FMA", "upper or lower extremity"), ("fma_ue_day90", r'perhaps fma_ue\? .*"fma_ue_day90"')],
)
def test_columns_of_unclear_meaning_are_asked_about(write, column, hint):
    resolved = resolve_columns(write(f"participant_id {column}", "sub-1 30"))

    assert not resolved.scores
    assert re.search(hint, resolved.explain())


def test_groups_without_a_word_for_them_are_refused(write):
    with pytest.raises(ScoreError, match="'B' means in group"):
        resolve_columns(write("participant_id group", "sub-1 stroke", "sub-2 B"))


def test_phenotype_and_sessions_tables_are_joined(write):
    folder = write(
        "participant_id age fma_ue",
        "sub-1 50 n/a",
        "sub-2 60 20",
        **{
            "phenotype__arm_tsv": "participant_id\tarat\nsub-2\t30\n",
            "sub-1__sub-1_sessions_tsv": "session_id\tfma_ue\nses-pre\t20\nses-post\t30\n",
        },
    )

    table = resolve_columns(folder).table

    assert table["participant_id"].tolist() == ["sub-1", "sub-1", "sub-2"]
    assert table["session_id"].tolist()[:2] == ["ses-pre", "ses-post"]
    assert table["fma_ue"].tolist() == [20, 30, 20]
    assert table["age"].tolist() == [50, 50, 60]
    assert table["arat"].tolist() == pytest.approx([np.nan, np.nan, 30], nan_ok=True)


def test_score_of_unknown_day_is_not_spread_over_sessions(write):
    folder = write(
        "participant_id fma_ue",
        "sub-1 66",
        **{"sub-1__sub-1_sessions_tsv": "session_id\tfma_ue\nses-pre\t20\nses-post\tn/a\n"},
    )

    table = resolve_columns(folder).table

    assert table["fma_ue"].tolist() == pytest.approx([20, np.nan], nan_ok=True)


def test_explaining_lists_all_problems_at_once(write):
    folder = write("participant_id sex nihss fma_ue bmi", "sub-1 1 43 12 20")

    resolved = resolve_columns(folder, strict=False)

    assert len(resolved.problems) == 2
    assert list(resolved.scores) == ["fma_ue"]
    text = resolved.explain()
    for part in ("sub-1", "NIH Stroke Scale goes from 0 to 42", "'1' means in sex", "< 27", "bmi"):
        assert part in text


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ('fma_eu = "x"', UsageError, "fma_eu is not a known variable"),
        ('sex = { colum = "x" }', UsageError, "sex must be the name of a column"),
        ("sex = ", UsageError, "not readable TOML"),
        ('nihss = "nihss_24h"', ScoreError, "nihss_24h, which no table has"),
        ('nihss = { column = "nihss", poor = "=< 3" }', UsageError, "nihss cannot be understood"),
    ],
)
def test_mistakes_in_the_scores_map_are_explained(write, text, error, message):
    folder = write("participant_id nihss", "sub-1 3")
    with pytest.raises(error, match=message):
        resolve_columns(folder, declare(folder, text))


def test_scores_of_ones_own_have_the_given_limits(write):
    folder = write("participant_id walk", "sub-1 3")
    entry = 'walk = { column = "walk", minimum = 0, maximum = 2, poor = "< 1" }'

    with pytest.raises(ScoreError, match="0 to 2"):
        resolve_columns(folder, declare(folder, entry))
    resolved = resolve_columns(folder, declare(folder, entry.replace("= 2,", "= 5,")))
    assert resolved.scores["walk"].poor.value == 1


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ((), InputMissingError, "no participants.tsv"),
        (("participant_id;age", "sub-1;5"), TableError, "separated by semicolons"),
        (("participant", "sub-1"), ScoreError, "no column participant_id"),
        (("participant_id age", " 5"), ScoreError, "line 2 has no participant_id"),
    ],
)
def test_unusable_tables_are_explained(write, rows, error, message):
    with pytest.raises(error, match=message):
        resolve_columns(write(*rows))


def test_broken_data_dictionary_is_named(write):
    folder = write("participant_id age", "sub-1 5")
    (folder / "participants.json").write_text("{")
    with pytest.raises(ReadWriteError, match=r"participants\.json is not valid JSON"):
        resolve_columns(folder)


def test_identifiers_of_all_tables_are_read_alike(write):
    folder = write(
        participants_tsv="participant_id \tage\n01\t50\nSUB-02 \t60\n",
        **{
            "phenotype__arm_tsv": "participant_id\tsession_id\tarat\nsub-01\tpre\t30\n",
            "sub-01__sub-01_sessions_tsv": "participant_id\tsession_id\tnihss\n01\tSES-pre\t3\n",
        },
    )
    table = resolve_columns(folder).table

    assert table["participant_id"].tolist() == ["sub-01", "sub-02"]
    assert table.iloc[0][["session_id", "age", "arat", "nihss"]].tolist() == ["ses-pre", 50, 30, 3]


def test_sessions_of_somebody_else_are_refused(write):
    text = "participant_id\tsession_id\tfma_ue\nsub-02\tpre\t4\n"
    with pytest.raises(ScoreError, match="is of sub-01, but has a row of sub-02"):
        resolve_columns(write(**{"sub-01__sub-01_sessions_tsv": text}))


def test_sessions_in_the_folder_of_somebody_else_are_refused(write):
    text = "session_id\tfma_ue\npre\t4\n"
    with pytest.raises(ScoreError, match=r"sub-02_sessions\.tsv lies in the folder of sub-01"):
        resolve_columns(write(**{"sub-01__sub-02_sessions_tsv": text}))


@pytest.mark.parametrize("name", ["participants.tsv", "participants.json"])
def test_a_table_or_dictionary_that_was_never_fetched_is_not_taken_for_absent(write, name):
    folder = write("participant_id age", "sub-1 50")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(folder / ".git/annex/objects/x")
    with pytest.raises(InputMissingError, match=name):
        resolve_columns(folder)


def test_dictionaries_of_sessions_must_agree(write):
    folder = write(
        **{f"sub-{k}__sub-{k}_sessions_tsv": "session_id\tsex\npre\t1\n" for k in (1, 2)}
    )
    for k, word in ((1, "male"), (2, "female")):
        path = folder / f"sub-{k}" / f"sub-{k}_sessions.json"
        path.write_text(json.dumps({"sex": {"Levels": {"1": word}}}))
    with pytest.raises(ScoreError, match="gives sex other Units or Levels"):
        resolve_columns(folder)


def test_a_table_of_ten_thousand_rows_is_read_in_seconds(write):
    rows = ["participant_id\tfma_ue\tsex\t" + "\t".join(f"x{k}" for k in range(47))]
    rows += [f"sub-{n}\t{n % 67}\tF\t" + "\t".join(["0.123"] * 47) for n in range(10_000)]
    folder = write(participants_tsv="\n".join(rows))

    start = time.process_time()
    assert len(resolve_columns(folder).table) == 10_000
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("folder", "scores"),
    [
        ("soop_lesions", {"nihss": 282, "mrs": 187}),
        ("participants_stroke/ds004889", {"nihss": 282, "mrs": 187}),
        ("participants_stroke/ds004498", {}),
        ("participants_stroke/nm000158", {}),
    ],
)
def test_real_tables_resolve_without_problems(test_data, folder, scores):
    resolved = resolve_columns(test_data / folder)

    assert {name: resolved.table[name].notna().sum() for name in resolved.scores} == scores
    assert resolved.problems == ()
    assert set(resolved.table["group"]) == {"patient"}
    assert resolved.table["age"].max() <= 89
    assert resolved.explain().count("\n") > len(resolved.columns)
