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
from motor_bids_app.levels.validate import level as validate

from ..conftest import make_cohort

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
    assert "What images add to your predictors" in page
    assert "which the experiment assumes are known before" in page


def with_table(cohort, rungs, columns, table):
    """Settings of an experiment that has a table of its own beside it."""
    home = cohort.raw.parent
    table.to_csv(home / "features.tsv", sep="\t", index=False, na_rep="n/a")
    text = OWN.format(columns=json.dumps(columns)).replace(
        "[inputs]", '[inputs]\ntable = "features.tsv"\nresolution = 4'
    )
    first, final = text.index("rungs"), text.index("[validation]")
    text = f"{text[:first]}rungs = {json.dumps(rungs)}\n{text[final:]}"
    (home / "own.toml").write_text(text)
    return cohort.settings("group", experiments=(str(home / "own.toml"),))


def test_a_table_beside_the_experiment_joins_the_maps_and_new_people(cohort):
    table = pd.read_csv(cohort.raw / "participants.tsv", sep="\t")
    rng = np.random.default_rng(1)
    scores = table["fma_ue"] + rng.normal(0, 8, len(table))
    given = pd.DataFrame({"participant_id": table["participant_id"], "Clinical score": scores})
    given["side"] = ["left", "right"] * (len(table) // 2)
    for k in range(30):
        given[f"chaco_{k}"] = rng.normal(size=len(table))
    columns = ["Clinical score", "side", "chaco_*"]
    run = with_table(cohort, ["prevalence", "kernel", "own_kernel"], columns, given)

    results = {one.model: one.value for one in group.run(run)}
    told = predict.run(
        cohort.settings(
            "predict",
            models=(cohort.output / "experiments" / "own" / "model",),
            predictors=cohort.raw.parent / "features.tsv",
        )
    )

    assert set(results) >= {"own", "kernel", "own_kernel"}
    assert results["own_kernel"] > 0.3
    folder = cohort.output / "experiments" / "own"
    added = pd.read_csv(folder / "added.tsv", sep="\t")
    assert added[["model", "reference"]].to_numpy().tolist() == [
        ["own_kernel", "own"],
        ["own_kernel", "kernel"],
    ]
    assert 'table = "features.tsv"' in (folder / "experiment.toml").read_text()
    patients = table.set_index("participant_id").query("group == 'patient'")["fma_ue"]
    values = pd.Series({f"sub-{one.participant.removeprefix('sub-')}": one.value for one in told})
    assert np.corrcoef(values[patients.index], patients)[0, 1] > 0.8
    with pytest.raises(DataError, match=r"Clinical score .of features.tsv., which no table has"):
        predict.run(
            cohort.settings("predict", models=(cohort.output / "experiments" / "own" / "model",))
        )


def test_the_outcome_in_other_units_is_refused(cohort):
    table = pd.read_csv(cohort.raw / "participants.tsv", sep="\t")
    given = table[["participant_id"]].assign(percent=100 * table["fma_ue"] / 66)
    run = with_table(cohort, ["prevalence", "tract_load"], ["percent"], given)
    with pytest.raises(DataError, match="own_percent is the predicted outcome in other units"):
        group.run(run)
    severity = pd.qcut(table["fma_ue"], 3, labels=["severe", "moderate", "mild"]).astype(str)
    given = table[["participant_id"]].assign(severity=severity)
    run = with_table(cohort, ["prevalence", "tract_load"], ["severity"], given)
    with pytest.raises(DataError, match="own_severity is the predicted outcome"):
        group.run(run)


def test_the_bundle_reads_the_same_predictors_of_new_people(cohort):
    group.run(settings(cohort, "group"))
    model = cohort.output / "experiments" / "own" / "model"
    (column,) = json.loads((model / "model.json").read_text())["metadata"]["inputs"]["columns"]
    assert (column["name"], column["type"]) == ("shoulder", "score")

    told = predict.run(settings(cohort, "predict", models=(model,)))

    scores = pd.read_csv(cohort.raw / "participants.tsv", sep="\t").set_index("participant_id")
    given = pd.Series({f"sub-{one.participant.removeprefix('sub-')}": one.value for one in told})
    patients = scores[scores["group"] == "patient"].index
    assert np.corrcoef(given[patients], scores.loc[patients, "fma_ue"])[0, 1] > 0.8


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ('["fma_ue"]', "fma_ue is the predicted score"),
        ('["nihss"]', "nihss is not known for anybody"),
    ],
)
def test_predictors_that_cannot_be_are_refused(cohort, columns, message):
    with pytest.raises(DataError, match=message):
        group.run(settings(cohort, "group", columns))


@pytest.mark.parametrize("columns", [[" nihss"], ["nihss", "nihss"], "nihss", [3]])
def test_columns_are_a_list_of_scores(columns):
    with pytest.raises(UsageError, match="a list without repeats of scores or headings"):
        Experiment.read({"name": "x", "inputs": {"columns": columns}}, "here")


NETWORK = """
base = "karakis2023"
name = "own"
[target]
score = "fma_ue"
task = "regression"
controls = "exclude"
[inputs]
columns = ["shoulder"]
maps = ["fa"]
resolution = 4
[model]
rungs = ["prevalence", "tract_load"]
widths = [4, 4, 4, 4]
n_residuals = 1
hidden = 4
[training]
epochs = 1
trainings = 1
[validation]
folds = 2
repeats = 1
permutations = 0
refits = 0
[comparisons]
layers = []
single_maps = false
masks = []
[as_published]
protocols = []
[explanation]
methods = ["gradcam"]
people_per_test = 1
"""


def test_a_network_that_is_told_predictors_is_compared_with_what_else_knows_them(cohort):
    (cohort.raw.parent / "own.toml").write_text(NETWORK)
    run = cohort.settings(
        "group",
        scores_map=cohort.raw.parent / "scores.toml",
        experiments=(str(cohort.raw.parent / "own.toml"),),
    )
    results = {one.model for one in group.run(run)}
    folder = cohort.output / "experiments" / "own"

    assert {"own", "kernel", "own_kernel", "karakis2023"} <= results
    added = pd.read_csv(folder / "added.tsv", sep="\t")
    assert ["karakis2023", "own"] in added[["model", "reference"]].to_numpy().tolist()
    told = predict.run(
        cohort.settings(
            "predict", models=(folder / "model",), scores_map=cohort.raw.parent / "scores.toml"
        )
    )
    notes = [note for one in told for note in one.notes if "shoulder" in note]
    assert notes == ["shoulder is missing, and set to the average of the training people"]


def test_another_cohort_is_judged_by_its_own_table(cohort, tmp_path):
    others = make_cohort(tmp_path / "others", seed=5)
    for one, seed in ((cohort, 1), (others, 2)):
        table = pd.read_csv(one.raw / "participants.tsv", sep="\t")
        noise = np.random.default_rng(seed).normal(0, 8, len(table))
        given = table[["participant_id"]].assign(clinic=table["fma_ue"] + noise)
        path = one.raw.parent / "features.tsv"
        given.to_csv(path, sep="\t", index=False)
        if one is cohort:
            group.run(with_table(cohort, ["prevalence", "own"], ["clinic"], given))
    model = cohort.output / "experiments" / "own" / "model"

    (found,) = validate.run(others.settings("validate", models=(model,), predictors=path))

    scored = found.scored.predictions
    assert np.corrcoef(scored.values[0], scored.truth)[0, 1] > 0.8
    with pytest.raises(DataError, match=r"which no table has.*--predictors"):
        validate.run(others.settings("validate", models=(model,)))
