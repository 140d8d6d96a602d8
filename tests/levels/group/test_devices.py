"""Folds dealt to several devices; processes of the CPU stand in for GPUs."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator

from motor_bids_app.errors import DataError
from motor_bids_app.evaluation.crossvalidation import cross_validate
from motor_bids_app.evaluation.fitting import fit_in_turn
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.levels import hardware
from motor_bids_app.levels.group import level as group
from motor_bids_app.levels.group.devices import fitting_on
from motor_bids_app.models.networks.deep import NetworkClassifier
from motor_bids_app.models.training.train import SteppedNet
from motor_bids_app.spaces.grids import Grid

N_PEOPLE, SHAPE = 16, (6, 6, 6)
TINY = {"widths": (2, 2, 2, 2), "n_residuals": 0, "hidden": 2, "epochs": 2, "dropout": 0.2}
POOR = np.arange(N_PEOPLE) % 2


class Remembering(BaseEstimator):
    """Remembers where it was fitted, to whom, and what the maps were."""

    def __init__(self, device="cpu", fails=""):
        self.device = device
        self.fails = fails

    def fit(self, X, y):
        if self.fails == "data":
            raise DataError("These people cannot be used.")
        if self.fails == "killed":
            os._exit(1)
        self.place_, self.process_ = self.device, os.getpid()
        self.seen_, self.threads_ = (X.participants.tolist(), y.tolist()), torch.get_num_threads()
        self.file_ = getattr(X.volumes.store.data, "filename", None)
        self.mean_ = float(X.volumes.mean().mean())
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class ShortOfMemory(NetworkClassifier):
    """A network whose first step does not fit into the memory of the second device."""

    def fit(self, X, y):
        step, failed = SteppedNet._step, []
        given = self.random_state == 1

        def first_fails(net, batch, **params):
            if given and not failed:
                failed.append(net.n_parts)
                raise torch.OutOfMemoryError("no memory")
            self.parts_ = net.n_parts
            return step(net, batch, **params)

        SteppedNet._step = first_fails
        try:
            return super().fit(X, y)
        finally:
            SteppedNet._step = step


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Maps in a file, as in an experiment."""
    path = tmp_path_factory.mktemp("devices") / "maps.npy"
    data = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(N_PEOPLE, 2, *SHAPE))
    data[:] = np.random.default_rng(0).normal(size=data.shape)
    store = VolumeStore.empty(N_PEOPLE, ("fa", "gm"), Grid(SHAPE, np.eye(4)), data)
    store.present[:] = True
    table = pd.DataFrame({"participant_id": [f"sub-{k:02d}" for k in range(N_PEOPLE)]})
    return Samples(table.assign(age=60.0, sex=1.0, time_since_stroke=3.0), store.volumes())


@pytest.fixture(scope="module", autouse=True)
def importable():
    """The processes look for the estimators of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2]))
        yield


@pytest.fixture(scope="module")
def team(importable):
    with fitting_on(("cpu", "cpu:0")) as fit:
        yield fit


def halves(n):
    """Training scans of n test sets."""
    return [np.arange(N_PEOPLE) % n != k for k in range(n)]


@pytest.mark.slow
def test_each_fold_is_fitted_on_its_device_and_the_order_is_kept(team, samples):
    jobs = [(Remembering(), rows) for rows in halves(5)]

    found = list(team(jobs, samples, POOR))

    expected = list(fit_in_turn(jobs, samples, POOR))
    assert [one.place_ for one in found] == ["cpu", "cpu:0", "cpu", "cpu:0", "cpu"]
    assert [one.seen_ for one in found] == [one.seen_ for one in expected]
    assert [one.mean_ for one in found] == [one.mean_ for one in expected]
    processes = [one.process_ for one in found]
    assert processes == [processes[0], processes[1]] * 2 + processes[:1]
    assert len({*processes, os.getpid()}) == 3
    assert {one.threads_ for one in found} == {torch.get_num_threads()}


@pytest.mark.slow
def test_processes_read_the_file_of_the_maps_instead_of_a_copy(team, samples):
    (found,) = team([(Remembering(), np.ones(N_PEOPLE, dtype=bool))], samples, POOR)
    assert found.file_ == samples.volumes.store.data.filename


@pytest.mark.slow
def test_networks_predict_as_if_they_were_trained_one_after_the_other(team, samples):
    people = samples.participants
    splits = pd.DataFrame({"repeat": 1, "fold": np.arange(N_PEOPLE) % 3, "participant_id": people})
    models = [NetworkClassifier(**TINY, random_state=seed) for seed in (0, 1)]

    together = cross_validate(models, samples, POOR, splits, fit=team)

    pd.testing.assert_frame_equal(
        together, cross_validate(models, samples, POOR, splits), check_exact=True
    )


@pytest.mark.slow
def test_a_device_out_of_memory_halves_its_own_batches(team, samples):
    everyone = np.ones(N_PEOPLE, dtype=bool)
    jobs = [(ShortOfMemory(**TINY, batch_size=8, random_state=k), everyone) for k in (0, 1)]
    assert [model.parts_ for model in team(jobs, samples, POOR)] == [1, 2]


@pytest.mark.slow
def test_errors_of_a_fold_arrive_as_they_are(team, samples):
    jobs = [(Remembering(fails="data"), np.ones(N_PEOPLE, dtype=bool))]
    with pytest.raises(DataError, match="These people cannot be used"):
        list(team(jobs, samples, POOR))


@pytest.mark.slow
def test_a_process_that_was_killed_is_explained(team, samples):
    jobs = [(Remembering(fails="killed"), np.ones(N_PEOPLE, dtype=bool))]
    with pytest.raises(DataError, match=r"ran out of memory\. Use one GPU"):
        list(team(jobs, samples, POOR))


def test_folds_are_dealt_to_all_gpus_unless_one_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert hardware.fold_devices("cuda") == ("cuda:0", "cuda:1", "cuda:2")
    assert hardware.fold_devices("cuda:1") == ("cuda:1",)
    assert hardware.fold_devices("cpu") == ("cpu",)


def test_on_one_device_folds_are_fitted_in_turn():
    with fitting_on(("cuda",)) as fit:
        assert fit is fit_in_turn


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
trainings = 2
[validation]
scheme = "repeated_kfold"
folds = 2
repeats = 1
permutations = 0
[comparisons]
layers = []
[explanation]
methods = ["gradcam"]
people_per_test = 1
[as_published]
protocols = []
"""


@pytest.mark.slow
def test_an_experiment_on_two_devices_is_the_same_as_on_one(fake_cohort, tmp_path, monkeypatch):
    (tmp_path / "network.toml").write_text(EXPERIMENT)
    found = {}
    for devices in (("cpu",), ("cpu", "cpu:0")):
        monkeypatch.setattr(group, "fold_devices", lambda _, devices=devices: devices)
        output = tmp_path / str(len(devices))
        shutil.copytree(fake_cohort.output, output)
        group.run(
            replace(fake_cohort, output=output).settings(
                "group", experiments=(str(tmp_path / "network.toml"),)
            )
        )
        folder = output / "experiments" / "network"
        found[devices] = {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
    one, two = found.values()
    assert one.keys() == two.keys()
    assert [path for path in one if one[path] != two[path]] == []
