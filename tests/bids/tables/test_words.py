"""Words mean what they say, or are not understood."""

import pytest

from motor_bids_app.bids.tables.groups import group_of
from motor_bids_app.bids.tables.words import is_missing, means_missing, word_of


@pytest.mark.parametrize(
    "text",
    [
        "no stroke", "No_Stroke", "without stroke", "never had a stroke", "has not had a stroke",
        "hasn't had a stroke", "non-stroke", "nonstroke", "stroke-free", "free of stroke",
        "denies stroke", "stroke: no", "history of stroke: no", "no history of stroke",
        "negative for stroke", "no known stroke", "non-stroke controls", "control w/o stroke",
        "healthy, no stroke", "no history of neurological disease", "HC", "CTRL", "NT",
        "Healthy participants without neurological disease", "not a patient",
        "age-matched healthy controls", "Non-disabled control",
        "healthy volunteers with no history of stroke, TIA or neurological disorders",
    ],
)  # fmt: skip
def test_who_is_said_to_have_had_no_stroke_is_a_control(text):
    assert group_of(text) == "control"


@pytest.mark.parametrize(
    "text",
    [
        "stroke", "Patient", "PAT", "Pt", "chronic stroke", "stroke survivor", "infarct",
        "acute stroke patients (1-30 days post-stroke)", "stroke without aphasia",
        "stroke (no visible lesion)", "Acute ischemic stroke", "patient, first-ever stroke",
        "Participants with chronic stroke (> 6 months), no other neurological disease",
    ],
)  # fmt: skip
def test_who_had_a_stroke_is_a_patient_whatever_else_is_denied(text):
    assert group_of(text) == "patient"


@pytest.mark.parametrize(
    "text",
    [
        "not a control", "not healthy", "no previous stroke", "no acute stroke", "stroke mimic",
        "stroke?", "possible stroke", "at risk of stroke", "caregiver of stroke patient",
        "stroke control", "control condition", "sham control", "PD patients", "cancer survivors",
        "patients without stroke", "anything but stroke", "stroke excluded", "0 strokes",
        "stroke: 0", "pre-stroke", "not without stroke", "stroke or control", "intervention", "P",
        "C", "1", "none", "unknown", "no stroke, PD patients", "",
    ],
)  # fmt: skip
def test_what_may_mean_either_is_not_understood(text):
    assert group_of(text) is None


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("sex", "Female sex at birth", "female"),
        ("sex", "not male", None),
        ("sex", "non-female", None),
        ("sex", "male?", None),
        ("sex", "male, female at birth", None),
        ("lesion_side", "Left MCA territory", "left"),
        ("lesion_side", "unilateral right", "right"),
        ("lesion_side", "left hemiparesis", None),
        ("lesion_side", "unaffected: left", None),
        ("lesion_side", "contralesional left", None),
        ("lesion_side", "L>R", None),
        ("paretic_side", "left upper limb", "left"),
        ("paretic_side", "right hemiparesis", "right"),
        ("paretic_side", "left stroke", None),
        ("paretic_side", "healthy side: left", None),
        ("paretic_side", "non-paretic: right", None),
        ("paretic_side", "L?", None),
        ("paretic_side", "left-handed", None),
        ("lesion_side", "right handedness", None),
        ("handedness", "Right-handed", "right"),
        ("handedness", "not right-handed", None),
    ],
)
def test_a_word_that_is_denied_doubted_or_of_the_other_kind_is_not_taken(name, text, word):
    assert word_of(name, text) == word


def test_meanings_that_say_there_is_no_value():
    told = ["Missing data", "not tested (pain)", "Refused", "unknown", "not available", "N/A"]
    assert all(map(means_missing, told))
    kept = ["No symptoms", "Unable to walk without assistance", "none", "not missing", "0"]
    assert not any(map(means_missing, kept))


def test_cells_that_say_there_is_no_value():
    assert all(map(is_missing, [".", "unknown", "not done", "None", "NULL", "missing"]))
    assert not any(map(is_missing, ["0", "no", "left", "not male", "12"]))
