"""From a participant with bold to states and predictions, by the levels alone."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd

from motor_bids_app.experiments.reading import parse_experiment
from motor_bids_app.levels.bundles import load_model
from motor_bids_app.levels.cohort.cohort import build_cohort
from motor_bids_app.levels.cohort.maps import map_library
from motor_bids_app.levels.cohort.participants import gather_participants
from motor_bids_app.levels.run import run_level
from motor_bids_app.settings import Selection

from .bold_cohort import make_bold_cohort

OTHERS, NEW = 7, "08"  # people of the experiment beside the one who was processed; a new person
TINY = """
base = "gao2025"
name = "tiny"
[inputs]
resolution = 4
[model]
rungs = ["prevalence", "kernel"]
widths = [2, 2, 2, 2]
convolutions = [1, 1, 1, 1]
hidden = 4
[training]
windows = 3
epochs = 1
[validation]
folds = 2
permutations = 20
[states]
numbers = [2, 3]
permutations = 10
"""


def check_chain(settings, folder):
    """Run group and predict with a person whom the participant level has processed.

    Others are added to the same derivatives as the level would leave them: their bold takes
    minutes each.
    """
    add_people(settings, folder / "others")
    experiment = folder / "tiny.toml"
    experiment.write_text(TINY)
    known = replace(
        settings,
        level="group",
        experiments=(str(experiment),),
        selection=Selection(excluded=(NEW,)),
    )
    run_level(known)
    found = settings.output_dir / "experiments" / "tiny"
    check_tables(found)
    check_page(found)
    run_level(replace(settings, level="predict", models=(found / "model",), selection=Selection()))
    predicted = read(settings.output_dir / "predictions" / "tiny" / "predictions.tsv")
    check_predictions(predicted.set_index("participant_id"), known, found / "model")


def add_people(settings, folder):
    """Put derivatives and rows of 8 people beside the one that is there."""
    others = make_bold_cohort(folder, OTHERS + 1, effect=1.5, seed=1)
    for home in others.output.glob("sub-*"):
        shutil.copytree(home, settings.output_dir / home.name)
    table = settings.bids_dir / "participants.tsv"
    rows = pd.concat([read(table), read(others.raw / "participants.tsv")])
    rows.to_csv(table, sep="\t", index=False, na_rep="n/a")


def read(path):
    return pd.read_csv(path, sep="\t")


def check_tables(found):
    """Each person is in one test set, and predicted once by every model; windows are counted."""
    splits, out_of_fold = read(found / "splits.tsv"), read(found / "predictions.tsv")
    people = {"sub-001", *(f"sub-{number:02d}" for number in range(1, OTHERS + 1))}
    assert set(splits["participant_id"]) == people
    assert splits.groupby("participant_id")["fold"].nunique().eq(1).all()
    assert set(out_of_fold["model"]) == {"prevalence", "nuisance", "kernel", "gao2025"}
    for _, own in out_of_fold.groupby("model"):
        assert sorted(own["participant_id"]) == sorted(people)
    ladder = read(found / "leakage_ladder.tsv").set_index(["protocol", "metric"])["n_counted"]
    assert ladder["right", "roc_auc"] == len(people)
    assert ladder["window-folds", "roc_auc"] == 3 * len(people)


def check_page(found):
    """States, the table of clusters and maps of everybody are there."""
    page = (found / "report.html").read_text()
    for words in (
        "States of connectivity",
        "p of the cluster, corrected",
        "Grad-CAM of the network of windows",
    ):
        assert words in page
    occupancy = read(found / "states" / "people.tsv").filter(regex="occupancy")
    np.testing.assert_allclose(occupancy.sum(axis=1), np.ones(OTHERS + 1), atol=1e-5)
    assert list((found / "states").glob("state-*_t.nii.gz"))
    assert len(list((found / "maps").glob("sub-*_desc-gradcam.nii.gz"))) == OTHERS + 1


def check_predictions(table, known, model):
    """The saved model says what it said in the group, knows its people, and tells a new one."""
    people = gather_participants(known)
    with map_library(people.scans, people.table, None) as library:
        cohort = build_cohort(people, parse_experiment(TINY, "tiny"), library)
        expected = load_model(model, "cpu").predict(cohort.samples)
    given = table.loc[cohort.samples.participants]
    np.testing.assert_allclose(given["probability"], expected, rtol=1e-5)
    assert (given["in_training"] == "yes").all()
    assert table.loc[f"sub-{NEW}", "in_training"] == "no"
    assert 0 < table.loc[f"sub-{NEW}", "probability"] < 1


def check_sidecars(settings, label):
    """Connectivity names its source, its seed and its windows."""
    paths = list(settings.output_dir.glob(f"sub-{label}/func/*boldmap.json"))
    assert len(paths) == 3
    for path in paths:
        said = json.loads(path.read_text())
        assert said["Sources"] == [f"bids:raw:sub-{label}/func/sub-{label}_task-rest_bold.nii.gz"]
        assert (said["WindowVolumes"], said["RepetitionTime"]) == (22, 2.0)
        assert said["SeedRequested"] == [-38.0, -22.0, 56.0]
