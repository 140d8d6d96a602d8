from dataclasses import replace

import pandas as pd

from motor_bids_app.reports.experiment.content import Block
from motor_bids_app.reports.experiment.page import render_experiment
from motor_bids_app.reports.experiment.people import people_table

PEOPLE = pd.DataFrame(
    {
        "participant_id": ["sub-1", "sub-2"],
        "true": [1, 0],
        "predicted": [0.9, 0.7],
        "predicted_sd": [0.05, float("nan")],
    }
)


def test_the_worst_miss_stands_first():
    table = people_table(PEOPLE, "Kernel", "classification")
    assert table.rows == (
        ("sub-2", "good", "0.70", "n/a", "0.70"),
        ("sub-1", "poor", "0.90", "0.05", "0.10"),
    )


def test_people_lead_to_their_pages_where_there_are_some(experiment, read_page):
    block = Block(place="figures", tables=(people_table(PEOPLE, "Kernel", "classification"),))
    report = replace(experiment, blocks=(block,), person_pages={"sub-2": {"": "../../sub-2.html"}})
    links = [link["href"] for link in read_page(render_experiment(report)).all("a")]

    assert "../../sub-2.html" in links
    assert "../../sub-1.html" not in links


def test_a_person_of_several_sessions_leads_to_all_of_them(experiment, read_page):
    block = Block(place="figures", tables=(people_table(PEOPLE, "Kernel", "classification"),))
    pages = {"sub-2": {"ses-1": "../../a.html", "ses-2": "../../b.html"}}
    page = read_page(render_experiment(replace(experiment, blocks=(block,), person_pages=pages)))

    assert {"../../a.html", "../../b.html"} <= {link["href"] for link in page.all("a")}
    assert "sub-2 ( ses-1 , ses-2 )" in page.text
