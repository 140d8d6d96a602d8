"""Weights in local files: those that networks of slices start from, or a sentence."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch

from motor_bids_app.errors import (
    IncompatibleModelError,
    InputMissingError,
    ReadWriteError,
    UsageError,
)
from motor_bids_app.experiments.reading import load_preset
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.slices import SLICES, VolumeSlices
from motor_bids_app.levels.group.initial_weights import FolderWeights, check_weights
from motor_bids_app.models.instances.fusion import FusionClassifier
from motor_bids_app.models.networks.backbones import SliceNetwork
from motor_bids_app.spaces.grids import Grid

pytest.importorskip("pytorchcv")
FILE = "shufflenetv2_w1-0321-0123abcd.pth"


def written(folder, backbone="shufflenet", name=FILE, seed=5, change=None):
    """Save the weights of a network of photographs, as pytorchcv does, and return them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        weights = SliceNetwork(backbone, 1000).backbone.state_dict()
    if change:
        weights = {key: change(value) for key, value in weights.items()}
    save = safetensors.torch.save_file if name.endswith(".safetensors") else torch.save
    save(weights, folder / name)
    return weights


def people(n=8):
    random = np.random.default_rng(0)
    slices = [random.random((3, 12, 14)).astype(np.float16) for _ in range(n)]
    source = VolumeSlices(slices, [np.arange(3)] * n, Grid((12, 14, 9), np.eye(4)))
    table = pd.DataFrame({"participant_id": [f"sub-{k}" for k in range(n)]})
    return Samples(table, None, {SLICES: Instances.of(source)}), np.arange(n) % 2


def slices_model(weights, **settings):
    return FusionClassifier(
        modalities=(SLICES,),
        size=32,
        epochs=1,
        stop_after=0,
        schedule="constant",
        validation_share=0.0,
        weights=weights,
        **settings,
    )


@pytest.mark.parametrize("name", [FILE, "shufflenetv2_w1.safetensors"])
def test_a_network_starts_from_the_weights_of_the_file(tmp_path, name):
    weights = written(tmp_path, name=name)
    model = slices_model(FolderWeights(tmp_path), learning_rate=0.0).fit(*people())

    learned = dict(model.networks_[SLICES].network_.backbone.named_parameters())
    own = [key for key in learned if key.startswith("features.")]
    assert len(own) > 50
    for key in own:
        torch.testing.assert_close(learned[key].detach(), weights[key], rtol=0, atol=0)


def test_other_weights_give_other_predictions_and_the_same_ones_the_same(tmp_path):
    samples, y = people()
    written(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    written(other, seed=6)

    def predicted(weights):
        return slices_model(weights).fit(samples, y).predict_proba(samples)[:, 1]

    first = predicted(FolderWeights(tmp_path))
    np.testing.assert_array_equal(first, predicted(FolderWeights(tmp_path)))
    for weights in (FolderWeights(other), None):
        assert np.abs(first - predicted(weights)).max() > 1e-4


def test_a_training_that_was_stopped_does_not_go_on_from_another_start(tmp_path):
    class Kept(dict):
        def load(self, name):
            return self.get(name)

        def save(self, name, content):
            self[name] = content

    samples, y = people()
    written(tmp_path)
    kept = Kept()
    slices_model(None, checkpoints=kept).fit(samples, y)

    with pytest.raises(UsageError, match="weights was random"):
        slices_model(FolderWeights(tmp_path), checkpoints=kept).fit(samples, y)


def test_networks_of_different_kinds_keep_different_checkpoints(tmp_path):
    names = {
        slices_model(None, backbone=backbone).network(SLICES, 0).modality.start()
        for backbone in ("shufflenet", "ghostnet")
    }
    assert names == {"random"}
    saved = []

    class Names(dict):
        def load(self, name):
            saved.append(name)

        def save(self, name, content):
            pass

    for backbone in ("shufflenet", "ghostnet"):
        slices_model(None, backbone=backbone, checkpoints=Names()).fit(*people(4))

    assert len(set(saved)) == 2


SHI = load_preset("shi2025")


def spoil(folder, how):
    if how == "other shape":
        written(folder, change=lambda value: value[..., None])
    elif how == "other network":
        written(folder, backbone="regnet")
    elif how == "other content":
        torch.save({"state_dict": {}}, folder / FILE)
    elif how == "damaged":
        (folder / FILE).write_bytes(b"no weights")
    elif how == "other name":
        written(folder, name="resnet50-0211.pth")


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ("nothing", InputMissingError, r"has no weights of shufflenetv2_w1 \(shufflenetv2_w1\*"),
        ("other name", InputMissingError, "has no weights of shufflenetv2_w1"),
        ("other shape", IncompatibleModelError, "of shape .* they are of another network"),
        ("other network", IncompatibleModelError, "lack features.*they are of another network"),
        ("other content", ReadWriteError, "holds something else than weights"),
        ("damaged", ReadWriteError, "could not be read as weights"),
    ],
)
def test_weights_that_cannot_be_used_are_explained_before_any_work(tmp_path, how, error, message):
    spoil(tmp_path, how)

    with pytest.raises(error, match=message):
        check_weights(FolderWeights(tmp_path), [SHI])


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputMissingError, match="the folder does not exist"):
        check_weights(FolderWeights(tmp_path / "none"), [SHI])


def test_weights_that_nothing_reads_are_refused(tmp_path):
    written(tmp_path)

    with pytest.raises(UsageError, match="none of these experiments has"):
        check_weights(FolderWeights(tmp_path), [load_preset("baselines")])


def test_the_choice_among_five_networks_wants_the_weights_of_five(tmp_path):
    written(tmp_path)
    published = replace(SHI.as_published, protocols=("choice-on-test",))

    with pytest.raises(InputMissingError, match="has no weights of resnet50"):
        check_weights(FolderWeights(tmp_path), [replace(SHI, as_published=published)])
