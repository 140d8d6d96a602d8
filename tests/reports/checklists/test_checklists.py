"""What is said of a run comes from the run; what software cannot know is left open."""

import json
import re
from dataclasses import fields, replace

import pytest

from motor_bids_app.reports.checklists import (
    CHECKLISTS,
    RunFacts,
    checklist_json,
    render_checklist,
)

ONE = RunFacts(
    dataset="cohort A",
    experiment="first",
    description="Simple models.",
    question="Who is poor?",
    reference="Smith 2020",
    task="classification",
    target="FMA-UE < 27",
    score="Fugl-Meyer (points)",
    cutoff_source="Woodbury 2013",
    controls="good",
    n_scans=31,
    n_people=30,
    n_patients=24,
    n_controls=6,
    n_poor=11,
    excluded={"no fma_ue": 3},
    sites=("Rome", "Oslo"),
    characteristics={"age (years)": "mean 61, SD 9, n = 30"},
    missing={"age": 2},
    maps=("fa", "gm"),
    mask="brain",
    resolution=4,
    mirror="right",
    space="MNI",
    processing={"gibbs": False},
    models={"kernel": "Kernel"},
    left_out={"Demographics": "needs age"},
    final="Kernel",
    estimator="KernelClassifier",
    predictors=("age",),
    parameters={"penalties": "1, 10"},
    network={"balance": "weights"},
    n_members=1,
    scheme="repeated kfold",
    repeats=10,
    folds=5,
    people_per_test="5 to 6",
    seed=0,
    permutations=1000,
    metrics={"patients": {"AUC": "0.80 (0.70 to 0.88)"}},
    calibration={"Calibration slope": "0.90 (0.50 to 1.30)"},
    coverage=("Coverage at 90%: 91%.",),
    sample_sizes=("Demographics takes 100 people.",),
    planning=("With 30 people ...",),
    learning=("Learning curve: 0.7, 0.8.",),
    headline="The model told poor from good, AUC 0.80.",
    comparison="Kernel beats tract load.",
    chance="Better than chance (p = 0.01).",
    noise_floor=0.22,
    thresholds=(0.05, 0.6),
    audit={"passed": 7, "warning": 1},
    findings=("Sites differ.",),
    libraries={"motor_bids_app": "0.1.0", "numpy": "2.2"},
)


def changed(value):
    """Another value of the same kind, in all its parts."""
    if isinstance(value, str):
        return f"other {value}"
    if isinstance(value, int | float):
        return value + 7
    if isinstance(value, dict):
        return {f"other {key}" if key not in _KEYS else key: changed(v) for key, v in value.items()}
    return tuple(changed(part) for part in value)


_KEYS = {"patients", "balance", "motor_bids_app"}  # names that answers ask for
OTHER = replace(
    ONE,
    **{f.name: changed(getattr(ONE, f.name)) for f in fields(ONE) if f.name != "controls"},
)
EVERY_ITEM = [
    pytest.param(checklist, place, id=f"{checklist.name} {item.number}")
    for checklist in CHECKLISTS
    for place, item in enumerate(checklist.items)
]


@pytest.mark.parametrize(("checklist", "place"), EVERY_ITEM)
def test_what_is_said_from_a_run_changes_with_the_run(checklist, place):
    """A constant sentence would claim what the software cannot know."""
    one, other = checklist.fill(ONE)[place], checklist.fill(OTHER)[place]

    if one.item.say is None:
        assert (one.from_run, one.state) == ("", "open")
    else:
        assert one.from_run != other.from_run


@pytest.mark.parametrize("checklist", CHECKLISTS, ids=lambda checklist: checklist.name)
def test_every_item_is_filled_or_says_what_to_write(checklist):
    for one in checklist.fill(ONE):
        assert one.from_run or one.for_authors
        assert (one.state == "filled") == (one.for_authors == "")


def test_an_item_without_values_in_the_run_is_open():
    without = replace(ONE, sites=(), network={}, calibration={})
    states = {
        (checklist.name, one.item.number): one.state
        for checklist in CHECKLISTS
        for one in checklist.fill(without)
    }

    assert states["tripod-ai", "12d"] == "open"  # clusters
    assert states["tripod-ai", "13"] == "open"  # balance
    assert states["model-card", "7.2"] == "open"  # calibration


def test_no_permutation_test_is_claimed_where_none_was_made():
    without = replace(ONE, permutations=0, chance="")
    said = {
        (checklist.name, one.item.number): one.from_run
        for checklist in CHECKLISTS
        for one in checklist.fill(without)
        if "permutation" in one.from_run
    }

    assert said
    assert all("no permutation test of this model" in text for text in said.values())


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("tripod-ai", ["1", "12g", "18f", "23b", "27c"]),
        ("claim-2024", ["1", "20", "33", "44"]),
        ("probast-ai", ["D 1.3", "D 4.5", "E 3.4", "E 4.7"]),
    ],
)
def test_items_carry_the_numbers_of_the_publication(name, numbers):
    (checklist,) = (one for one in CHECKLISTS if one.name == name)
    known = [item.number for item in checklist.items]

    assert len(known) == len(set(known)) == {"tripod-ai": 52, "claim-2024": 44}.get(name, 16 + 18)
    assert set(numbers) <= set(known)


def test_ethics_funding_and_consent_are_never_filled():
    for checklist in CHECKLISTS:
        for item in checklist.items:
            if re.search("ethic|fund|consent|registr|blind|conflict", item.topic, re.IGNORECASE):
                assert item.say is None, item.number


def test_risk_of_bias_is_not_judged_by_the_software():
    (probast,) = (one for one in CHECKLISTS if one.name == "probast-ai")

    assert "filled" not in {one.state for one in probast.fill(ONE)}


@pytest.mark.parametrize("checklist", CHECKLISTS, ids=lambda checklist: checklist.name)
def test_page_and_json_say_the_same(checklist, read_page):
    content = json.loads(json.dumps(checklist_json(checklist, ONE)))
    text = read_page(render_checklist(checklist, ONE)).text

    assert sum(content["counts"].values()) == len(content["items"])
    for item in content["items"]:
        assert " ".join(item["from_run"].split()) in text
        assert item["for_authors"] in text


def test_texts_of_the_run_cannot_become_markup():
    evil = replace(ONE, dataset="<script>alert(1)</script>")

    assert not any("<script>alert" in render_checklist(checklist, evil) for checklist in CHECKLISTS)
