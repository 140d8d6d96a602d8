"""Kernel machines: the same model by scans and by voxels."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score

from motor_bids_app.errors import IncompatibleModelError
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.models.tables.columns import numeric_columns
from motor_bids_app.models.tables.kernel import KernelClassifier, KernelRegressor
from motor_bids_app.models.tables.kernel_columns import KernelColumnsRegressor
from motor_bids_app.spaces.grids import Grid

TASKS = pytest.mark.parametrize(
    ("kind", "task"), [(KernelClassifier, "classification"), (KernelRegressor, "regression")]
)
TRAIN, TEST = np.arange(24), np.arange(24, 36)


def elsewhere(samples):
    """The same scans in another store."""
    old = samples.volumes.store
    store = VolumeStore(old.data.copy(), old.maps, old.grid, old.present.copy())
    return Samples(samples.table, store.volumes()[samples.volumes.rows])


def without_map(samples, row):
    part = elsewhere(samples)
    part.volumes.store.data[row, 1] = 0
    part.volumes.store.present[row, 1] = False
    return part


@TASKS
def test_products_and_voxel_weights_predict_the_same(kind, task, samples, outcome, predictions):
    some = without_map(without_map(samples, 2), 30)
    model = kind().fit(some[TRAIN], outcome(task)[TRAIN])

    by_products = predictions(model, some[TEST])
    by_voxels = predictions(model, elsewhere(some)[TEST])

    np.testing.assert_allclose(by_voxels, by_products, rtol=1e-4)


def standardised_voxels(samples):
    """Deviations from the mean of the training scans, maps at equal weight."""
    maps = samples.volumes.read().reshape(len(samples), 2, -1).astype(np.float64)
    maps -= maps[TRAIN].mean(axis=0)
    energy = np.square(maps[TRAIN]).sum(axis=2).mean(axis=0)
    return (maps / np.sqrt(2 * energy)[:, None]).reshape(len(samples), -1)


def test_ridge_equals_the_one_of_scikit_learn_on_voxels(samples, outcome):
    y = outcome("regression")
    model = KernelRegressor().fit(samples[TRAIN], y[TRAIN])
    voxels = standardised_voxels(samples)

    expected = Ridge(alpha=model.penalty_).fit(voxels[TRAIN], y[TRAIN]).predict(voxels[TEST])

    np.testing.assert_allclose(model.predict(samples[TEST]), expected, rtol=1e-5)


@pytest.mark.parametrize("lacking", [False, True], ids=["complete", "age unknown"])
def test_columns_weigh_as_much_as_a_map_as_for_scikit_learn_on_voxels(samples, outcome, lacking):
    y = outcome("regression")
    table = samples.table.copy()
    if lacking:
        table.loc[[3, 30], "age"] = np.nan
    given = Samples(table, samples.volumes)
    columns = ("age", "sex", "time_since_stroke")
    model = KernelColumnsRegressor(columns=columns).fit(given[TRAIN], y[TRAIN])
    values = numeric_columns(given, columns)
    scaled = np.nan_to_num(values - np.nanmean(values[TRAIN], axis=0))
    scaled /= np.sqrt(np.square(scaled[TRAIN]).mean(axis=0))
    both = np.hstack([standardised_voxels(given) * np.sqrt(2), scaled]) / np.sqrt(2 + 3)

    judge = Ridge(alpha=model.penalty_).fit(both[TRAIN], y[TRAIN])
    expected = judge.predict(both[TEST])

    np.testing.assert_allclose(model.predict(given[TEST]), expected, rtol=1e-5)
    there = elsewhere(given)
    np.testing.assert_allclose(model.predict(there[TEST]), expected, rtol=1e-4)


def test_logistic_equals_the_one_of_scikit_learn_on_voxels(samples, outcome):
    y = outcome("classification")
    model = KernelClassifier().fit(samples[TRAIN], y[TRAIN])
    voxels = standardised_voxels(samples)

    judge = LogisticRegression(C=1 / model.penalty_, tol=1e-8, max_iter=1000)
    expected = judge.fit(voxels[TRAIN], y[TRAIN]).predict_proba(voxels[TEST])

    np.testing.assert_allclose(model.predict_proba(samples[TEST]), expected, atol=1e-4)


@TASKS
def test_planted_damage_is_found_in_new_people(kind, task, samples, outcome, predictions):
    model = kind().fit(samples[TRAIN], outcome(task)[TRAIN])
    scores = predictions(model, samples[TEST])
    sign = 1 if task == "classification" else -1
    assert roc_auc_score(outcome("classification")[TEST], sign * scores) > 0.85


def test_weights_are_largest_where_damage_was_planted(samples, outcome):
    model = KernelClassifier().fit(samples, outcome("classification"))
    weights = np.abs(model.primal()[0].reshape(2, 10, 12, 10))
    assert weights[0, 2:5, 2:5, 2:5].mean() > 3 * weights.mean()


def test_voxels_outside_the_mask_have_no_influence(samples, outcome):
    y = outcome("classification")
    mask = np.zeros((10, 12, 10), dtype=bool)
    mask[2:5, 2:5, 2:5] = True
    noisy = elsewhere(samples)
    noisy.volumes.store.data[:, :, ~mask] = 7

    model = KernelClassifier(mask=mask).fit(samples, y)

    np.testing.assert_allclose(model.predict_proba(noisy), model.predict_proba(samples), rtol=1e-4)


def test_only_the_chosen_maps_count(samples, outcome):
    y = outcome("classification")
    both = KernelClassifier(maps=("gm",)).fit(samples, y)
    assert both.primal()[0].shape[0] == 1
    other = elsewhere(samples)
    other.volumes.store.data[:, 0] = 0
    np.testing.assert_allclose(both.predict_proba(other), both.predict_proba(samples), rtol=1e-4)


def test_a_missing_map_is_the_mean_of_the_training_fold(samples, outcome):
    y = outcome("regression")
    lacking = without_map(samples, 30)
    filled = elsewhere(samples)
    filled.volumes.store.data[30, 1] = samples[TRAIN].volumes.mean()[1]
    model = KernelRegressor().fit(samples[TRAIN], y[TRAIN])

    np.testing.assert_allclose(model.predict(lacking[[30]]), model.predict(filled[[30]]), rtol=1e-3)


def test_maps_without_variation_give_the_share_of_the_poor(samples, outcome):
    flat = elsewhere(samples)
    flat.volumes.store.data[:] = 1
    model = KernelClassifier().fit(flat, outcome("classification"))
    np.testing.assert_allclose(model.predict_proba(flat)[:, 1], 1 / 3, atol=1e-6)


def test_units_of_a_map_do_not_matter(samples, outcome):
    y = outcome("classification")
    scaled = elsewhere(samples)
    scaled.volumes.store.data[:, 1] *= np.float16(64)
    np.testing.assert_allclose(
        KernelClassifier().fit(scaled, y).predict_proba(scaled),
        KernelClassifier().fit(samples, y).predict_proba(samples),
        atol=1e-4,
    )


def test_another_grid_is_refused(samples, outcome):
    model = KernelClassifier().fit(samples, outcome("classification"))
    old = samples.volumes.store
    moved = VolumeStore(old.data, old.maps, Grid(old.grid.shape, np.eye(4)), old.present)
    with pytest.raises(IncompatibleModelError, match="trained on volumes"):
        model.predict_proba(Samples(samples.table, moved.volumes()))


def test_a_map_that_is_not_there_is_named(samples, outcome):
    with pytest.raises(IncompatibleModelError, match="md is not among"):
        KernelClassifier(maps=("fa", "md")).fit(samples, outcome("classification"))
