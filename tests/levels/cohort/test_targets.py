import numpy as np
import pandas as pd
import pytest

from motor_bids_app.bids.tables.scores import SCORES
from motor_bids_app.errors import DataError
from motor_bids_app.experiments.sections import Target
from motor_bids_app.levels.cohort.outcome import choose_outcome
from motor_bids_app.levels.cohort.participants import Participants
from motor_bids_app.levels.cohort.targets import label


def make_people(rows):
    """Rows of (participant, session, group, values of scores)."""
    table = pd.DataFrame(
        [
            {**dict(zip(("participant_id", "session_id", "group"), row[:3], strict=True)), **row[3]}
            for row in rows
        ]
    )
    scores = {name: score for name, score in SCORES.items() if name in table}
    return Participants(scans=(), table=table, scores=scores, excluded=pd.DataFrame())


def patients(name, values):
    return make_people(
        [(f"sub-{i}", None, "patient", {name: value}) for i, value in enumerate(values)]
    )


@pytest.mark.parametrize(
    ("score", "values", "expected"),
    [
        ("fma_ue", [26, 26.5, 27, 66], [1, 1, 0, 0]),  # poor below 27 (Karakis et al. 2023)
        ("fma_le", [17, 18], [1, 0]),  # poor at 17 and below (Shi et al. 2025)
        ("nihss", [4, 5], [0, 1]),  # higher is worse
    ],
)
def test_the_usual_cutoff_and_direction_of_a_score_are_used(score, values, expected):
    people = patients(score, values)
    labels = label(people, choose_outcome(people, Target()), "good")

    assert labels.y.tolist() == expected


def test_a_threshold_of_the_experiment_wins_and_says_so():
    people = patients("nihss", [5, 9, 10])
    outcome = choose_outcome(people, Target(score="nihss", threshold=10))

    assert label(people, outcome, "good").y.tolist() == [0, 0, 1]
    assert outcome.text == "NIHSS >= 10"
    assert outcome.cutoff.source == "set in the experiment"


def test_a_threshold_of_0_is_a_threshold():
    name = next(name for name, score in SCORES.items() if score.poor is None)
    outcome = choose_outcome(patients(name, [-1.0, 0.0, 1.0]), Target(threshold=0))

    assert (outcome.score.name, outcome.cutoff.value) == (name, 0)


def test_auto_takes_the_first_score_that_most_patients_have():
    rows = [
        (f"sub-{i}", None, "patient", {"fma_ue": 30 if i == 0 else np.nan, "arat": 40.0})
        for i in range(4)
    ]

    assert choose_outcome(make_people(rows), Target()).score.name == "arat"


def test_controls_are_good_without_a_score_or_left_out():
    rows = [
        ("sub-1", None, "patient", {"fma_ue": 10.0}),
        ("sub-2", None, "patient", {"fma_ue": 50.0}),
        ("sub-3", None, "control", {"fma_ue": np.nan}),
    ]
    people = make_people(rows)
    outcome = choose_outcome(people, Target())

    assert label(people, outcome, "good").truth.to_dict() == {"sub-1": 1, "sub-2": 0, "sub-3": 0}
    without = label(people, outcome, "exclude")
    assert without.truth.index.tolist() == ["sub-1", "sub-2"]
    assert without.excluded["participant_id"].tolist() == ["sub-3"]


def test_a_control_without_a_score_takes_no_part_in_a_regression():
    rows = [
        ("sub-1", None, "patient", {"fma_ue": 10.0}),
        ("sub-2", None, "patient", {"fma_ue": 50.0}),
        ("sub-3", None, "control", {"fma_ue": np.nan}),
    ]
    people = make_people(rows)
    labels = label(people, choose_outcome(people, Target(task="regression")), "good")

    assert labels.truth.to_dict() == {"sub-1": 10, "sub-2": 50}


def test_a_person_counts_by_the_mean_score_and_scans_by_their_own():
    rows = [
        ("sub-1", "ses-pre", "patient", {"fma_ue": 20.0}),
        ("sub-1", "ses-post", "patient", {"fma_ue": 40.0}),
        ("sub-2", "ses-pre", "patient", {"fma_ue": 10.0}),
    ]
    people = make_people(rows)
    labels = label(people, choose_outcome(people, Target()), "good")

    assert labels.y.tolist() == [1, 0, 1]
    assert labels.truth.to_dict() == {"sub-1": 0, "sub-2": 1}
    assert "1 people change class" in labels.notes[0]


@pytest.mark.parametrize(
    ("people", "target", "message"),
    [
        (patients("fma_ue", [1, 2]), Target(score="nihss"), r"scores found: fma_ue \(2 of 2"),
        (patients("grip", [1, 2]), Target(score="grip"), "no usual definition of a poor outcome"),
        (patients("fma_ue", [1, np.nan, np.nan]), Target(), "No score is known for most"),
    ],
    ids=["missing", "no cut-off", "few"],
)
def test_an_impossible_target_says_what_there_is(people, target, message):
    with pytest.raises(DataError, match=message):
        choose_outcome(people, target)


def test_a_constant_score_cannot_be_predicted():
    people = patients("fma_ue", [30.0, 30.0, 30.0])
    outcome = choose_outcome(people, Target(task="regression"))

    with pytest.raises(DataError, match="same fma_ue"):
        label(people, outcome, "good")
