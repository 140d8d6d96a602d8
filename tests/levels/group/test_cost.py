"""What `group --dry-run` foretells is what is run."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from motor_bids_app.experiments.reading import load_preset
from motor_bids_app.levels.group import cost
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.group.estimators import Builder
from motor_bids_app.levels.group.foreseen import assumed_cohort, foreseen_people
from motor_bids_app.levels.group.run import make_builder
from motor_bids_app.levels.group.trainings import trainings_of
from motor_bids_app.levels.run import run
from motor_bids_app.models.instances import network as instances
from motor_bids_app.models.networks import model as networks
from motor_bids_app.models.training.batches import Batches
from motor_bids_app.models.training.course import Course
from motor_bids_app.settings import Resources

from .test_transfer import NETWORK

SEVERAL = NETWORK.replace("trainings = 1", "trainings = 2").replace(
    "permutations = 0", "permutations = 0\nrefits = 1"
)
ENSEMBLE = """
base = "cbam2025"
name = "ensemble"
[inputs]
maps = ["fa", "gm"]
resolution = 4
[model]
rungs = ["prevalence"]
recalibrate = "logistic"
widths = [2, 2, 2, 4]
n_residuals = 0
hidden = 4
[training]
epochs = 1
stop_after = 0
schedule = "constant"
validation_share = 0.25
[validation]
folds = 2
permutations = 0
[explanation]
people_per_test = 1
[as_published]
protocols = []
"""


def settings_of(cohort, folder, *texts, **changes):
    paths = []
    for number, text in enumerate(texts):
        paths.append(folder / f"{number}.toml")
        paths[-1].write_text(text)
    names = tuple(str(path) for path in paths)
    settings = cohort.settings("group", experiments=names, **changes)
    return replace(settings, resources=Resources(device="cpu"))


def foretold(settings):
    (experiment,) = group.load_experiments(settings.experiments)
    with foreseen_people(settings) as (_, people):
        return cost.experiment_cost(settings, experiment, people)[0]


@pytest.mark.slow
def test_as_many_networks_are_trained_as_were_foretold(fake_cohort, tmp_path, monkeypatch):
    text = (
        SEVERAL.replace("NAME", "several")
        .replace("MAPS", '["fa", "gm"]')
        .replace("layers = []", 'layers = []\nsingle_maps = true\nmasks = ["cst"]')
        .replace("protocols = []", 'protocols = ["controls-included", "test-set-stopping"]')
    )
    shutil.copytree(fake_cohort.output, tmp_path / "out")
    cohort = replace(fake_cohort, output=tmp_path / "out")
    settings = settings_of(cohort, tmp_path, text, work_dir=tmp_path / "work")
    rows = foretold(settings)
    steps = []

    def counted(network, criterion, dataset, validation, plan, **kw):
        steps.append(-(-len(dataset) // plan.batch_size) * plan.epochs)
        return train(network, criterion, dataset, validation, plan, **kw)

    train = networks.train
    monkeypatch.setattr(networks, "train", counted)
    group.run(settings)

    assert sum(row.fits for row in rows) == len(steps)
    assert sum(row.steps for row in rows) == sum(steps)
    by_purpose = {row.purpose: row.fits for row in rows}
    assert by_purpose["cross-validation"] == 2 * 2  # folds, trainings
    assert by_purpose["comparisons"] == 3 * 2 * 2  # two maps and a mask
    assert by_purpose["final model"] == 2


def test_inner_folds_maps_and_recalibration_are_counted(fake_cohort, tmp_path, monkeypatch):
    """As the estimator itself asks for trainings, none of which is done here."""
    settings, asked = settings_of(fake_cohort, tmp_path, ENSEMBLE), []

    def untrained(network, criterion, dataset, validation, plan, **kw):
        asked.append((len(dataset), len(Batches(dataset, plan.batch_size, 0))))
        return network.eval(), Course()

    monkeypatch.setattr(networks, "train", untrained)
    (experiment,) = group.load_experiments(settings.experiments)
    with foreseen_people(settings) as (_, people):
        cohort = people.cohort(experiment)
        (model,) = make_builder(settings, experiment, cohort, None).build("cbam2025")
        told = trainings_of(model, cohort.samples, cohort.y)
        model.fit(cohort.samples, cohort.y)

    assert len(told) == (1 + 5) * 2 * 5  # folds of the recalibration and all; maps; inner folds
    assert [(one.n_items, one.n_steps) for one in told] == asked


def test_both_networks_of_the_fusion_are_counted_in_each_inner_fold(monkeypatch):
    """As the estimator itself asks for trainings, none of which is done here."""
    pytest.importorskip("pytorchcv")
    asked = []

    def untrained(network, criterion, dataset, validation, plan, **kw):
        asked.append((len(dataset), len(Batches(dataset, plan.batch_size, 0))))
        return network.eval(), Course()

    monkeypatch.setattr(instances, "train", untrained)
    monkeypatch.setattr(
        instances.InstanceNetwork, "predict", lambda _, X: np.linspace(0.2, 0.8, len(X))
    )
    experiment = load_preset("shi2025")
    cohort = assumed_cohort(experiment, 12)
    builder = Builder(cohort=cohort, experiment=experiment, seed=0, device="cpu")
    (model,) = builder.build("shi2025")
    told = trainings_of(model, cohort.samples, cohort.y)
    model.fit(cohort.samples, cohort.y)

    assert len(told) == 2 * (3 + 1)
    assert [(one.n_items, one.n_steps) for one in told] == asked


def test_the_table_names_each_network_and_the_total(fake_cohort, tmp_path, capsys):
    text = NETWORK.replace("NAME", "one").replace("MAPS", '["fa"]')
    settings = settings_of(fake_cohort, tmp_path, text, ENSEMBLE, dry_run=True)
    before = sorted(fake_cohort.output.rglob("*"))

    run(settings)

    said = capsys.readouterr().out
    assert "26 people" in said
    assert "karakis2023" in said
    assert "cbam2025" in said
    assert "In all " in said
    assert sorted(fake_cohort.output.rglob("*")) == before


@pytest.mark.parametrize(("found", "count"), [(1, 100), (12, 12)])
def test_of_a_dataset_too_small_for_an_experiment_people_are_assumed(
    tmp_path, fake_cohort, found, count
):
    raw = tmp_path / "raw"
    for number in range(found):
        (raw / f"sub-{number:02d}").mkdir(parents=True)
    settings = replace(fake_cohort.settings("group"), bids_dir=raw, output_dir=tmp_path / "out")
    with foreseen_people(settings) as (said, people):
        assert people.n_people == count
        assert f"Assumed: {count} patients" in said


def test_without_derivatives_the_people_are_assumed_and_that_is_said(tmp_path, fake_cohort, capsys):
    raw = tmp_path / "raw"
    (raw / "sub-01").mkdir(parents=True)
    (raw / "dataset_description.json").write_text(json.dumps({"Name": "a", "BIDSVersion": "1.9.0"}))
    for number in range(2, 13):
        (raw / f"sub-{number:02d}").mkdir()
    text = NETWORK.replace("NAME", "one").replace("MAPS", '["fa"]')
    settings = settings_of(fake_cohort, tmp_path, text, dry_run=True)

    run(replace(settings, bids_dir=raw, output_dir=tmp_path / "out"))

    said = capsys.readouterr().out
    assert "Assumed: 12 patients" in said
    assert "12 people take part" in said
    assert not (tmp_path / "out").exists()


def test_a_run_without_networks_says_that_none_is_trained(fake_cohort, capsys):
    run(fake_cohort.settings("group", dry_run=True))
    assert "trains no network" in capsys.readouterr().out
