import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from motor_bids_app.levels.group import level as group

LADDER = """
base = "baselines"
name = "ladder"
[model]
rungs = ["prevalence", "tract_load"]
[validation]
folds = 3
repeats = 2
permutations = 0
[as_published]
protocols = ["controls-included", "scan-folds", "one-model-scores-all-folds"]
n_people = 30
accuracy = 0.915
"""


def run(cohort, home, text):
    """Run an experiment whose results are kept in `home`; return their folder."""
    (home / "ladder.toml").write_text(text)
    own = replace(cohort, output=home / "derivatives")
    shutil.copytree(cohort.output, own.output, ignore=shutil.ignore_patterns("*.nii.gz"))
    group.run(own.settings("group", experiments=(str(home / "ladder.toml"),)))
    return own.output / "experiments" / "ladder"


@pytest.fixture(scope="module")
def folder(fake_cohort, tmp_path_factory):
    """A finished run with flawed protocols."""
    home = tmp_path_factory.mktemp("ladder")
    return run(fake_cohort, home, LADDER)


def read(folder, name):
    return pd.read_csv(folder / f"{name}.tsv", sep="\t")


def test_the_right_line_of_the_ladder_is_what_the_metrics_say_of_patients(folder):
    metrics = read(folder, "metrics").set_index(["model", "population", "metric"])
    ladder = read(folder, "leakage_ladder").set_index(["protocol", "metric"])

    for metric in ("roc_auc", "accuracy"):
        for column in ("value", "low", "high"):
            ours = ladder.loc[("right", metric), column]
            assert ours == pytest.approx(metrics.loc[("tract_load", "patients", metric), column])
        everyone = metrics.loc[("tract_load", "all", metric), "value"]
        assert ladder.loc[("controls-included", metric), "value"] == pytest.approx(everyone)


def test_every_flaw_is_called_optimistic_or_says_why_it_cannot_be_made(folder):
    ladder = read(folder, "leakage_ladder")

    assert set(ladder.loc[ladder["state"] == "optimistic", "protocol"]) == {
        "controls-included",
        "one-model-scores-all-folds",
        "all-of-these",
    }
    (left_out,) = ladder[ladder["state"] == "not applicable"].to_dict("records")
    assert (left_out["protocol"], left_out["reason"]) == (
        "scan-folds",
        "Every person has one scan.",
    )
    assert all(json.loads((folder / "leakage_ladder.json").read_text()).values())


def test_the_report_draws_the_ladder_and_the_audit_doubts_the_figure(folder):
    page = (folder / "report.html").read_text()

    assert 'id="figure-leakage-ladder"' in page
    assert "all others are optimistic" in page
    audit = read(folder, "audit").set_index("name")
    assert audit.loc["impossible-figures", "state"] == "warning"
    assert "accuracy 0.915" in audit.loc["impossible-figures", "finding"]


def test_a_recalibrated_model_is_put_to_the_same_flawed_protocols(fake_cohort, tmp_path):
    text = LADDER.replace("repeats = 2", "repeats = 1")
    text = text.replace("[model]", '[model]\nrecalibrate = "logistic"')
    text = text.replace('"scan-folds"', '"test-set-stopping", "best-of-trainings"')
    folder = run(fake_cohort, tmp_path, text)

    ladder = read(folder, "leakage_ladder").set_index("protocol")
    assert (ladder["state"].drop("published") != "not applicable").all()
    assert {"test-set-stopping", "best-of-trainings"} <= set(ladder.index)
    assert "without recalibration" in (folder / "report.html").read_text()
