"""Trainings on processes and in shards: the same bytes, nothing trained twice, deaths explained."""

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from motor_bids_app import engine
from motor_bids_app.errors import DataError, UsageError, WorkerDiedError
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.levels import hardware
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.group import units
from motor_bids_app.levels.group.checkpoints import FolderCheckpoints
from motor_bids_app.levels.group.explanation.collect import Explainer
from motor_bids_app.levels.group.rehearsal import Asked
from motor_bids_app.levels.group.trainings import trainings_of
from motor_bids_app.models.networks.deep import NetworkClassifier
from motor_bids_app.models.training.train import SteppedNet
from motor_bids_app.settings import ProcessingSettings, Resources, Selection, Settings
from motor_bids_app.spaces.grids import Grid

from ..conftest import contents

N_PEOPLE, SHAPE = 16, (6, 6, 6)
TINY = {"widths": (2, 2, 2, 2), "n_residuals": 0, "hidden": 2, "epochs": 1, "dropout": 0.2}
POOR = np.arange(N_PEOPLE) % 2
EXPERIMENT = """
base = "karakis2023"
name = "network"
[inputs]
maps = ["fa"]
resolution = 4
[model]
rungs = ["prevalence"]
widths = [2, 2, 2, 2]
n_residuals = 0
hidden = 2
[training]
epochs = 1
trainings = 1
[validation]
scheme = "repeated_kfold"
folds = 2
repeats = 1
permutations = 0
refits = 1
[comparisons]
layers = []
[explanation]
methods = ["gradcam"]
people_per_test = 1
[as_published]
protocols = ["one-model-scores-all-folds"]
"""
# In each of two folds, of labels as they are and permuted too; on everyone. The one model for all
# folds is that of the first fold.
TRAININGS = 2 + 2 * 2 + 1


class Killed(NetworkClassifier):
    """A network that ends its process, as systems do that run out of memory."""

    def fit(self, X, y):
        os.kill(os.getpid(), signal.SIGKILL)


class Faulty(NetworkClassifier):
    """A network that cannot be trained on these people."""

    def fit(self, X, y):
        raise DataError("These people cannot be used.")


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Maps in a file, as in an experiment."""
    path = tmp_path_factory.mktemp("units") / "maps.npy"
    data = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(N_PEOPLE, 2, *SHAPE))
    data[:] = np.random.default_rng(0).normal(size=data.shape)
    store = VolumeStore.empty(N_PEOPLE, ("fa", "gm"), Grid(SHAPE, np.eye(4)), data)
    store.present[:] = True
    table = pd.DataFrame({"participant_id": [f"sub-{k:02d}" for k in range(N_PEOPLE)]})
    return Samples(table.assign(age=60.0, sex=1.0, time_since_stroke=3.0), store.volumes())


def asked(samples, folder, *kinds):
    """One training of each kind of network."""
    kept = FolderCheckpoints(folder / "checkpoints")
    return [
        Asked("net", "cross-validation", training, samples)
        for number, kind in enumerate(kinds)
        for training in trainings_of(
            kind(**TINY, random_state=number, checkpoints=kept), samples, POOR
        )
    ]


def settings(**resources):
    return Settings(
        bids_dir=Path(),
        output_dir=Path(),
        level="group",
        resources=Resources(device="cpu", **resources),
        processing=ProcessingSettings(omp_nthreads=torch.get_num_threads()),
    )


def test_trainings_are_left_where_a_model_finds_them(samples, tmp_path, monkeypatch):
    (one,) = asked(samples, tmp_path, NetworkClassifier)
    units.do_apart(settings(), "x", [one], tmp_path)
    expected = NetworkClassifier(**TINY).fit(samples, POOR).predict_proba(samples)

    monkeypatch.setattr(SteppedNet, "fit_loop", None)
    found = one.training.network.fit(samples, POOR).predict_proba(samples)

    np.testing.assert_array_equal(found, expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints"]


def test_processes_open_the_file_of_the_maps_instead_of_a_copy(samples, tmp_path):
    path = units._write(tmp_path, asked(samples, tmp_path, NetworkClassifier, NetworkClassifier))

    first, second = units._read(path)

    assert first.samples is second.samples
    assert first.samples.volumes.store.data.filename == samples.volumes.store.data.filename
    assert path.stat().st_size < samples.volumes.store.data.nbytes


def test_errors_of_a_training_arrive_as_they_are(samples, tmp_path):
    with pytest.raises(DataError, match="These people cannot be used"):
        units.do_apart(settings(), "x", asked(samples, tmp_path, Faulty), tmp_path)


@pytest.mark.slow
def test_a_training_that_ends_its_process_is_named_and_the_others_are_done(
    samples, tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))  # workers look for `Killed`
    some = asked(samples, tmp_path, NetworkClassifier, Killed, NetworkClassifier)

    with pytest.raises(WorkerDiedError, match=r"Training 2 of 3 \(net, cross-validation: network"):
        units.do_apart(settings(n_procs=2), "x", some, tmp_path)

    assert len(list((tmp_path / "checkpoints").iterdir())) == 2


def test_gpus_are_dealt_to_the_workers_of_one_machine(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert hardware.fold_devices("cuda") == ("cuda:0", "cuda:1", "cuda:2")
    assert hardware.fold_devices("cuda:1") == ("cuda:1",)
    assert hardware.fold_devices("cpu") == ("cpu",)
    assert units.processes(Resources(n_procs=8)).n_procs == 3
    assert units.processes(Resources(n_procs=8, device="cuda:1")).n_procs == 1
    monkeypatch.setattr(units, "worker_number", lambda: 4)
    assert units._device(Resources()) == "cuda:1"
    assert units._device(Resources(engine="dask:tcp://a:1")) == "cuda:0"


def test_outside_of_workers_the_number_is_that_of_the_first():
    assert engine.worker_number() == 0


def copied(cohort, folder):
    shutil.copytree(cohort.output, folder / "out")
    (folder / "network.toml").write_text(EXPERIMENT)
    return replace(cohort, output=folder / "out")


def run(cohort, folder, **changes):
    """Run the experiment; return all of its files."""
    given = {"experiments": (str(folder / "network.toml"),), "resources": Resources(device="cpu")}
    group.run(cohort.settings("group", **given | changes))
    return contents(cohort.output / "experiments" / "network")


@pytest.fixture(scope="module")
def alone(fake_cohort, tmp_path_factory):
    """What one process writes."""
    folder = tmp_path_factory.mktemp("alone")
    return run(copied(fake_cohort, folder), folder)


@pytest.fixture
def trained(monkeypatch):
    """Trainings that are begun or gone on with in this process."""
    fit_loop, begun = SteppedNet.fit_loop, []

    def counted(net, *args, **kw):
        begun.append(net)
        return fit_loop(net, *args, **kw)

    monkeypatch.setattr(SteppedNet, "fit_loop", counted)
    return begun


@pytest.fixture
def explained(monkeypatch):
    """Looks at networks that are had in this process; each test set has one."""
    mean_map, had = Explainer._mean_map, []

    def counted(*args, judge=True):
        had.extend([1] if judge else [])
        return mean_map(*args, judge=judge)

    monkeypatch.setattr(Explainer, "_mean_map", counted)
    return had


@pytest.mark.slow
@pytest.mark.parametrize("n_procs", [2, 4])
def test_on_several_processes_an_experiment_is_the_same_and_the_first_trains_and_explains_nothing(
    fake_cohort, tmp_path, alone, trained, explained, n_procs
):
    found = run(
        copied(fake_cohort, tmp_path), tmp_path, resources=Resources(n_procs=n_procs, device="cpu")
    )

    assert found.keys() == alone.keys()
    assert [path for path in alone if found[path] != alone[path]] == []
    assert trained == explained == []


@pytest.mark.slow
def test_two_shards_and_a_last_run_are_the_same_though_one_shard_was_stopped(
    fake_cohort, tmp_path, alone, trained, explained, monkeypatch
):
    cohort, work = copied(fake_cohort, tmp_path), tmp_path / "work"
    save = FolderCheckpoints.save

    def stopped(*args):
        save(*args)
        raise KeyboardInterrupt

    run(cohort, tmp_path, work_dir=work, selection=Selection(shard=(1, 2)))
    with monkeypatch.context() as patch:
        patch.setattr(FolderCheckpoints, "save", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(cohort, tmp_path, work_dir=work, selection=Selection(shard=(2, 2)))
    assert not (cohort.output / "experiments").exists()
    assert len(trained) == 4 + 1  # of the first share, and of the second before it was stopped
    assert len(explained) == 1  # by the training of the first share

    found = run(cohort, tmp_path, work_dir=work)

    assert [path for path in alone if found[path] != alone[path]] == []
    assert (len(trained), len(explained)) == (TRAININGS, 2)
    assert not (work / "checkpoints" / "network").exists()


def test_there_is_nothing_to_share_without_networks(fake_cohort, tmp_path):
    with pytest.raises(UsageError, match="no experiment trains one"):
        group.run(
            fake_cohort.settings("group", work_dir=tmp_path, selection=Selection(shard=(1, 2)))
        )
