"""Training: schedules, early stopping, checkpoints, parts of a batch, memory."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load

from motor_bids_app.errors import DataError, UsageError
from motor_bids_app.models.catalog import FUSION, NETWORKS, TASKS, build_model
from motor_bids_app.models.networks.deep import NetworkClassifier, NetworkRegressor
from motor_bids_app.models.networks.networks import MultiBranchNetwork
from motor_bids_app.models.training import course, snapshots
from motor_bids_app.models.training import train as training
from motor_bids_app.models.training.folds import held_out

from ..conftest import tiny

SMALL = {"widths": (2, 2, 2, 4), "n_residuals": 0, "hidden": 4, "learning_rate": 0.02}


class Memory:
    """Checkpoints kept in memory, which end the program after some were saved."""

    def __init__(self, stop_after: int = 1000) -> None:
        self.kept: dict[str, bytes] = {}
        self.left = stop_after

    def load(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def save(self, name: str, content: bytes) -> None:
        self.kept[name] = content
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def __deepcopy__(self, memo: object) -> "Memory":
        return self


@pytest.fixture
def y(outcome):
    return outcome("classification")


@pytest.fixture
def every_epoch_saved(monkeypatch):
    monkeypatch.setattr(course, "SAVE_SECONDS", -1)


def weights(model: NetworkClassifier) -> np.ndarray:
    return np.concatenate([value.ravel() for value in model.get_state().arrays.values()])


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd"},
        {"optimizer": "adam", "schedule": "plateau", "halve_after": 1, "validation_share": 0.25},
    ],
)
def test_stopped_training_goes_on_to_the_same_weights(settings, samples, y, every_epoch_saved):
    whole = NetworkClassifier(**SMALL, **settings, epochs=4).fit(samples, y)
    memory = Memory(stop_after=2)
    model = NetworkClassifier(**SMALL, **settings, epochs=4, checkpoints=memory)
    with pytest.raises(KeyboardInterrupt):
        model.fit(samples, y)

    model.fit(samples, y)

    np.testing.assert_array_equal(weights(model), weights(whole))
    assert model.history_ == whole.history_


def test_finished_training_is_not_done_again(samples, y, monkeypatch):
    memory = Memory()
    first = NetworkClassifier(**SMALL, epochs=2, checkpoints=memory).fit(samples, y)
    monkeypatch.setattr(training.SteppedNet, "train_step", None)
    again = NetworkClassifier(**SMALL, epochs=2, checkpoints=memory).fit(samples, y)
    np.testing.assert_array_equal(weights(first), weights(again))


def test_checkpoint_of_other_settings_is_refused(samples, y):
    memory = Memory()
    NetworkClassifier(**SMALL, epochs=1, checkpoints=memory).fit(samples, y)
    other = NetworkClassifier(**SMALL, epochs=1, dropout=0.5, checkpoints=memory)
    with pytest.raises(UsageError, match=r"dropout was 0\.3, is 0\.5"):
        other.fit(samples, y)


def test_permuted_classes_are_another_training(samples, y):
    """A permutation test keeps people and seed, and must not meet the checkpoint of the truth."""
    memory, permuted = Memory(), np.random.default_rng(1).permutation(y)
    NetworkClassifier(**SMALL, epochs=1, checkpoints=memory).fit(samples, y)

    model = NetworkClassifier(**SMALL, epochs=1, checkpoints=memory).fit(samples, permuted)

    alone = NetworkClassifier(**SMALL, epochs=1).fit(samples, permuted)
    np.testing.assert_array_equal(weights(model), weights(alone))


def test_trainings_of_other_lengths_do_not_meet(samples, y):
    memory = Memory()
    models = [
        NetworkClassifier(**SMALL, epochs=epochs, checkpoints=memory).fit(samples, y)
        for epochs in (1, 2)
    ]
    assert [len(model.history_) for model in models] == [1, 2]


def test_of_a_training_that_is_done_the_weights_alone_are_kept(samples, y):
    memory, settings = Memory(), SMALL | {"validation_share": 0.25}
    first = NetworkClassifier(**settings, epochs=3, checkpoints=memory).fit(samples, y)
    (content,) = memory.kept.values()
    again = NetworkClassifier(**settings, epochs=3, checkpoints=memory).fit(samples, y)

    assert set(load(content)) == {f"network.{name}" for name in first.network_.state_dict()}
    np.testing.assert_array_equal(weights(first), weights(again))
    assert again.validation_history_ == first.validation_history_


def test_damaged_checkpoint_is_refused(samples, y):
    memory = Memory()
    NetworkClassifier(**SMALL, epochs=1, checkpoints=memory).fit(samples, y)
    memory.kept = {name: content[:50] for name, content in memory.kept.items()}
    with pytest.raises(UsageError, match="damaged"):
        NetworkClassifier(**SMALL, epochs=1, checkpoints=memory).fit(samples, y)


def test_checkpoints_keep_the_random_state_of_a_gpu(monkeypatch):
    """Dropout draws from it; there need not be a GPU to see that it comes back."""
    given = []
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: torch.arange(9).byte())
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda *state: given.append(state))
    layer = torch.nn.Linear(1, 1)
    net = SimpleNamespace(
        module_=layer, optimizer_=torch.optim.SGD(layer.parameters()), n_parts=1, device="cuda:1"
    )
    director = course.Director(course.Plan(), course.Course(), lambda *_: None)
    random = np.random.default_rng(0)

    snapshots.unpack(snapshots.pack(net, director, random, "{}"), net, director, random, "{}")

    ((state, device),) = given
    assert device == "cuda:1"
    assert state.tolist() == list(range(9))


def test_early_stop_keeps_the_weights_of_the_best_epoch(make_samples, y):
    """Without signal and with a high rate, the loss of others soon rises."""
    samples = make_samples(damage=0)
    settings = SMALL | {"learning_rate": 0.1, "dropout": 0.0, "validation_share": 0.25}
    model = NetworkClassifier(**settings, epochs=60, stop_after=4).fit(samples, y)

    best = int(np.argmin(model.validation_history_)) + 1
    assert len(model.history_) == best + 4 < 60
    same = NetworkClassifier(**settings, epochs=best).fit(samples, y)
    np.testing.assert_array_equal(weights(model), weights(same))


def test_people_to_stop_by_are_not_learned_from(make_samples, y):
    """Whatever their maps are, the network after one epoch is the same."""
    settings, samples = SMALL | {"epochs": 1, "validation_share": 0.3}, make_samples()
    _, stops = held_out(y, samples.participants, 0.3, random_state=0)
    first = NetworkClassifier(**settings).fit(samples, y)
    samples.volumes.store.data[stops] = 0

    other = NetworkClassifier(**settings).fit(samples, y)

    np.testing.assert_array_equal(weights(first), weights(other))
    assert first.validation_history_ != other.validation_history_


@pytest.mark.parametrize("balance", ["weights", "none"])
def test_parts_without_normalisation_give_the_gradients_of_the_batch(
    monkeypatch, samples, y, balance
):
    """Gradients are summed over parts; what normalisation sees is held still."""
    monkeypatch.setattr(MultiBranchNetwork, "train", lambda self, mode=True: self.eval_())
    monkeypatch.setattr(
        MultiBranchNetwork, "eval_", lambda self: torch.nn.Module.train(self, False), raising=False
    )
    whole, parts = (
        NetworkClassifier(**SMALL, epochs=1, batch_size=12, parts=parts, balance=balance).fit(
            samples, y
        )
        for parts in (1, 3)
    )
    np.testing.assert_allclose(weights(parts), weights(whole), atol=1e-5)


def test_gpu_out_of_memory_halves_the_batch_and_says_so(monkeypatch, samples, y, caplog):
    real = training.SteppedNet.infer

    def limited(self, x, **kw):
        if len(x["maps"]) > 4 and self.module_.training:
            raise torch.OutOfMemoryError
        return real(self, x, **kw)

    monkeypatch.setattr(training.SteppedNet, "infer", limited)
    with caplog.at_level(logging.WARNING):
        model = NetworkClassifier(**SMALL, epochs=1, batch_size=8).fit(samples, y)
    assert "parts of 4 scans" in caplog.text
    assert len(model.history_) == 1


def test_too_little_memory_for_two_scans_is_an_error(monkeypatch, samples, y):
    def full(self, x, **kw):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(training.SteppedNet, "infer", full)
    with pytest.raises(DataError, match="Two scans do not fit"):
        NetworkClassifier(**SMALL, epochs=1).fit(samples, y)


def test_bfloat16_changes_predictions_less_than_another_seed_does(samples, make_samples, y):
    others = make_samples(seed=1)
    settings = {**SMALL, "learning_rate": 0.003, "epochs": 3, "dropout": 0.0}
    exact, rough = (
        [
            NetworkClassifier(**settings, precision=precision, random_state=seed)
            .fit(samples, y)
            .predict_proba(others)[:, 1]
            for seed in range(3)
        ]
        for precision in ("float32", "bfloat16")
    )

    by_precision = np.mean([np.abs(exact[seed] - rough[seed]) for seed in range(3)])
    by_seed = np.mean([np.abs(exact[seed] - exact[seed - 1]) for seed in range(3)])

    assert 0 < by_precision < by_seed


def test_values_that_are_not_numbers_are_explained(make_samples, y):
    samples = make_samples()
    samples.volumes.store.data[3, 1, 2, 2, 2] = np.nan
    with pytest.raises(DataError, match="gm map of a training scan"):
        NetworkClassifier(**SMALL, epochs=1).fit(samples, y)


def test_a_training_fold_of_one_scan_is_explained(samples):
    with pytest.raises(UsageError, match="and 1 scans"):
        NetworkRegressor(**SMALL).fit(samples[np.arange(1)], np.zeros(1))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"stop_after": 3}, "validation_share above 0"),
        ({"schedule": "step"}, "constant, plateau, cosine"),
        ({"parts": 5}, "in each of its parts"),
        ({"optimizer": "lion"}, "sgd, adam"),
    ],
)
def test_impossible_settings_are_explained(setting, message, samples, y):
    with pytest.raises(UsageError, match=message):
        NetworkClassifier(**SMALL, **setting).fit(samples, y)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", [*NETWORKS, "signals"])
def test_a_finished_training_of_any_kind_is_not_done_again(
    name, task, make_instances, samples, outcome, predictions, monkeypatch
):
    instances, scores = make_instances(12)
    X, y = samples, outcome(task)
    if name in FUSION:
        rank = scores.argsort().argsort()
        X, y = instances, {"regression": 20 + 5 * rank, "ordinal": rank // 4}.get(task, rank // 6)
    settings = {"task": task, "params": tiny(name), "n_classes": 3, "checkpoints": Memory()}
    first = build_model(name, **settings).fit(X, y)
    monkeypatch.setattr(training.SteppedNet, "train_step", None)

    again = build_model(name, **settings).fit(X, y)

    np.testing.assert_array_equal(predictions(again, X), predictions(first, X))
