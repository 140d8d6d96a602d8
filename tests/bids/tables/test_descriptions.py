"""What a data dictionary says of a column."""

import pytest

from motor_bids_app.bids.tables.descriptions import (
    another_thing,
    contradiction,
    missing_codes,
    unit_told,
)


@pytest.mark.parametrize(
    "description",
    [
        {"Levels": {"0": "none", "-9": "not tested"}},
        {"Levels": {"-9": {"Description": "Missing"}}},
        {"Levels": {"-9": {"Label": "unknown"}}},
        {"MissingValues": ["-9"]},
        {"missing_value": -9},
        {"Annotations": {"MissingValues": ["-9"]}},
        {"Description": "NIHSS at admission (-9 = missing)"},
        {"Description": "NIHSS. Missing values are coded as -9."},
        {"Description": "NIHSS; \u22129: not done"},
        {"Description": "NIHSS, -9 if unknown"},
        {"Description": "NIHSS; unknown coded -9"},
    ],
)
def test_a_code_is_missing_wherever_the_dictionary_says_so(description):
    assert missing_codes(description) == ("-9",)


@pytest.mark.parametrize(
    "text",
    [
        "0 = no deficit, 42 = maximum",
        "items: 0 = not performed, 1 = partly, 2 = fully",
        "0: no response",
        "higher is worse; 6 is death",
    ],
)
def test_codes_with_a_meaning_are_not_missing(text):
    assert missing_codes({"Description": text}) == ()


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("age", {"Description": "Age at stroke onset"}),
        ("age", {"Description": "gestational age in weeks"}),
        ("fma_ue", {"Units": "%"}),
        ("fma_ue", {"Description": "FMA-UE as percentage of the maximum"}),
        ("fma_ue", {"Description": "Change of FMA-UE from baseline"}),
        ("fma_ue", {"Description": "Fugl-Meyer, sensory part"}),
        ("grip", {"Description": "of the unaffected hand"}),
        ("bbt", {"Description": "Blocks moved by the non-paretic arm"}),
        ("mrs", {"LongName": "Premorbid mRS"}),
        ("fma_ue", {"Description": "Fugl-Meyer: 0 = normal, 66 = no movement"}),
        ("fma_ue", {"Description": "higher scores indicate greater impairment"}),
        ("nihss", {"Description": "NIHSS, lower is worse"}),
        ("arat", {"Description": "ARAT, reverse scored"}),
        ("mrs", {"Levels": {"0": "Dead", "3": "Moderate disability", "6": "No symptoms"}}),
        ("lesion_side", {"Description": "Side of the hemiparesis"}),
        ("lesion_side", {"Description": "contralesional hemisphere"}),
        ("paretic_side", {"Description": "lesioned hemisphere"}),
        ("time_since_stroke", {"Description": "time from onset to hospital admission"}),
    ],
)
def test_a_description_may_contradict_the_name(name, description):
    assert contradiction(name, description)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("age", "age in years at time of scan, clamped to 89"),
        ("fma_ue", "Fugl-Meyer Assessment of Motor Recovery after Stroke, upper extremity"),
        ("fma_ue", "Fugl-Meyer Assessment of sensorimotor function"),
        ("fma_ue", "Fugl-Meyer, 0 to 66 (66: 100% normal)"),
        ("fma_ue", "higher scores mean improvement in function; a difference of 5 is relevant"),
        ("fma_ue", "0 = hemiplegia, 66 = normal; higher scores mean better function"),
        ("fma_ue", "items: 0 = no function, 1 = partly, 2 = full function"),
        ("nihss", "0 = no deficit; higher values are more severe strokes"),
        ("mrs", "0 = no symptoms, 5 = severe disability, 6 = death"),
        ("barthel", "0 = dependent, 100 = independent"),
        ("nihss", "NIH Stroke Score"),
        ("mrs", "Rankin score at discharge"),
        ("lesion_side", "lesioned hemisphere, contralateral to the paretic hand"),
        ("paretic_side", "Side of the body affected by the stroke"),
        ("time_since_stroke", "time between stroke and MRI"),
    ],
)
def test_a_description_that_fits_does_not(name, text):
    assert contradiction(name, {"Description": text}) == ""


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("fma_ue_percent", True),
        ("FMA-UE %", True),
        ("fmaUEPct", True),
        ("fma_ue_change", True),
        ("nonparetic_side", True),
        ("unaffected_hand", True),
        ("fma_ue_day90", False),
        ("nihss_24h", False),
        ("fma_ue_T1", False),
        ("lesion_side", False),
    ],
)
def test_names_of_what_begins_like_a_score(column, other):
    assert bool(another_thing(column)) == other


def test_a_unit_of_time_counts_only_where_it_is_stated():
    assert unit_told("Days since stroke") == "day"
    assert unit_told("time since stroke (months)") == "month"
    assert unit_told("at the visit of 3 months") == ""
    assert unit_told("in days or in weeks") == ""
