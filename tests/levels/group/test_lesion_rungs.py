"""Rungs of lesions from derivatives to a bundle, learned on another scale of the score."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.predict import level as predict

RUNGS = """
base = "baselines"
name = "lesions"
[target]
task = "regression"
controls = "exclude"
transform = "sqrt"
[inputs]
maps = ["lesion"]
mirror_lesion_to = "none"
[model]
rungs = ["prevalence", "disconnection", "lesion_map", "lesion_gp"]
final = "{final}"
[validation]
folds = 3
repeats = 2
permutations = 20
"""


@pytest.fixture
def cohort(fake_cohort, tmp_path):
    """The cohort, whose features have two bundles too, one cut as the person is damaged."""
    shutil.copytree(fake_cohort.raw, tmp_path / "raw")
    shutil.copytree(fake_cohort.output, tmp_path / "derivatives")
    rng = np.random.default_rng(0)
    for path in (tmp_path / "derivatives").rglob("*_desc-features.tsv"):
        table = pd.read_csv(path, sep="\t")
        table["disconnection_corticospinal_tract_left"] = table["tract_load"]
        table["disconnection_corticospinal_tract_right"] = 0.0
        table["disconnection_vermis"] = rng.uniform(0, 0.1, len(table))
        table.to_csv(path, sep="\t", index=False)
    return replace(fake_cohort, raw=tmp_path / "raw", output=tmp_path / "derivatives")


def run(cohort, folder, final="disconnection", text=RUNGS):
    path = folder / "lesions.toml"
    path.write_text(text.format(final=final))
    return group.run(cohort.settings("group", experiments=(str(path),)))


@pytest.mark.parametrize("final", ["disconnection", "lesion_map"])
def test_lesion_rungs_learn_and_are_applied(cohort, tmp_path, final):
    results = run(cohort, tmp_path, final)
    folder = cohort.output / "experiments" / "lesions"

    found = {result.model: result.value for result in results}
    assert found["disconnection"] > 0.8
    assert found["prevalence"] < 0.1
    metrics = pd.read_csv(folder / "metrics.tsv", sep="\t")
    other = pd.read_csv(folder / "metrics_transformed.tsv", sep="\t")
    assert set(other["model"]) == set(metrics["model"])
    scale = other.set_index(["model", "metric"])["value"]
    errors = metrics[metrics["metric"] == "mae"].set_index("model")["value"]
    assert scale["disconnection", "mae"] < errors["disconnection"]  # of roots
    page = (folder / "report.html").read_text()
    assert "the square root of the score" in page
    tests = pd.read_csv(folder / "permutation.tsv", sep="\t").set_index("model")
    assert {"disconnection", "lesion_map"} <= set(tests.index)
    assert "lesion_gp" not in tests.index
    index = json.loads((folder / "model" / "model.json").read_text())
    assert index["metadata"]["target"]["transform"] == "sqrt"
    told = predict.run(cohort.settings("predict", models=(folder / "model",)))
    assert all(0 <= one.value <= 66 for one in told)
    assert np.ptp([one.value for one in told]) > 20


def test_rungs_without_lesion_maps_or_bundles_say_what_they_lack(fake_cohort, tmp_path):
    shutil.copytree(fake_cohort.output, tmp_path / "derivatives")
    own = replace(fake_cohort, output=tmp_path / "derivatives")
    text = RUNGS.replace('["lesion"]', '["fa"]').replace('"lesion_gp"', '"tract_load"')

    results = run(own, tmp_path, "tract_load", text)

    assert {result.model for result in results} == {"prevalence", "nuisance", "tract_load"}


def test_a_transform_is_of_scores_alone():
    with pytest.raises(UsageError, match=r'set task = "regression"'):
        Experiment.read({"name": "x", "target": {"transform": "log1p"}}, "here")


def test_a_score_that_can_be_negative_has_no_logarithm(cohort, tmp_path):
    declared = '[change]\ncolumn = "change"\nminimum = -10\nmaximum = 10\nhigher_is_better = true\n'
    path = cohort.raw / "participants.tsv"
    table = pd.read_csv(path, sep="\t", dtype=str)
    table.assign(change=[str(k % 9 - 4) for k in range(len(table))]).to_csv(
        path, sep="\t", index=False, na_rep="n/a"
    )
    (tmp_path / "scores.toml").write_text(declared)
    text = RUNGS.replace("[target]", '[target]\nscore = "change"')
    (tmp_path / "lesions.toml").write_text(text.format(final="disconnection"))
    settings = cohort.settings(
        "group",
        experiments=(str(tmp_path / "lesions.toml"),),
        scores_map=tmp_path / "scores.toml",
    )

    with pytest.raises(DataError, match="for scores from 0 upwards"):
        group.run(settings)
