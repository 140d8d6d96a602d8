"""The baseline score must come before the target."""

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.bids.tables.scores import SCORES
from motor_bids_app.errors import DataError
from motor_bids_app.levels.cohort.baseline import with_baseline
from motor_bids_app.levels.cohort.outcome import Outcome
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.cohort.targets import label
from motor_bids_app.models.tables.columns import BASELINE

FMA = Outcome(score=SCORES["fma_ue"], task="regression", cutoff=None)


def people(rows) -> Participants:
    """From (participant, session, months since stroke, FMA-UE, NIHSS)."""
    columns = ["participant_id", "session_id", "time_since_stroke", "fma_ue", "nihss"]
    table = pd.DataFrame(rows, columns=columns).assign(group="patient")
    table = table.astype(dict.fromkeys(columns[2:], float))
    scores = {name: SCORES[name] for name in ("fma_ue", "nihss")}
    return Participants(scans=(), table=table, scores=scores, excluded=pd.DataFrame())


VISITS = people(
    [
        ("sub-1", "ses-post", 6, 50, 4), ("sub-1", "ses-pre", 1, 20, 4),
        ("sub-2", "ses-a", 1, 30, 9), ("sub-2", "ses-b", 3, 40, 9), ("sub-2", "ses-c", 9, 45, 9),
        ("sub-3", "ses-a", 2, 60, 1), ("sub-4", "ses-a", None, 10, 8),
        ("sub-4", "ses-b", None, 12, 8),
        ("sub-5", "ses-a", 4, 33, None), ("sub-5", "ses-b", 4, 35, None),
    ]
)  # fmt: skip


def test_the_earlier_session_is_told_by_time_not_by_name_or_order():
    found, exclusions, _ = with_baseline(VISITS, FMA, "earlier_session")
    by_scan = found.table.set_index(["participant_id", "session_id"])[BASELINE]

    assert by_scan["sub-1", "ses-post"] == 20
    assert by_scan["sub-2", "ses-b"] == by_scan["sub-2", "ses-c"] == 30
    assert (exclusions != "").tolist() == by_scan.isna().tolist()


def test_no_score_that_is_averaged_into_the_truth_is_a_baseline():
    found, exclusions, _ = with_baseline(VISITS, FMA, "earlier_session")
    labels = label(found, FMA, "good", exclusions)

    taking_part = found.table.iloc[labels.rows]
    assert labels.truth.to_dict() == {"sub-1": 50, "sub-2": 42.5}
    first = taking_part.groupby("participant_id")["time_since_stroke"].min()
    assert (
        first > VISITS.table.groupby("participant_id")["time_since_stroke"].min()[first.index]
    ).all()


def test_sessions_without_a_time_or_at_the_same_time_have_no_order():
    _, exclusions, _ = with_baseline(VISITS, FMA, "earlier_session")
    lost = set(VISITS.table["participant_id"][exclusions != ""])
    assert {"sub-3", "sub-4", "sub-5"} <= lost


def test_another_score_is_taken_at_the_users_word_and_the_report_says_so():
    found, exclusions, (note,) = with_baseline(VISITS, FMA, "nihss")

    np.testing.assert_array_equal(found.table[BASELINE], VISITS.table["nihss"])
    assert (exclusions == "").all()
    assert "the experiment says was measured before FMA-UE" in note


@pytest.mark.parametrize(
    ("wanted", "change", "message"),
    [
        ("fma_ue", {}, "is what is predicted"),
        ("arat", {}, "not known for anybody .*: nihss"),
        ("nihss", {"nihss": np.nan}, "not known for anybody"),
        ("nihss", {"nihss": np.arange(10.0)}, "changes between sessions of sub-1"),
    ],
    ids=["the target", "no such score", "empty", "of the same day"],
)
def test_columns_that_need_not_come_before_are_refused(wanted, change, message):
    changed = people(VISITS.table.assign(**change).iloc[:, :5].values.tolist())
    with pytest.raises(DataError, match=message):
        with_baseline(changed, FMA, wanted)


def test_without_times_the_earlier_session_is_refused():
    bare = people(VISITS.table.iloc[:, :5].values.tolist())
    del bare.table["time_since_stroke"]
    with pytest.raises(DataError, match="names of sessions do not tell"):
        with_baseline(bare, FMA, "earlier_session")
