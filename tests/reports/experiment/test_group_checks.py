import numpy as np
import pandas as pd
import pytest

from motor_bids_app.reports.experiment.group_checks import quality_strips, quality_table
from motor_bids_app.reports.experiment.page import CohortImages, GroupReport, render_comparison


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "participant_id": ["sub-1", "sub-2", "sub-3", "sub-4"],
            "session_id": [None] * 4,
            "snr_wm": [20.0, 22, 21, 5],
            "cnr": [np.nan, 3.1, 3.2, np.nan],
            "snr_b0": [np.nan] * 4,
            "outlier_in": [None, None, None, "snr_wm"],
        }
    )


def test_every_scan_with_a_value_is_a_mark_and_measures_without_any_are_left_out(table):
    figure = quality_strips(table, ["snr_wm", "cnr", "snr_b0"])

    people = [mark.person for mark in figure.marks]
    assert sorted(people) == ["sub-1", "sub-2", "sub-2", "sub-3", "sub-3", "sub-4"]
    assert b">snr wm<" in figure.data
    assert b"snr b0" not in figure.data


def test_marks_are_in_the_order_of_their_values(table):
    marks = quality_strips(table, ["snr_wm"]).marks

    by_place = [mark.person for mark in sorted(marks, key=lambda mark: mark.x)]
    assert by_place == ["sub-4", "sub-1", "sub-3", "sub-2"]


def test_marks_of_the_group_page_lead_to_people(table, read_page):
    strips = quality_strips(table, ["snr_wm"])
    images = CohortImages(n_people=4, n_with_lesion_mask=0, strips=strips)
    pages = {"sub-4": {"": "sub-4.html"}}

    html = render_comparison(
        GroupReport(dataset="d", experiments=(), images=images, person_pages=pages)
    )

    links = [one["href"] for one in read_page(html).all("a") if "tabindex" in one]
    assert links == ["sub-4.html"]
    assert "sub-3" not in html


def test_marks_and_rows_of_a_session_lead_to_the_page_of_that_session(table, read_page):
    visits = table.assign(
        participant_id="sub-4", session_id=["ses-1", "ses-2", "ses-3", "ses-4"], outlier_in=None
    )
    measures = ["snr_wm"]
    images = CohortImages(
        n_people=1,
        n_with_lesion_mask=0,
        strips=quality_strips(visits, measures),
        quality=quality_table(visits, measures),
    )
    pages = {"sub-4": {f"ses-{k}": f"sub-4_ses-{k}.html" for k in (1, 2, 3)}}

    page = read_page(
        render_comparison(
            GroupReport(dataset="d", experiments=(), images=images, person_pages=pages)
        )
    )

    by_name = {one["aria-label"]: one["href"] for one in page.all("a") if "tabindex" in one}
    assert by_name["sub-4 ses-2"] == "sub-4_ses-2.html"
    assert by_name["sub-4 ses-4"] == "sub-4_ses-1.html"  # which has no page of its own
    rows = [one["href"] for one in page.all("a") if "tabindex" not in one]
    assert [href for href in rows if href.startswith("sub-4")][:3] == [
        f"sub-4_ses-{k}.html" for k in (1, 2, 3)
    ]
