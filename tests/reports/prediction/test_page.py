"""The page of predictions says in words what may be said, and gives no number beyond that."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.reports.experiment import gate
from motor_bids_app.reports.prediction.content import Driver, Person, PredictionReport
from motor_bids_app.reports.prediction.page import render_prediction
from motor_bids_app.reports.prediction.sentences import sentence

POOR = Person(
    participant="sub-p4",
    session="ses-1",
    predicted=0.81,
    called="poor",
    possible=("poor", "good"),
    answer="widened",
    unlike=("age",),
    notes=("Age 88 is outside the ages of training.",),
    drivers=(
        Driver("Lesion volume", 1.5, "48 ml", "20 ml"),
        Driver("Age", -0.5, "44 years", "61 years"),
        Driver("Sex", 0.0, "1", "0.5"),
    ),
)
GOOD = Person(participant="sub-c4", predicted=0.12, called="good", possible=("good",))
REPORT = PredictionReport(
    model="baselines",
    model_label="Kernel",
    task="classification",
    target="FMA-UE < 27",
    verdict=gate.ALONE,
    people=(GOOD, POOR),
    driven="In log odds.",
    skipped=pd.DataFrame({"participant_id": ["sub-x"], "reason": ["It has no FA map."]}),
    performance=pd.DataFrame(
        {
            "metric": ["roc_auc"],
            "population": ["patients"],
            "value": [0.8],
            "low": [0.7],
            "high": [0.88],
        }
    ),
    noise_floor=0.2,
    provenance={"training people": 50, "bundle hash": "3fa9"},
)
SCORE = Person(participant="sub-1", predicted=41.26, interval=(30.0, 52.0))
REGRESSION = replace(
    REPORT, task="regression", target="FMA-UE", unit="points", span=(0.0, 66.0), people=(SCORE,)
)
ORDINAL = replace(
    REPORT,
    task="ordinal",
    ordered=("none", "mild", "moderate", "severe"),
    people=(Person(participant="sub-1", predicted=2.6, interval=(1.2, 3.3), called="severe"),),
)


def words(report, **changes):
    return sentence(report, replace(report.people[0], **changes))


def test_one_sentence_says_what_is_likely_what_is_possible_and_what_is_odd():
    assert sentence(REPORT, POOR) == (
        "Most likely a poor outcome; a good one cannot be ruled out; unlike the training group in "
        "age, so that less can be ruled out."
    )
    assert sentence(REPORT, GOOD) == "Most likely a good outcome; a poor one is unlikely."


def test_ordered_classes_are_named_as_far_as_the_interval_goes():
    assert words(ORDINAL) == "Most likely severe; mild and moderate cannot be ruled out."
    assert words(ORDINAL, interval=(-0.2, 3.4)) == (
        "Most likely severe; no class can be ruled out."
    )
    assert words(ORDINAL, interval=(2.6, 2.9)) == (
        "Most likely severe; every other class is unlikely."
    )


def test_a_score_is_said_with_its_interval_and_a_wide_one_as_saying_little():
    assert words(REGRESSION) == "Most likely about 41.3 points; 30 to 52 cannot be ruled out."
    assert "of little use" in words(REGRESSION, interval=(2.0, 66.0))


@pytest.mark.parametrize("verdict", [gate.CHANCE, gate.FEW, gate.VOID])
@pytest.mark.parametrize("report", [REPORT, REGRESSION, ORDINAL])
def test_a_model_that_is_not_better_than_chance_gives_no_number(report, verdict, read_page):
    distrusted = replace(report, verdict=verdict, people=report.people[:1])
    text = read_page(render_prediction(distrusted)).text

    assert f"No usable prediction: {verdict.words}." in text
    assert "Most likely a" not in text
    assert format(report.people[0].predicted, ".3g") not in text


@pytest.mark.parametrize(
    ("report", "changes"),
    [
        (REGRESSION, {"interval": None}),
        (REGRESSION, {"predicted": float("nan")}),
        (REPORT, {"possible": None}),
    ],
)
def test_without_limits_there_is_no_number(report, changes, read_page):
    person = replace(report.people[0], **changes)
    text = read_page(render_prediction(replace(report, people=(person,)))).text

    assert "its uncertainty is unknown" in text
    assert "41" not in text
    assert "0.12" not in text


def test_training_people_and_refused_ones_are_told_no_prediction():
    assert words(REPORT, in_training=True).startswith("No prediction: the model was trained on")
    refused = words(REPORT, predicted=None, answer="refused", unlike=("age", "site"))
    assert refused == "No prediction was made; unlike the training group in age and site."


def test_a_healthy_control_is_called_one():
    assert words(REPORT, control=True).startswith("Healthy control: the")


def test_inputs_are_listed_by_what_they_add_and_towards_what(read_page):
    page = read_page(render_prediction(REPORT))

    assert "Lesion volume 48 ml 20 ml towards poor (+1.50)" in page.text
    assert "Age 44 years 61 years towards good (-0.50)" in page.text
    assert "Sex" not in page.text  # it added nothing
    lengths = [bar["style"] for bar in page.all("i") if bar.get("class") in ("up", "down")]
    assert lengths == ["width:100.0%", "width:33.3%"]


def test_what_cannot_be_told_of_inputs_is_said(read_page):
    report = replace(REPORT, undriven="This model is a network.", people=(GOOD,))
    assert "This model is a network." in read_page(render_prediction(report)).text


def test_the_picture_has_the_number_and_its_interval_in_place(read_page):
    page = read_page(render_prediction(REGRESSION))

    assert {"style": "left:62.5%"} in page.all("i")
    assert page.all("b") == [{"style": "left:45.5%;width:33.3%"}]


def test_the_caution_stands_before_the_numbers(read_page):
    text = read_page(render_prediction(REPORT)).text

    assert text.index("may guide patient care") < text.index("sub-c4")


def test_provenance_and_performance_are_shown(read_page):
    text = read_page(render_prediction(REPORT)).text

    assert "AUC patients 0.80 0.70 to 0.88" in text
    assert "training people 50" in text
    assert "0.20 above chance" in text
    assert "sub-x It has no FA map." in text


def test_nobody_predicted_says_so(read_page):
    assert (
        "Nobody could be predicted."
        in read_page(render_prediction(replace(REPORT, people=()))).text
    )


def test_texts_cannot_become_markup():
    evil = "<script>alert(1)</script>"
    person = replace(
        POOR, participant=evil, called=evil, notes=(evil,), drivers=(Driver(evil, 1.0, evil),)
    )
    assert evil not in render_prediction(replace(REPORT, people=(person,)))


def test_a_thousand_people_are_one_table_that_scrolls_and_fits_on_paper(read_page):
    people = tuple(replace(POOR, participant=f"sub-{k:04d}") for k in range(1000))
    html = render_prediction(replace(REPORT, people=people))

    assert len(html) < 4e6
    assert not any("open" in tag for tag in read_page(html).all("details"))
    assert "people tall paper-off" in html


def test_what_a_constant_prediction_has_not_is_not_called_nan():
    constant = pd.DataFrame(
        {
            "metric": ["roc_auc", "calibration_slope"],
            "population": "patients",
            "value": [0.5, np.nan],
            "low": [0.5, -np.inf],
            "high": [0.5, np.inf],
        }
    )
    page = render_prediction(replace(REPORT, performance=constant))

    assert ">nan" not in page
    assert "inf to" not in page
    assert ">n/a<" in page
