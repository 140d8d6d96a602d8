"""Columns of any table as predictors: found, placed by person and session, or refused."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.bids.tables.columns import resolve_columns
from motor_bids_app.errors import DataError, InputMissingError, ScoreError
from motor_bids_app.experiments.reading import parse_experiment
from motor_bids_app.experiments.sections import Inputs
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.cohort.own import (
    check_table_is_read,
    described_predictors,
    known_predictors,
    with_known_own,
    with_own,
    with_own_of,
)
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.cohort.question import find_outcome

N = 12
PEOPLE = [f"sub-{n:02d}" for n in range(1, N + 1)]


def write(path, columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_csv(path, sep="\t", index=False, na_rep="n/a")


def gather(raw, sessions=()):
    """People with derivatives, of whom the tables in `raw` know."""
    resolved = resolve_columns(raw)
    scans = [(person, session) for person in PEOPLE for session in (sessions or [None])]
    rows = pd.DataFrame(scans, columns=["participant_id", "session_id"])
    table = rows.merge(resolved.table.drop(columns="session_id"), on="participant_id", how="left")
    return Participants(
        scans=(),
        table=table.drop_duplicates(["participant_id", "session_id"]).reset_index(drop=True),
        scores=resolved.scores,
        excluded=pd.DataFrame(),
        tables=resolved,
    )


@pytest.fixture
def raw(tmp_path):
    columns = {
        "participant_id": PEOPLE,
        "age": range(50, 50 + N),
        "fma_ue": range(10, 10 + 4 * N, 4),
        "nihss": [3, 9] * (N // 2),
        "SAFE": range(N),
        "MEP": ["+", "-", "-"] * (N // 3),
        "note": [f"remark {n}" for n in range(N)],
    }
    write(tmp_path / "raw" / "participants.tsv", columns)
    return tmp_path / "raw"


def own(people, *columns, table=None):
    outcome = Outcome(score=people.scores["fma_ue"], task="regression", cutoff=None)
    return with_own(people, outcome, Inputs(columns=columns, table=table))


def test_scores_headings_and_wildcards_become_columns(raw, tmp_path):
    write(
        tmp_path / "features.tsv",
        {"participant_id": PEOPLE[::-1], "chaco_1": range(N), "chaco_2": range(N), "other": 1},
    )
    people, known, (note, *_) = own(
        gather(raw), "nihss", "SAFE", "MEP", "chaco_*", table=str(tmp_path / "features.tsv")
    )

    names = [name for name in people.table if name.startswith("own_")]
    assert names == [
        "own_nihss", "own_SAFE", "own_MEP", "own_chaco_*: chaco_1", "own_chaco_*: chaco_2",
    ]  # fmt: skip
    np.testing.assert_array_equal(people.table["own_chaco_*: chaco_1"], range(N - 1, -1, -1))
    np.testing.assert_array_equal(people.table["own_MEP"], [1, 0, 0] * (N // 3))
    assert [one.type for one in known] == ["score", "number", "yes or no", "number", "number"]
    assert "2 columns chaco_*" in note
    assert "which the experiment assumes are known before" in note


def test_rows_of_sessions_are_those_of_their_scans(raw):
    visits = {"participant_id": np.repeat(PEOPLE, 2), "session_id": ["ses-a", "ses-b"] * N}
    write(raw / "phenotype" / "grip_raw.tsv", visits | {"force_n": range(2 * N)})
    people, *_ = own(gather(raw, ["ses-b", "ses-a"]), "force_n", "SAFE")

    by_scan = people.table.set_index(["participant_id", "session_id"])
    assert by_scan.loc[("sub-02", "ses-a"), "own_force_n"] == 2
    assert by_scan.loc[("sub-02", "ses-b"), "own_force_n"] == 3
    assert by_scan["own_SAFE"].loc["sub-03"].tolist() == [2, 2]
    with pytest.raises(DataError, match="2 sessions of sub-01, whose images have none"):
        own(gather(raw), "force_n")


def test_the_dictionary_of_a_table_is_read(raw, tmp_path):
    write(tmp_path / "lab.tsv", {"participant_id": PEOPLE, "site of stroke": [1, 2, 3] * 4})
    levels = {"Levels": {"1": "cortical", "2": "subcortical", "3": "not assessed"}}
    (tmp_path / "lab.json").write_text(json.dumps({"site of stroke": levels}))
    people, (known,), _ = own(gather(raw), "site of stroke", table=str(tmp_path / "lab.tsv"))

    assert known.categories == ("cortical", "subcortical")
    values = people.table["own_site of stroke: cortical"]
    np.testing.assert_array_equal(values, [1, 0, np.nan] * 4)


def test_a_heading_in_two_tables_needs_the_table(raw, tmp_path):
    write(tmp_path / "lab.tsv", {"participant_id": PEOPLE, "SAFE": 7})
    table = str(tmp_path / "lab.tsv")
    with pytest.raises(DataError, match=r"SAFE is in lab.tsv and in participants.tsv"):
        own(gather(raw), "SAFE", table=table)
    people, *_ = own(gather(raw), "lab.tsv:SAFE", table=table)
    assert (people.table["own_SAFE"] == 7).all()


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        (["fma_ue"], DataError, "fma_ue is the predicted score"),
        (["saffe"], DataError, "saffe is not known for anybody.*Did you mean SAFE"),
        (["chaco_*"], DataError, r"chaco_\* is not known"),
        (["age"], DataError, "age of participants.tsv is age, which models read as it is"),
        (["note"], ScoreError, "no category of note|holds .* different texts"),
    ],
)
def test_what_cannot_be_a_predictor_is_refused(raw, columns, error, message):
    with pytest.raises(error, match=message):
        own(gather(raw), *columns)


COMPONENT = """
name = "x"
[component]
columns = ["fma_ue", "nihss"]
means = [30, 6]
sds = [15, 3]
weights = [1, -1]
[target]
score = "component"
task = "regression"
[inputs]
columns = ["{column}"]
[model]
rungs = ["prevalence", "own"]
"""


@pytest.mark.parametrize("column", ["fma_ue", "nihss", "participants.tsv:nihss"])
def test_a_part_of_the_outcome_is_no_predictor_of_it(raw, column):
    experiment = parse_experiment(COMPONENT.format(column=column), "x.toml")
    with pytest.raises(
        DataError,
        match=f"{column[-5:]}.* is (what is predicted|the predicted score), or a part of it",
    ):
        find_outcome(gather(raw), experiment)


def test_a_wildcard_never_takes_the_outcome_or_what_models_read_anyway(raw):
    with pytest.raises(DataError, match="is not known"):
        own(gather(raw), "fma*")
    write(raw / "phenotype" / "fma.tsv", {"participant_id": PEOPLE, "fma_items": range(N)})
    people, _, notes = own(gather(raw), "fma*")
    assert [name for name in people.table if name.startswith("own_")] == ["own_fma*: fma_items"]
    assert any("No predictors, though * or ? fits: fma_ue" in note for note in notes)


def test_people_who_are_not_in_a_table_are_said_and_other_spellings_refused(raw, tmp_path):
    table = tmp_path / "lab.tsv"
    write(table, {"participant_id": PEOPLE[:-2], "x": range(N - 2)})
    people, _, notes = own(gather(raw), "x", table=str(table))
    assert people.table["own_x"].isna().sum() == 2
    assert any("no row of 2 of 12 people (sub-11, sub-12)" in note for note in notes)

    write(table, {"participant_id": [*range(1, N + 1)], "x": range(N)})
    with pytest.raises(DataError, match=r"sub-01 is not there, but sub-1 is there, .* zeros"):
        own(gather(raw), "x", table=str(table))
    write(table, {"participant_id": [PEOPLE[0], *PEOPLE], "x": range(N + 1)})
    with pytest.raises(ScoreError, match="2 rows for sub-01"):
        own(gather(raw), "x", table=str(table))
    write(table, {"participant_id": ["sub-x", "sub-y"], "x": [1, 2]})
    with pytest.raises(DataError, match=r"not known for anybody|no row of any scan"):
        own(gather(raw), "x", table=str(table))
    with pytest.raises(InputMissingError, match=r"no table of predictors none.tsv"):
        own(gather(raw), "x", table=str(tmp_path / "none.tsv"))


def test_what_most_people_lack_is_said(raw, tmp_path):
    table = tmp_path / "lab.tsv"
    write(table, {"participant_id": PEOPLE, "x": [1.5, 2, 3, *[np.nan] * (N - 3)]})
    *_, notes = own(gather(raw), "x", table=str(table))
    assert any("Most people lack x (9 of 12 people)" in note for note in notes)


def test_a_table_of_which_nothing_is_named_is_refused(raw, tmp_path):
    write(tmp_path / "lab.tsv", {"participant_id": PEOPLE, "x": range(N)})
    with pytest.raises(DataError, match="columns names none of its columns"):
        own(gather(raw), "SAFE", table=str(tmp_path / "lab.tsv"))
    write(tmp_path / "participants.tsv", {"participant_id": PEOPLE, "x": range(N)})
    with pytest.raises(DataError, match=r"is called participants.tsv, as one of the dataset"):
        own(gather(raw), "x", table=str(tmp_path / "participants.tsv"))


def test_new_people_are_read_as_those_learned_from(raw, tmp_path):
    table = tmp_path / "lab.tsv"
    write(table, {"participant_id": PEOPLE, "side": ["left", "right", "right"] * 4})
    people = gather(raw)
    learned, known, _ = own(people, "side", "MEP", "nihss", table=str(table))
    described = json.loads(json.dumps(described_predictors(known)))
    inputs = {"columns": described}

    again, _ = with_own_of(people, inputs, table)
    pd.testing.assert_frame_equal(again.table, learned.table)

    write(table, {"participant_id": PEOPLE, "side": ["both", "right", "right"] * 4})
    new, notes = with_own_of(people, inputs, table)
    np.testing.assert_array_equal(new.table["own_side: left"], 0)
    assert any("side of 4" in note for note in notes)
    with pytest.raises(DataError, match=r"side .of lab.tsv., which no table has.*--predictors"):
        with_own_of(people, inputs, None)
    unscored = replace(people, table=people.table.drop(columns="nihss"))
    with pytest.raises(DataError, match="predicts from nihss, which no table has"):
        with_known_own(unscored, known_predictors(described[2:]), ())
    with pytest.raises(DataError, match="no model reads predictors"):
        check_table_is_read(table, [{"columns": []}, {}])


def test_of_models_that_are_compared_some_do_without_the_table_of_predictors(raw, tmp_path):
    table = tmp_path / "new.tsv"
    check_table_is_read(table, [{"columns": []}, {"columns": ["described"]}])
    people = gather(raw)
    assert with_own_of(people, {"columns": []}, table) == (people, ())
