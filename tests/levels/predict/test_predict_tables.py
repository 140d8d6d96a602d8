"""Models that read scores and features alone."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from motor_bids_app.errors import IncompleteRunError
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.predict import level as predict
from motor_bids_app.levels.predict.gaps import not_harmonised
from motor_bids_app.settings import Selection

from ..conftest import describe, record_processing, write_scan

QUICK = """
base = "baselines"
name = "quick"
[target]
score = "fma_ue"
[inputs]
maps = ["fa"]
{inputs}
[model]
rungs = {rungs}
[validation]
folds = 3
repeats = 2
"""


def train(cohort, folder, inputs, rungs):
    """Folder of the model of an experiment."""
    shutil.copytree(cohort.output, folder / "derivatives")
    trained = replace(cohort, output=folder / "derivatives", raw=folder / "raw")
    (folder / "quick.toml").write_text(QUICK.format(inputs=inputs, rungs=json.dumps(rungs)))
    group.run(trained.settings("group", experiments=(str(folder / "quick.toml"),)))
    return trained.output / "experiments" / "quick" / "model"


def newcomers(cohort, folder, table):
    """Two new people with these tables."""
    new = replace(cohort, raw=folder / "new_raw", output=folder / "out")
    describe(new.raw)
    record_processing(new.output)
    for label, damage in (("bad", 0.95), ("fine", 0.05)):
        write_scan(new.output, label, damage, np.random.default_rng(9))
    (new.raw / "participants.tsv").write_text(table)
    return new


@pytest.fixture
def persistence(fake_cohort, tmp_path):
    """A model that predicts FMA-UE from the NIHSS, which follows it."""
    shutil.copytree(fake_cohort.raw, tmp_path / "raw")
    path = tmp_path / "raw" / "participants.tsv"
    table = pd.read_csv(path, sep="\t")
    nihss = np.where(table["group"] == "patient", (66 - table["fma_ue"]) // 4, np.nan)
    table.assign(nihss=nihss).to_csv(path, sep="\t", index=False, na_rep="n/a")
    return train(fake_cohort, tmp_path, 'baseline_score = "nihss"', ["prevalence", "persistence"])


def test_a_baseline_score_predicts_new_people(persistence, fake_cohort, tmp_path):
    table = "participant_id\tnihss\nsub-bad\t15\nsub-fine\t1\n"
    found = predict.run(
        newcomers(fake_cohort, tmp_path, table).settings("predict", models=(persistence,))
    )

    value = {one.participant: one.value for one in found}
    assert value["sub-bad"] > 0.8
    assert value["sub-fine"] < 0.2


def test_people_without_the_baseline_score_are_named_with_what_is_missing(
    persistence, fake_cohort, tmp_path
):
    new = newcomers(fake_cohort, tmp_path, "participant_id\tnihss\nsub-bad\t15\nsub-fine\tn/a\n")

    with pytest.raises(IncompleteRunError, match="sub-fine: The model predicts from nihss"):
        predict.run(new.settings("predict", models=(persistence,)))
    written = pd.read_csv(new.output / "predictions" / "quick" / "predictions.tsv", sep="\t")
    assert written["participant_id"].tolist() == ["sub-bad"]


def test_a_site_that_was_not_harmonised_is_told(fake_cohort, tmp_path):
    shutil.copytree(fake_cohort.raw, tmp_path / "raw")
    path = tmp_path / "raw" / "participants.tsv"
    table = pd.read_csv(path, sep="\t")
    sites = np.where(np.arange(len(table)) % 2, "A", "B")
    table.assign(site=sites).to_csv(path, sep="\t", index=False, na_rep="n/a")
    model = train(fake_cohort, tmp_path, 'harmonise = "combat"', ["prevalence", "regional"])
    told = newcomers(fake_cohort, tmp_path, "participant_id\tsite\nsub-bad\tA\nsub-fine\tC\n")
    found = predict.run(told.settings("predict", models=(model,)))

    notes = {one.participant: "not harmonised" in " ".join(one.notes) for one in found}
    assert notes == {"sub-bad": False, "sub-fine": True}
    assert all(
        f"{name} is missing, and set to the median" in " ".join(found[0].notes)
        for name in ("age", "sex")
    )


def test_a_site_that_some_networks_did_not_learn_is_told():
    both, one = (SimpleNamespace(combat_=SimpleNamespace(sites_=s)) for s in ("ab", "a"))
    ensemble = SimpleNamespace(networks_=[[both, one], [one, both]])
    there = pd.DataFrame({"site": ["b"]})

    assert "2 of 4 networks" in not_harmonised([ensemble], there)[0]
    assert "1 of 2 networks" in not_harmonised([both, one], there)[0]
    assert "was not in training" in not_harmonised([one, one], there)[0]
    assert not_harmonised([ensemble], there.assign(site="a")) == ()
    assert not_harmonised([SimpleNamespace(combat_=None)], there) == ()


def test_a_person_lacking_a_feature_is_predicted_alike_alone_and_with_others(fake_cohort, tmp_path):
    shutil.copytree(fake_cohort.raw, tmp_path / "raw")
    model = train(fake_cohort, tmp_path, "", ["prevalence", "regional"])
    new = newcomers(fake_cohort, tmp_path, "participant_id\tage\nsub-bad\t60\nsub-fine\t60\n")
    path = new.output / "sub-bad" / "sub-bad_desc-features.tsv"
    table = pd.read_csv(path, sep="\t").drop(columns="fa_corticospinal_tract_right")
    table.to_csv(path, sep="\t", index=False)
    both = predict.run(new.settings("predict", models=(model,)))
    alone = predict.run(
        new.settings("predict", models=(model,), selection=Selection(participants=("bad",)))
    )

    assert both[0].value == alone[0].value
    assert "1 features are missing" in " ".join(alone[0].notes)
