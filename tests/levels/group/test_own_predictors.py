"""Predictors that an experiment names: who has which, and what lesions add to them."""

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

OWN = """
base = "baselines"
name = "own"
[target]
score = "fma_ue"
task = "regression"
controls = "exclude"
[inputs]
columns = {columns}
mirror_lesion_to = "none"
[model]
rungs = ["prevalence", "own", "disconnection", "own_lesion"]
final = "own_lesion"
[validation]
folds = 3
repeats = 2
permutations = 0
"""


@pytest.fixture
def cohort(fake_cohort, tmp_path):
    """The cohort: half of the score is by a bundle, half by a scale that its table declares."""
    shutil.copytree(fake_cohort.raw, tmp_path / "raw")
    shutil.copytree(fake_cohort.output, tmp_path / "derivatives")
    rng = np.random.default_rng(0)
    path = tmp_path / "raw" / "participants.tsv"
    table = pd.read_csv(path, sep="\t")
    cut = rng.uniform(0, 1, len(table))
    shrug = rng.integers(0, 6, len(table)).astype(float)
    table["fma_ue"] = np.rint(20 + 40 * (1 - np.sqrt(cut)) / 2 + 4 * shrug).clip(0, 66)
    shrug[3] = np.nan
    table["shrug"] = shrug
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")
    (tmp_path / "scores.toml").write_text(
        '[shoulder]\ncolumn = "shrug"\nminimum = 0\nmaximum = 5\nhigher_is_better = true\n'
    )
    for person, share in zip(table["participant_id"], cut, strict=True):
        features = tmp_path / "derivatives" / person / f"{person}_desc-features.tsv"
        own = pd.read_csv(features, sep="\t")
        own["disconnection_corticospinal_tract_left"] = share
        own["disconnection_corticospinal_tract_right"] = 0.0
        own.to_csv(features, sep="\t", index=False)
    return replace(fake_cohort, raw=tmp_path / "raw", output=tmp_path / "derivatives")


def settings(cohort, level, columns='["shoulder"]', **changes):
    home = cohort.raw.parent
    path = home / "own.toml"
    path.write_text(OWN.format(columns=columns))
    if level == "group":
        changes["experiments"] = (str(path),)
    return cohort.settings(level, scores_map=home / "scores.toml", **changes)


def test_the_joint_model_gains_by_what_either_part_knows_alone(cohort):
    results = {one.model: one.value for one in group.run(settings(cohort, "group"))}
    folder = cohort.output / "experiments" / "own"

    assert results["own_lesion"] > max(results["own"], results["disconnection"]) + 0.1
    added = pd.read_csv(folder / "added.tsv", sep="\t").set_index("reference")
    assert set(added.index) == {"own", "disconnection"}
    assert (added["difference"] > 0).all()
    assert added[["low", "high"]].notna().all(axis=None)
    gain = results["own_lesion"] - results["own"]
    assert added.loc["own", "difference"] == pytest.approx(gain, abs=1e-4)
    page = (folder / "report.html").read_text()
    assert "What each part adds to the other" in page
    assert "which the experiment says are known before" in page


def test_the_bundle_reads_the_same_predictors_of_new_people(cohort):
    group.run(settings(cohort, "group"))
    model = cohort.output / "experiments" / "own" / "model"
    assert json.loads((model / "model.json").read_text())["metadata"]["inputs"]["columns"] == [
        "shoulder"
    ]

    told = predict.run(settings(cohort, "predict", models=(model,)))

    scores = pd.read_csv(cohort.raw / "participants.tsv", sep="\t").set_index("participant_id")
    given = pd.Series({f"sub-{one.participant.removeprefix('sub-')}": one.value for one in told})
    patients = scores[scores["group"] == "patient"].index
    assert np.corrcoef(given[patients], scores.loc[patients, "fma_ue"])[0, 1] > 0.8


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ('["fma_ue"]', "fma_ue is what is predicted"),
        ('["nihss"]', "nihss is not known for anybody"),
    ],
)
def test_predictors_that_cannot_be_are_refused(cohort, columns, message):
    with pytest.raises(DataError, match=message):
        group.run(settings(cohort, "group", columns))


@pytest.mark.parametrize("columns", [["NIHSS"], ["nihss", "nihss"], "nihss", [3]])
def test_columns_are_a_list_of_scores(columns):
    with pytest.raises(UsageError, match="a list without repeats of scores"):
        Experiment.read({"name": "x", "inputs": {"columns": columns}}, "here")
