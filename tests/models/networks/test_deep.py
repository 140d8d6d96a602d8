"""Networks as estimators."""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from motor_bids_app.errors import DataError, IncompatibleModelError, UsageError
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.models.networks.deep import NetworkClassifier, NetworkRegressor
from motor_bids_app.spaces.grids import Grid

SMALL = {"widths": (4, 4, 8, 8), "n_residuals": 1, "hidden": 8, "learning_rate": 0.02}
QUICK = SMALL | {"epochs": 1}
TASKS = pytest.mark.parametrize(
    ("kind", "task"), [(NetworkClassifier, "classification"), (NetworkRegressor, "regression")]
)


@TASKS
def test_same_seed_gives_the_same_weights_and_another_does_not(kind, task, samples, outcome):
    y = outcome(task)
    first, again, other = (
        kind(**QUICK, random_state=seed).fit(samples, y).get_state().arrays for seed in (0, 0, 1)
    )
    for name, value in first.items():
        np.testing.assert_array_equal(value, again[name])
    assert (first["network.output.weight"] != other["network.output.weight"]).all()


@TASKS
def test_planted_damage_is_learned(kind, task, samples, outcome, predictions):
    train, test = np.arange(24), np.arange(24, 36)
    model = kind(**SMALL, epochs=15).fit(samples[train], outcome(task)[train])

    sign = 1 if task == "classification" else -1
    scores = sign * predictions(model, samples[test])
    assert roc_auc_score(outcome("classification")[test], scores) > 0.85
    assert model.history_[-1] < model.history_[0]


def test_fitting_leaves_the_random_state_of_torch_alone(samples, outcome):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    NetworkClassifier(**QUICK).fit(samples, outcome("classification"))
    assert torch.equal(torch.rand(3), expected)


def test_predictions_do_not_depend_on_who_else_is_there(samples, outcome):
    model = NetworkClassifier(**QUICK).fit(samples, outcome("classification"))
    together = model.predict_proba(samples)
    np.testing.assert_allclose(model.predict_proba(samples[[7]])[0], together[7], atol=1e-5)
    np.testing.assert_allclose(together.sum(axis=1), 1)


def test_scores_come_in_their_own_unit(samples, outcome):
    y = outcome("regression")
    model = NetworkRegressor(**QUICK).fit(samples, y)
    scaled = NetworkRegressor(**QUICK).fit(samples, 100 * y + 7)
    np.testing.assert_allclose(scaled.predict(samples), 100 * model.predict(samples) + 7, rtol=1e-3)


@pytest.mark.parametrize("balance", ["sharpen", "weights", "none"])
def test_without_signal_balance_moves_the_mean_probability(balance, make_samples):
    """Eight in nine are poor; a damped network says about one half once classes weigh alike."""
    samples = make_samples(damage=0)
    y = (np.arange(36) % 9 != 0).astype(int)
    settings = SMALL | {"weight_decay": 1.0, "dropout": 0.0}
    model = NetworkClassifier(**settings, epochs=12, balance=balance).fit(samples, y)
    mean = model.predict_proba(samples)[:, 1].mean()
    assert (mean > 0.6) == (balance == "none")


def test_clone_keeps_every_setting():
    model = NetworkClassifier(maps=("fa",), widths=(2, 2, 2, 2), balance="weights")
    assert clone(model).get_params() == model.get_params()


def test_another_grid_is_refused(samples, outcome):
    model = NetworkClassifier(**QUICK).fit(samples, outcome("classification"))
    small = VolumeStore.empty(36, ("fa", "gm"), Grid((5, 6, 5), np.eye(4)))
    with pytest.raises(IncompatibleModelError, match=r"\(10, 12, 10\)"):
        model.predict_proba(Samples(samples.table, small.volumes()))


@pytest.mark.parametrize(
    "setting", [{"batch_size": 1}, {"epochs": 0}, {"widths": (2, 2)}, {"balance": "smote"}]
)
def test_impossible_settings_are_explained(setting, samples, outcome):
    with pytest.raises(UsageError, match=str(next(iter(setting)))):
        NetworkClassifier(**(QUICK | setting)).fit(samples, outcome("classification"))


def test_divergence_is_an_error(samples, outcome):
    with pytest.raises(DataError, match="learning_rate below"):
        NetworkRegressor(**(SMALL | {"learning_rate": 1e12}), epochs=3).fit(
            samples, outcome("regression")
        )


@pytest.mark.parametrize("scale", [1, 1000])
def test_bounded_scores_stay_in_their_range_whatever_the_maps(scale, make_samples, outcome):
    """Maps a thousand times as large push an output without bounds far outside."""
    samples, y = make_samples(), np.clip(outcome("regression"), 0, 66)
    plain = NetworkRegressor(**SMALL, epochs=3).fit(samples, y)
    model = NetworkRegressor(**SMALL, epochs=3, bounds=(0, 66)).fit(samples, y)
    other = make_samples()
    other.volumes.store.data[:] *= scale
    given = model.predict(other)
    assert ((given >= 0) & (given <= 66)).all()
    if scale > 1:
        assert np.abs(plain.predict(other)).max() > 66


def test_bounded_scores_learn_planted_damage(samples, outcome):
    y = np.clip(outcome("regression"), 0, 66)
    model = NetworkRegressor(**SMALL, epochs=15, bounds=(0, 66)).fit(samples[:24], y[:24])
    assert np.corrcoef(model.predict(samples[24:]), y[24:])[0, 1] > 0.6
    assert model.history_[-1] < model.history_[0]


def test_output_of_zero_is_the_mean_of_the_fold(samples, outcome):
    y = np.clip(outcome("regression"), 0, 66)
    model = NetworkRegressor(**QUICK, bounds=(0, 66)).fit(samples, y)
    torch.nn.init.zeros_(model.network_.output.weight)
    torch.nn.init.zeros_(model.network_.output.bias)
    np.testing.assert_allclose(model.predict(samples), y.mean(), rtol=1e-5)


def test_scores_outside_the_bounds_are_explained(samples):
    with pytest.raises(DataError, match="1 scores are outside 0 to 66, such as 70"):
        NetworkRegressor(**QUICK, bounds=(0, 66)).fit(samples, np.r_[np.full(35, 30.0), 70])


def test_a_network_reads_predictors_of_the_users_own_and_so_does_its_copy(samples, outcome):
    rng = np.random.default_rng(0)
    own = rng.normal(size=len(samples))
    told = Samples(samples.table.assign(own_x=own), samples.volumes)
    model = NetworkRegressor(**QUICK | {"epochs": 3}).fit(told, 20 * own)
    again = NetworkRegressor(**QUICK)
    again.set_state(model.get_state())

    assert model.columns_[-1] == "own_x"
    np.testing.assert_array_equal(again.predict(told), model.predict(told))
    changed = Samples(told.table.assign(own_x=0.0), told.volumes)
    assert not np.allclose(model.predict(changed), model.predict(told))
    assert "own_x" not in NetworkRegressor(**QUICK).fit(samples, own).columns_


def test_too_many_columns_for_a_network_are_refused(samples):
    many = {f"own_x*: x{k}": np.zeros(len(samples)) for k in range(70)}
    told = Samples(samples.table.assign(**many), samples.volumes)
    with pytest.raises(UsageError, match="up to 64 columns, and there are 7"):
        NetworkRegressor(**QUICK).check_inputs(told)
