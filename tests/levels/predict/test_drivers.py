"""What drove a prediction is told in words, in a table, and of the training people as a group."""

import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.features.samples import Samples
from motor_bids_app.levels.predict import level as predict
from motor_bids_app.levels.predict.drivers import drivers, told_sum, undriven
from motor_bids_app.levels.predict.earlier_people import similar, usual_errors
from motor_bids_app.levels.predict.report import result, verdict
from motor_bids_app.models.opened.contributions import Sum, Term
from motor_bids_app.models.tables.classical import TableClassifier
from motor_bids_app.privacy import OLDEST
from motor_bids_app.reports.experiment import gate

from .test_predict_tables import newcomers, train

LABELS = [True] * 20 + [False] * 20
KEPT = {
    "classes": ["good", "poor"],
    "conformal": {"level": 0.9},
    "cv_plus": {  # the poor were given 0.9, the good 0.2
        "errors": [0.1] * 20 + [0.2] * 20,
        "folds": [k % 5 for k in range(40)],
        "poor": LABELS,
    },
    "target": {"unit": "points"},
}


@pytest.fixture
def demographics():
    """A model of age."""
    years = np.linspace(40.0, 80.0, 20)
    people = [f"sub-{k}" for k in range(20)]
    table = pd.DataFrame({"participant_id": people, "group": "patient", "age": years})
    model = TableClassifier(columns=("age",)).fit(Samples(table), np.arange(20) % 3 > 0)
    return SimpleNamespace(members=(model,))


@pytest.mark.parametrize(("value", "n_poor"), [(0.95, 13), (0.1, 0)])
def test_people_like_this_are_those_of_similar_probability(value, n_poor):
    assert "Of the 13 training patients" in similar(KEPT, value)
    assert similar(KEPT, value).endswith(f"{n_poor} had a poor outcome.")


def test_few_people_are_not_told_of():
    few = {**KEPT, "cv_plus": {name: values[10:34] for name, values in KEPT["cv_plus"].items()}}
    assert similar(few, 0.9) == ""


def test_errors_of_scores_are_told_as_quantiles():
    scores = {**KEPT, "classes": None}
    assert usual_errors(scores).startswith("For half of the training patients it was off by up to")
    assert usual_errors(KEPT) == ""


def test_values_are_told_as_they_were_measured():
    terms = (
        Term("lesion_volume", 0.4, np.log1p(48.0), np.log1p(20.0)),
        Term("disconnection_fornix_left", 0.2, 0.5, 0.1),
        Term("age", 0.1, 97.0, 60.0),
        Term("tract_load", 0.0, np.nan, 0.3),
    )
    found = {one.name: (one.value, one.usual) for one in drivers(Sum(0.0, terms), "disconnection")}

    assert found["Lesion volume"] == ("48 ml", "20 ml")
    assert found["Cut share of the fornix, worse side"] == ("0.25", "0.0100")
    assert found["Age"][0] == "89+ years"
    assert found["Share of the corticospinal tract that is lesioned"][0] == "missing"


def test_no_contribution_tells_an_age_above_89(demographics):
    def terms(age):
        table = pd.DataFrame({"participant_id": ["sub-1"], "group": "patient", "age": age})
        return told_sum(demographics, Samples(table)).terms

    assert terms(97.0) == terms(91.5) != terms(89.0)
    assert terms(97.0)[0].value > OLDEST  # shown as 89+


def test_a_network_says_that_it_cannot_tell():
    assert "is a network" in undriven(None, {"model": "karakis2023"})
    assert undriven(Sum(0.0, (Term("age", 1.0),)), {"model": "demographics"}) == ""


@pytest.mark.parametrize(("low", "found"), [(0.6, gate.ALONE), (0.4, gate.CHANCE)])
def test_an_earlier_bundle_is_judged_by_its_performance(low, found):
    metadata = {
        "task": "classification",
        "classes": ["good", "poor"],
        "training": {"n_patients": 60},
        "performance": [
            {
                "metric": "roc_auc",
                "population": "patients",
                "value": 0.8,
                "low": low,
                "high": 0.9,
                "noise_floor": 0.1,
            }
        ],
    }
    assert verdict(metadata) == found
    assert verdict({**metadata, "verdict": gate.VOID.words}) == gate.VOID


@pytest.mark.parametrize(
    ("tested", "said"), [({"n_people": 14}, "in 14 of 60 patients."), ({}, "in 60 patients.")]
)
def test_performance_is_of_the_patients_who_were_tested(tested, said):
    row = {"metric": "roc_auc", "population": "patients", "value": 0.8, "low": 0.6, "high": 0.9}
    metadata = {"task": "classification", "training": {"n_patients": 60}}
    assert result({**metadata, "performance": [{**row, **tested}]}).endswith(said)


def test_contributions_are_a_table_that_adds_up_to_differences_of_people(fake_cohort, tmp_path):
    shutil.copytree(fake_cohort.raw, tmp_path / "raw")
    model = train(fake_cohort, tmp_path, "", ["prevalence", "combined"])
    new = newcomers(fake_cohort, tmp_path, "participant_id\tage\nsub-bad\t60\nsub-fine\t90\n")
    predict.run(new.settings("predict", models=(model,)))
    folder = new.output / "predictions" / "quick"
    table = pd.read_csv(folder / "contributions.tsv", sep="\t").set_index("participant_id")
    told = pd.read_csv(folder / "predictions.tsv", sep="\t").set_index("participant_id")
    odds = np.log(told["probability"] / (1 - told["probability"]))
    sums = table.groupby("participant_id")["contribution"].sum()

    assert sums["sub-bad"] - sums["sub-fine"] == pytest.approx(
        odds["sub-bad"] - odds["sub-fine"], abs=1e-3
    )
    ages = table[table["input"] == "age"]["value"]
    assert ages["sub-bad"] == 60
    assert np.isnan(ages["sub-fine"])  # above 89
    page = (folder / "report.html").read_text()
    assert "Lesion volume" in page
    assert "Brains were mirrored" not in page
