import pandas as pd

from motor_bids_app.reports.experiment.stopped import StoppedReport, render_stopped

AUDIT = pd.DataFrame(
    [
        (
            "duplicates",
            "no image or recording under two participants",
            "failed",
            "2 share an image.",
        ),
        ("site", "the site alone does not predict", "warning", "Sites differ."),
    ],
    columns=["name", "check", "state", "finding"],
)
REPORT = StoppedReport(
    name="mine", question="Who?", n_people=12, audit=AUDIT, stopping=("duplicates",)
)


def test_the_page_says_why_and_how_to_go_on(read_page):
    text = read_page(render_stopped(REPORT)).text

    assert text.index("2 share an image.") < text.index("Sites differ.")
    assert "--allow duplicates runs the experiment anyway" in text
    assert "earlier run" not in text


def test_results_of_an_earlier_run_are_named(read_page):
    report = StoppedReport(**{**vars(REPORT), "leftovers": ("metrics.tsv", "model")})

    assert "also holds metrics.tsv, model." in read_page(render_stopped(report)).text
