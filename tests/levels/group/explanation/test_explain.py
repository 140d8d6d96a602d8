"""Attribution maps of a finished group level."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch

from motor_bids_app.levels.cohort.maps import brain_grid
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.group.checkpoints import FolderCheckpoints
from motor_bids_app.levels.group.explanation.collect import Explainer
from motor_bids_app.levels.group.explanation.looks import Look

pytest.importorskip("captum")

LINEAR = """
base = "baselines"
name = "linear"
[model]
rungs = ["prevalence", "kernel"]
[validation]
folds = 3
repeats = 2
permutations = 0
[explanation]
methods = ["weights", "pattern", "integrated_gradients", "gradcam"]
people_per_test = 4
"""
NETWORK = """
base = "karakis2023"
name = "network"
[inputs]
maps = ["fa", "gm"]
resolution = 4
[model]
rungs = ["prevalence"]
widths = [2, 2, 4, 4]
n_residuals = 0
hidden = 2
[training]
epochs = 1
trainings = 1
[validation]
scheme = "repeated_kfold"
folds = 2
repeats = 1
[explanation]
people_per_test = 2
[comparisons]
layers = []
[as_published]
protocols = []
"""
HOLDOUT = 'scheme = "repeated_holdout"\ntest_fraction = 0.3'
# Corners in mm of what the cohort has damaged at the left, mirrored as the experiment says.
DAMAGED = np.array([[14.0, -30, -8], [34, -10, 60]])


@pytest.fixture(scope="module")
def output(fake_cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("explanation")
    files = []
    holdout = LINEAR.replace('"linear"', '"holdout"').replace("folds = 3", HOLDOUT)
    holdout = holdout.replace("people_per_test = 4", "people_per_test = 50")
    for name, text in (("linear", LINEAR), ("network", NETWORK), ("holdout", holdout)):
        files.append(str(folder / f"{name}.toml"))
        (folder / f"{name}.toml").write_text(text)
    own = folder / "derivatives"
    shutil.copytree(fake_cohort.output, own)
    group.run(replace(fake_cohort, output=own).settings("group", experiments=tuple(files)))
    return own / "experiments"


def checks(folder):
    return pd.read_csv(folder / "explanation.tsv", sep="\t", na_values="n/a")


def test_maps_are_images_in_the_standard_space_with_a_sidecar(output):
    grid = brain_grid(4)
    for path in (output / "linear" / "maps").glob("*.nii.gz"):
        image = nib.load(path)
        assert image.shape[:3] == grid.shape
        np.testing.assert_allclose(image.affine, grid.affine)
        said = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
        assert said["SpatialReference"] == "MNI152NLin2009aSym"
        assert said["Units"]


def test_each_person_is_explained_once_and_no_more_than_wanted(output):
    people = [p.name.split("_")[0] for p in (output / "linear" / "maps").glob("sub-*.nii.gz")]
    assert len(people) == len(set(people)) == 3 * 4


def test_holdouts_explain_each_person_once_and_compare_models(output):
    """Every person who is ever tested, in the first test set with them."""
    splits = pd.read_csv(output / "holdout" / "splits.tsv", sep="\t")
    people = [p.name.split("_")[0] for p in (output / "holdout" / "maps").glob("sub-*.nii.gz")]
    assert sorted(people) == sorted(set(splits["participant_id"]))
    assert len(people) > splits.groupby("repeat").size().max()
    assert "stability" in set(checks(output / "holdout")["check"])


def test_contributions_of_a_person_sum_to_the_log_odds_against_the_average_brain(output):
    """A person whose map sums to more is more probably poor."""
    table = pd.read_csv(output / "linear" / "out_of_fold.tsv", sep="\t")
    table = table[(table["model"] == "kernel") & (table["repeat"] == 1)]
    table = table.set_index("participant_id")
    found = {}
    for path in (output / "linear" / "maps").glob("sub-*.nii.gz"):
        found[path.name.split("_")[0]] = float(np.asarray(nib.load(path).dataobj).sum())
    table["sum"] = pd.Series(found)
    for _, fold in table.dropna().groupby("fold"):
        odds = np.log(fold["prediction"] / (1 - fold["prediction"]))
        np.testing.assert_allclose(np.diff(odds), np.diff(fold["sum"]), atol=2e-3)


def test_the_planted_damage_is_found(output):
    pattern = np.asarray(
        nib.load(output / "linear" / "maps" / "group_desc-pattern_fa.nii.gz").dataobj
    )
    grid = brain_grid(4)
    voxel = np.unravel_index(np.abs(pattern).argmax(), pattern.shape)
    point = grid.affine[:3, :3] @ voxel + grid.affine[:3, 3]
    assert (point >= DAMAGED[0] - 4).all()
    assert (point <= DAMAGED[1] + 4).all()
    assert pattern[voxel] < 0  # poor people have less


def test_the_own_lesion_has_more_than_its_volume(output):
    table = checks(output / "linear")
    lesion = table[table["region"] == "lesion"].iloc[0]
    assert lesion["value"] > 3 * lesion["expected"]


@pytest.mark.parametrize("name", ["explanation", "explanation_peaks"])
def test_every_column_is_described(output, name):
    for experiment in ("linear", "network"):
        folder = output / experiment
        header = (folder / f"{name}.tsv").read_text().splitlines()[0].split("\t")
        assert list(json.loads((folder / f"{name}.json").read_text())) == header


def test_the_report_shows_maps_and_says_what_does_not_apply(output):
    page = (output / "linear" / "report.html").read_text()
    assert "What the model responds to" in page
    assert "does not apply to this kind of model: Grad-CAM" in page
    assert 'id="figure-explanation-weights"' in page
    assert 'id="figure-explanation-gradcam"' in (output / "network" / "report.html").read_text()


def test_a_network_is_explained_coarsely_and_finely_unless_something_else_is_asked_for(output):
    assert set(checks(output / "network")["method"]) == {"gradcam", "integrated_gradients"}
    assert len(list((output / "network" / "maps").glob("sub-*_desc-gradcam.nii.gz"))) == 4


def test_maps_that_no_network_sees_do_not_look_alike(monkeypatch):
    """An ensemble that chose one of two maps: the other is 0 in any of its explanations."""
    random = np.random.default_rng(0)

    def noise(*_, **__):
        values = random.normal(size=(1, 2, 8, 8, 8)).astype(np.float32)
        values[:, 1] = 0
        return Look(values, np.ones(1), *(np.zeros(0) for _ in range(4)))

    monkeypatch.setattr(Explainer, "_mean_map", noise)
    monkeypatch.setattr(Explainer, "add_person", lambda *_: None)
    explainer = object.__new__(Explainer)
    explainer.cohort = SimpleNamespace(maps=("fa", "gm"))
    explainer.mask = np.ones((8, 8, 8), dtype=bool)
    explainer.volumes = SimpleNamespace(grid=SimpleNamespace(shape=(8, 8, 8)))
    explainer.wanted = SimpleNamespace(methods=("gradcam",))
    explainer.refused, explainer.tallies, explainer.seed, explainer.place = set(), {}, 0, None

    network = SimpleNamespace(maps=("fa",), randomised=lambda seed: network)
    explainer._explain_networks([network], [0])

    assert abs(explainer.tallies["gradcam"].randomised[0]) < 0.2


def test_a_kept_look_is_not_found_after_maps_or_people_changed(monkeypatch, tmp_path):
    """The networks of an ensemble may see the same maps, while its explanation has others."""

    def mean_map(explainer, _, networks, rows, judge=True):
        values = np.zeros((len(rows), len(explainer.cohort.maps), 2, 2, 2), dtype=np.float32)
        return Look(values, np.ones(len(rows)), *(np.zeros(0) for _ in range(4)))

    monkeypatch.setattr(Explainer, "_mean_map", mean_map)
    inputs = (torch.zeros(1), torch.zeros(1))
    module = torch.nn.Linear(1, 1)
    network = SimpleNamespace(maps=("fa",), module=module, inputs=lambda _: inputs)

    def look(maps, row):
        explainer = object.__new__(Explainer)
        samples = np.zeros(9)
        explainer.cohort = SimpleNamespace(maps=maps, samples=samples)
        explainer.mask, explainer.seed = np.ones((2, 2, 2), dtype=bool), 0
        explainer.place = FolderCheckpoints(tmp_path)
        return explainer.look("gradcam", [network], [row], first=False).values.shape

    assert look(("fa", "md"), 0) == look(("fa", "md"), 0) == (1, 2, 2, 2, 2)
    assert len(list(tmp_path.iterdir())) == 1
    assert look(("md", "fa"), 0) == look(("fa", "md"), 3) == (1, 2, 2, 2, 2)
    assert look(("fa", "md", "gm"), 0) == (1, 3, 2, 2, 2)
    assert len(list(tmp_path.iterdir())) == 4
