from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.reports.prediction import PredictionReport, render_prediction

PEOPLE = pd.DataFrame(
    {
        "participant_id": ["sub-c4", "sub-p4"],
        "session_id": [None, "ses-1"],
        "predicted": [0.12, 0.81],
        "low": [0.02, float("nan")],
        "high": [0.3, float("nan")],
        "predicted_class": ["good", "poor"],
        "warning": [None, "Age 88 is outside the ages of training."],
    }
)
REPORT = PredictionReport(
    model="baselines",
    model_label="Kernel",
    task="classification",
    target="FMA-UE < 27",
    positive="poor",
    negative="good",
    predictions=PEOPLE,
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


def test_every_person_has_probability_class_and_warning(read_page):
    text = read_page(render_prediction(REPORT)).text

    assert "sub-c4 0.12 (0.02 to 0.30) good" in text
    assert "sub-p4 ses-1 0.81 poor Age 88 is outside" in text
    assert "sub-x It has no FA map." in text


def test_bars_are_as_long_as_the_probability(read_page):
    page = read_page(render_prediction(REPORT))

    assert [bar["style"] for bar in page.all("i")] == ["width:12.0%", "width:81.0%"]
    assert len(page.all("b")) == 1  # only one person has an interval


def test_the_caution_stands_before_the_numbers(read_page):
    text = read_page(render_prediction(REPORT)).text

    assert text.index("nothing here may guide the care of a patient") < text.index("sub-c4")


def test_provenance_and_performance_are_shown(read_page):
    text = read_page(render_prediction(REPORT)).text

    assert "AUC patients 0.80 0.70 to 0.88" in text
    assert "training people 50" in text
    assert "0.20 from chance" in text


def test_scores_are_given_in_their_unit_without_bars(read_page):
    report = replace(
        REPORT,
        task="regression",
        positive=None,
        negative=None,
        unit="points",
        predictions=PEOPLE.assign(predicted=[41.26, 12.0])[["participant_id", "predicted"]],
    )

    page = read_page(render_prediction(report))

    assert "41.3 points" in page.text
    assert not page.all("i")


def test_nobody_predicted_says_so(read_page):
    text = read_page(render_prediction(replace(REPORT, predictions=PEOPLE.iloc[:0]))).text

    assert "Nobody could be predicted." in text


@pytest.mark.parametrize("column", ["participant_id", "warning", "predicted_class"])
def test_texts_of_the_table_cannot_become_markup(column):
    evil = PEOPLE.assign(**{column: "<script>alert(1)</script>"})

    assert "<script" not in render_prediction(replace(REPORT, predictions=evil))


def test_what_a_constant_prediction_has_not_is_not_called_nan(read_page):
    constant = pd.DataFrame(
        {
            "metric": ["roc_auc", "calibration_slope"],
            "population": "patients",
            "value": [0.5, np.nan],
            "low": [0.5, np.nan],
            "high": [0.5, np.nan],
        }
    )
    page = render_prediction(replace(REPORT, performance=constant))

    assert ">nan" not in page
    assert ">n/a<" in page
