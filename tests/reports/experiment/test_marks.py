import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.reports.experiment.agreement import score_scatter
from motor_bids_app.reports.experiment.charts import probability_strips
from motor_bids_app.reports.experiment.page import render_experiment
from motor_bids_app.reports.experiment.paper import embedding_figure

MODELS = {"tract_load": "Tract load", "kernel": "Kernel"}


def strips(predictions):
    return probability_strips(predictions, MODELS, positive="poor", negative="good")


def scatter(predictions):
    one = predictions[predictions["model"] == "kernel"]
    return score_scatter(one, "Kernel", target="FMA-UE (points)")


def embedding(predictions):
    one = predictions[predictions["model"] == "kernel"]
    rng = np.random.default_rng(0)
    points = [
        pd.DataFrame(
            {"layer": layer, "participant_id": one["participant_id"], "x": x, "y": x[::-1]}
        )
        for layer in ("flatten", "dense1")
        for x in [rng.normal(size=len(one))]
    ]
    return embedding_figure(pd.concat(points, ignore_index=True), one)


@pytest.mark.parametrize(("draw", "times"), [(strips, 2), (scatter, 1), (embedding, 2)])
def test_every_person_is_marked_where_the_point_is_drawn(predictions, draw, times):
    figure = draw(predictions)
    found = re.findall(rb'<use xlink:href="[^"]*" x="([-0-9.]+)" y="([-0-9.]+)"', figure.data)
    drawn = np.array(found, dtype=float)

    people = [mark.person for mark in figure.marks]
    assert sorted(people) == sorted([f"sub-{number:02d}" for number in range(30)] * times)
    for mark in figure.marks:
        assert np.hypot(*(drawn - [mark.x, mark.y]).T).min() < 0.2


def test_a_mark_lies_where_the_value_of_its_person_is(predictions):
    figure = strips(predictions)
    kernel = figure.marks[-30:]  # the last model
    values = predictions[predictions["model"] == "kernel"].set_index("participant_id")["predicted"]

    by_place = [mark.person for mark in sorted(kernel, key=lambda mark: mark.x)]
    assert values[by_place].round(2).is_monotonic_increasing


def test_marks_of_people_with_a_page_are_links_and_others_are_not_named(
    experiment, predictions, read_page
):
    pages = {"sub-03": {"ses-1": "../../sub-03_ses-1.html"}}
    block = replace(experiment.blocks[1], figures=(strips(predictions),), tables=())

    html = render_experiment(replace(experiment, blocks=(block,), person_pages=pages))
    page = read_page(html)

    assert len(page.all("circle")) == len(MODELS)
    links = [one for one in page.all("a") if "tabindex" in one]
    assert {one["href"] for one in links} == {"../../sub-03_ses-1.html"}
    assert {one["aria-label"] for one in links} == {"sub-03"}
    assert "sub-04" not in html


def test_one_mark_of_a_chart_is_reached_by_tab(experiment, predictions, read_page):
    figure = strips(predictions)
    pages = {mark.person: {"": f"../../{mark.person}.html"} for mark in figure.marks}
    block = replace(experiment.blocks[1], figures=(figure,), tables=())
    page = read_page(render_experiment(replace(experiment, blocks=(block,), person_pages=pages)))

    stops = [one["tabindex"] for one in page.all("a") if "tabindex" in one]
    assert stops == ["0"] + ["-1"] * (len(figure.marks) - 1)


def test_without_pages_of_people_a_chart_is_nothing_but_an_image(experiment, predictions):
    block = replace(experiment.blocks[1], figures=(strips(predictions),))

    html = render_experiment(replace(experiment, blocks=(block,)))

    assert "<circle" not in html
    assert "leads to the page" not in html


def test_names_and_addresses_cannot_break_out_of_a_link(experiment, predictions, read_page):
    name = '"><script>x</script>'
    some = predictions.replace({"participant_id": {"sub-03": name}})
    block = replace(experiment.blocks[1], figures=(strips(some),), tables=())

    html = render_experiment(replace(experiment, blocks=(block,), person_pages={name: {"": name}}))

    assert len(read_page(html).all("script")) == 1  # that of the page
