"""Images of one session, and the score of a later one of the same person."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.bids.tables.scores import SCORES
from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.cohort.cohort import build_cohort
from motor_bids_app.levels.cohort.course import link_sessions, of_session
from motor_bids_app.levels.cohort.maps import map_library
from motor_bids_app.levels.cohort.participants import Participants, gather_participants
from motor_bids_app.levels.cohort.question import find_outcome
from motor_bids_app.models.tables.columns import BASELINE
from motor_bids_app.settings import Settings

START = {"1": 20, "2": 30, "3": 10, "4": 50, "5": 66, "6": 40, "7": None}
LATER = {"1": 50, "2": 40, "3": 12, "4": 60, "5": 66, "6": None, "7": 33}


@pytest.fixture
def dataset(tmp_path):
    """Seven people with images at baseline, one of them later too, and one with those alone."""

    def write(start=START, later=LATER, months=(0.2, 3.0)):
        raw, out = tmp_path / "raw", tmp_path / "out"
        (raw / "phenotype").mkdir(parents=True)
        people = [*START, "8"]
        lines = "".join(f"sub-{who}\t{50 + int(who)}\n" for who in people)
        (raw / "participants.tsv").write_text("participant_id\tage\n" + lines)
        text = "participant_id\tsession_id\tfma_ue\ttime_since_stroke_months\n"
        for session, scores, month in (
            ("baseline", start, months[0]),
            ("3month", later, months[1]),
        ):
            for who, score in scores.items():
                told = "n/a" if score is None else score
                text += f"sub-{who}\tses-{session}\t{told}\t{month}\n"
        (raw / "phenotype" / "fma.tsv").write_text(text)
        scans = [(who, "baseline", 0.1 * int(who)) for who in START]
        for who, session, load in (*scans, ("1", "3month", 0.9), ("8", "3month", 0.9)):
            home = out / f"sub-{who}" / f"ses-{session}"
            home.mkdir(parents=True)
            name = f"sub-{who}_ses-{session}_desc-features.tsv"
            (home / name).write_text(f"tract_load\tlesion_volume\n{load}\t5\n")
        return Settings(bids_dir=raw, output_dir=out, level="group")

    return write


def experiment(target=(), inputs=()):
    return Experiment.read(
        {
            "name": "later",
            "target": {"score": "fma_ue", "task": "regression", "session": "3month"} | dict(target),
            "inputs": {"session": "baseline", "baseline_score": "earlier_session"} | dict(inputs),
        },
        "here",
    )


def cohort_of(settings, target=(), inputs=()):
    return built(gather_participants(settings), experiment(target, inputs))


def built(people, wanted):
    with map_library(people.scans, people.table, None) as library:
        return build_cohort(people, wanted, library)


def test_the_score_is_of_the_later_session_and_all_else_of_the_earlier(dataset):
    cohort = cohort_of(dataset())

    table = cohort.samples.table.set_index("participant_id")
    assert set(table["session_id"]) == {"ses-baseline"}
    assert cohort.labels.truth.to_dict() == {f"sub-{n}": LATER[n] for n in "12345"}
    assert table[BASELINE].to_dict() == {f"sub-{n}": START[n] for n in "12345"}
    assert table["tract_load"]["sub-1"] == pytest.approx(0.1)
    assert (table["time_since_stroke"] < 1).all()
    assert cohort.outcome.text == "FMA-UE at ses-3month (points)"


def test_who_lacks_a_session_or_a_score_is_listed_with_the_reason(dataset):
    excluded = cohort_of(dataset()).excluded
    reasons = {
        (row.participant_id, row.session_id): row.reason for row in excluded.itertuples(index=False)
    }

    assert reasons["sub-1", "ses-3month"].startswith("of another session than ses-baseline")
    assert reasons["sub-8", "ses-3month"] == "no images of ses-baseline"
    assert reasons["sub-6", "ses-baseline"] == "no fma_ue at ses-3month"
    assert reasons["sub-7", "ses-baseline"] == "no fma_ue at the session of the images"


def test_scores_outside_a_window_of_days_do_not_count_and_the_reason_is_said(dataset):
    people = gather_participants(dataset())
    days = {"sub-1": 74, "sub-2": 75, "sub-3": 120, "sub-4": 121, "sub-5": None}
    at = people.visits["session_id"] == "ses-3month"
    months = people.visits["participant_id"].map(days).astype(float) * 12 / 365.25
    time = people.visits["time_since_stroke"].where(~at, months)
    people = replace(people, visits=people.visits.assign(time_since_stroke=time))
    cohort = built(people, experiment({"within": [75, 120]}))

    reasons = cohort.excluded.set_index(["participant_id", "session_id"])["reason"]
    assert list(cohort.labels.truth.index) == ["sub-2", "sub-3"]
    for person in ("sub-1", "sub-4"):
        reason = reasons[person, "ses-baseline"]
        assert reason == "ses-3month was not between day 75 and day 120 after the stroke"
    assert reasons["sub-5", "ses-baseline"] == "no table tells the day of ses-3month"


def test_a_window_needs_days_and_a_session(dataset):
    people = gather_participants(dataset())
    with pytest.raises(DataError, match="give the time since stroke at ses-3month for nobody"):
        built(
            replace(people, visits=people.visits.assign(time_since_stroke=np.nan)),
            experiment({"within": [75, 120]}),
        )
    with pytest.raises(UsageError, match="name its session"):
        Experiment.read({"name": "later", "target": {"within": [75, 120]}}, "here")
    with pytest.raises(UsageError, match="first and the last day"):
        experiment({"within": [120, 75]})


def test_no_value_of_the_later_session_reaches_a_predictor(dataset):
    people = gather_participants(dataset())
    first = built(people, experiment()).samples.table
    later, scores = people.visits["session_id"] == "ses-3month", people.visits["fma_ue"]
    visits = people.visits.assign(fma_ue=scores.where(~later, 66 - scores))
    other = built(replace(people, visits=visits), experiment())

    seen = [name for name in first if name != "fma_ue"]
    pd.testing.assert_frame_equal(first[seen], other.samples.table[seen])
    assert (first["fma_ue"] + other.samples.table["fma_ue"] == 66).all()


@pytest.mark.parametrize(
    ("outcome", "formula"),
    [
        ("change", lambda start, later: later - start),
        ("recovered", lambda start, later: (later - start) / (66 - start)),
    ],
)
def test_change_and_recovered_share_are_what_their_formulas_say(dataset, outcome, formula):
    cohort = cohort_of(dataset(), {"outcome": outcome})

    kept = "1234" if outcome == "recovered" else "12345"
    assert cohort.labels.truth.to_dict() == pytest.approx(
        {f"sub-{n}": formula(START[n], LATER[n]) for n in kept}
    )
    if outcome == "recovered":
        reason = cohort.excluded.set_index("participant_id")["reason"]["sub-5"]
        assert reason == "nothing to recover: fma_ue was at its best before"


def test_of_a_score_that_is_better_when_lower_recovery_is_still_above_0():
    table = pd.DataFrame(
        {
            "participant_id": ["sub-1", "sub-2", "sub-3"],
            "session_id": "ses-a",
            "group": "patient",
            "nihss": [10.0, 8.0, 20.0],
            "time_since_stroke": np.nan,
        }
    )
    visits = table[["participant_id"]].assign(session_id="ses-b", nihss=[4.0, 8.0, 25.0])
    people = Participants(
        scans=(None,) * 3,
        table=table,
        scores={"nihss": SCORES["nihss"]},
        excluded=pd.DataFrame(columns=["participant_id", "session_id", "reason"]),
        visits=visits,
    )
    wanted = experiment(
        {"score": "nihss", "session": "b", "outcome": "recovered"}, {"session": "ses-a"}
    )
    found, outcome, _, _, notes = find_outcome(people, wanted)

    assert found.table[outcome.score.name].tolist() == pytest.approx([0.6, 0, -0.25])
    assert any("the experiment assumes" in note for note in notes)


def test_a_session_that_is_not_later_is_left_out(dataset):
    with pytest.raises(DataError, match="is not after ses-baseline by the time since stroke"):
        cohort_of(dataset(months=(3.0, 3.0)))


@pytest.mark.parametrize(
    ("target", "seen", "message"),
    [
        (
            "6month",
            "baseline",
            "score for ses-6month; sessions with scores: ses-3month, ses-baseline",
        ),
        ("3Month", "baseline", "ses-3month is there, which differs only in capitals"),
        (
            "3month",
            "acute",
            "no images are of ses-acute; sessions of the images: ses-3month, ses-b",
        ),
    ],
)
def test_a_session_that_does_not_exist_is_refused_with_those_there_are(
    dataset, target, seen, message
):
    people = gather_participants(dataset())
    with pytest.raises(DataError, match=message):
        link_sessions(people, target, seen)


def test_images_of_a_session_without_a_score_can_predict_one_of_later(dataset):
    people = gather_participants(dataset(start={}))
    wanted = experiment(inputs={"baseline_score": "none"})
    cohort = built(people, wanted)

    assert cohort.labels.truth.to_dict() == {f"sub-{n}": LATER[n] for n in "123457"}
    assert cohort.samples.table["age"].tolist() == [51, 52, 53, 54, 55, 57]
    assert cohort.samples.table["time_since_stroke"].isna().all()


def test_new_people_need_the_session_of_the_images_alone(dataset):
    people = gather_participants(dataset(later={}))
    kept, notes = of_session(people, "baseline")

    assert [scan.session for scan in kept.scans] == ["baseline"] * 7
    assert kept.table["participant_id"].tolist() == [f"sub-{n}" for n in START]
    assert kept.excluded["participant_id"].tolist() == ["sub-8"]
    assert notes == ("1 scans of other sessions than ses-baseline are not predicted.",)


@pytest.mark.parametrize(
    ("target", "inputs", "message"),
    [
        ({"session": "3month"}, {}, r"needs \[inputs\] session"),
        ({"session": "ses-a"}, {"session": "a"}, "is that of"),
        ({"session": "a b"}, {"session": "a"}, "the label of a session"),
        ({"outcome": "change", "task": "regression"}, {}, r"needs \[inputs\] baseline_score"),
        ({"outcome": "recovered"}, {"baseline_score": "earlier_session"}, "set task"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(target, inputs, message):
    with pytest.raises(UsageError, match=message):
        Experiment.read({"name": "x", "target": target, "inputs": inputs}, "here")
