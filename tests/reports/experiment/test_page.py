from dataclasses import replace
from typing import get_args

import pandas as pd
import pytest

from motor_bids_app.reports.experiment.content import Block, Place
from motor_bids_app.reports.experiment.map_tables import subset_table
from motor_bids_app.reports.experiment.page import (
    ExperimentLink,
    GroupReport,
    render_comparison,
    render_experiment,
)
from motor_bids_app.reports.experiment.tables import (
    metric_cell,
    missing_table,
    recalibration_table,
    subgroup_table,
)
from motor_bids_app.reports.pages import Table


@pytest.fixture
def text(experiment, read_page):
    return read_page(render_experiment(experiment)).text


@pytest.fixture
def shown(experiment, read_page):
    """Function that gives the text of the page with a table among those of the models."""

    def render(table):
        block = Block(place="models", tables=(table,))
        return read_page(render_experiment(replace(experiment, blocks=(block,)))).text

    return render


def test_question_and_answer_come_first(text):
    top = text[: text.index("Sample characteristics")]

    assert "Who has a poor outcome?" in top
    assert "“Kernel” predicts poor outcome with an AUC of 0.80 (95 % interval 0.70 to 0.88)" in top
    assert "Better than chance, but no better than “Tract load”" in top
    assert "does not clearly differ from the best simpler model, “Tract load”" in top
    assert "What guessing would score" in top


def test_every_model_has_its_interval_in_patients_and_beside_them_with_controls(text):
    for population in ("patients,", "patients and healthy controls together,"):
        part = text[text.index(f"performance in {population}") :]
        for label in ("Share of poor outcomes", "Tract load", "Kernel"):
            assert label in part
    assert text.count("0.80 (0.70 to 0.88)") >= 4  # two metrics, two populations


def test_patients_come_before_the_table_that_counts_controls(text):
    places = [text.index(f"performance in patients{rest}") for rest in (",", " and healthy")]

    assert places == sorted(places)
    assert "too optimistic for the question asked" in text[places[1] :]


def test_the_ceiling_is_named_only_for_simulated_data(experiment, text, read_page):
    simulated = read_page(render_experiment(replace(experiment, ceiling=0.83))).text

    assert "simulated" not in text
    assert "no model can do better than AUC 0.83" in simulated


@pytest.mark.parametrize("place", get_args(Place))
def test_what_a_part_found_stands_in_its_section(place, experiment, read_page):
    table = Table(caption="Numbers.", columns=("A", "B"), rows=(("first", 1.5),))
    block = Block(
        place=place, title="A title", text="A text.", sentences=("A sentence.",), tables=(table,)
    )

    page = read_page(render_experiment(replace(experiment, blocks=(block,))))

    words = "A title A text. A sentence. Numbers. Numbers. A B first 1.5"
    assert words in page.text
    sections = {tag["id"] for tag in page.all("section")}
    assert {"published": "models"}.get(place, place) in sections
    assert sections & {"explanation", "states"} == {place} & {"explanation", "states"}


def test_limits_always_stand_on_the_page(text):
    assert "must not guide the care of a patient" in text


def test_findings_and_settings_are_shown(experiment, text):
    assert "no person in two folds passed Fine." in text
    assert experiment.configuration.strip() in text


def test_names_of_people_cannot_become_markup(experiment):
    evil = "<script>alert(1)</script>"
    excluded = pd.DataFrame({"participant_id": [evil], "reason": [evil]})

    html = render_experiment(
        replace(experiment, excluded=excluded, description=evil, warnings=(evil,))
    )

    assert "<script>alert" not in html


def test_people_who_were_left_out_count_once_whatever_their_scans(experiment, read_page):
    excluded = pd.DataFrame(
        {"participant_id": ["sub-1", "sub-1", "sub-2"], "reason": ["no map", "no map", "no score"]}
    )

    html = render_experiment(replace(experiment, excluded=excluded))

    assert "2 people were left out" in read_page(html).text


def test_the_same_experiment_gives_the_same_page(experiment):
    assert render_experiment(experiment) == render_experiment(experiment)


def test_the_comparison_links_to_each_report(answer, read_page):
    links = tuple(
        ExperimentLink(
            name=name,
            href=f"experiments/{name}/report.html",
            question="Who?",
            answer=answer,
            model_label="Kernel",
        )
        for name in ("baselines", "karakis2023")
    )

    page = read_page(
        render_comparison(
            GroupReport(dataset="cohort", experiments=links, failed={"gao2025": "No bold."})
        )
    )

    found = [link.get("href") for link in page.all("a")]
    assert "experiments/karakis2023/report.html" in found
    assert "AUC 0.80 (0.70 to 0.88)" in page.text
    assert "better than chance" in page.text
    assert "No bold." in page.text


def test_a_comparison_of_nothing_says_so(read_page):
    report = GroupReport(dataset="cohort", experiments=(), failed={"baselines": "No scores."})

    assert "No experiment has finished." in read_page(render_comparison(report)).text


def test_subgroups_show_their_interval_or_why_there_is_none(shown):
    rows = [
        ("sex", "female", "roc_auc", 0.81, 0.62, 0.95, 20, 8, None),
        ("site", "Bonn", "roc_auc", None, None, None, 6, 2, "too few: fewer than 10 people"),
    ]
    columns = [
        "characteristic",
        "group",
        "metric",
        "value",
        "low",
        "high",
        "n_people",
        "n_poor",
        "remark",
    ]
    groups = pd.DataFrame(rows, columns=columns)

    page = shown(subgroup_table(groups, "Kernel"))

    assert "sex female 20 8 0.81 (0.62 to 0.95)" in page
    assert "site Bonn 6 2 too few: fewer than 10 people" in page
    assert "nan" not in page.lower().split()


def test_what_is_missing_stands_beside_its_rule(shown):
    rows = [("fa map", 3, 2, 1, 30, "replaced by the mean map of the training fold")]
    columns = ["what", "n_missing", "n_patients", "n_controls", "n_people", "rule"]
    missing = pd.DataFrame(rows, columns=columns)

    page = shown(missing_table(missing))

    assert "fa map 3 of 30 2 1 replaced by the mean map of the training fold" in page


def test_calibration_is_shown_before_and_after(shown):
    rows = [
        (state, metric, value, value - 0.1, value + 0.1)
        for state, shift in (("before", 0.5), ("after", 0.0))
        for metric, value in (("brier", 0.2 + shift), ("calibration_slope", 1 + shift))
    ]
    table = pd.DataFrame(rows, columns=["probabilities", "metric", "value", "low", "high"])

    page = shown(recalibration_table(table, "Kernel"))

    assert "before 0.70 (0.60 to 0.80) 1.50 (1.40 to 1.60)" in page
    assert "after 0.20 (0.10 to 0.30) 1.00 (0.90 to 1.10)" in page


def test_subsets_of_maps_come_best_first(shown):
    table = pd.DataFrame(
        {
            "maps": ["fa", "gm", "fa + gm"],
            "n_maps": [1, 1, 2],
            "metric": "roc_auc",
            "value": [0.7, 0.6, 0.81],
        }
    )

    page = shown(subset_table(table, "roc_auc"))

    assert page.index("fa + gm 2 0.81") < page.index("fa 1 0.70") < page.index("gm 1 0.60")
    assert "the best of 3 subsets is best partly by chance" in page


def test_a_slope_without_an_upper_end_says_so():
    row = {"value": 0.7, "low": -0.4, "high": float("inf")}

    assert metric_cell(row) == "0.70 (-0.40 to no upper end)"
