"""Mini-batches: every scan once, standardised by the training fold."""

import numpy as np
import pytest

from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import Volumes
from motor_bids_app.models.training.batches import (
    Batches,
    ScanDataset,
    Standardiser,
    balanced_rows,
    sharpen,
)


@pytest.fixture
def dataset(samples: Samples) -> ScanDataset:
    labels = (np.arange(len(samples)) % 3 == 0).astype(int)
    standardise = Standardiser.fit(samples.volumes, ("fa", "gm"), None)
    numbers = np.arange(len(samples), dtype=np.float32)[:, None]
    return ScanDataset(samples.volumes, numbers, labels, standardise, balanced_rows(labels))


def test_a_network_of_one_map_reads_no_other(make_samples, monkeypatch):
    volumes = make_samples().volumes
    asked = []
    real = Volumes.read

    def read(self, indices=slice(None), columns=None):
        asked.append(columns)
        return real(self, indices, columns)

    monkeypatch.setattr(Volumes, "read", read)
    Standardiser.fit(volumes, ("gm",), None)(volumes)
    assert asked == [[1]] * 3  # mean, spread, and the maps


@pytest.mark.parametrize(("n_items", "batch_size"), [(48, 47), (47, 2), (3, 2), (5, 4)])
def test_every_scan_comes_once_per_epoch_and_no_batch_is_single(dataset, n_items, batch_size):
    dataset.rows = dataset.rows[:n_items]
    batches = Batches(dataset, batch_size, seed=0)

    sizes, numbers = [], []
    for inputs, targets in batches:
        sizes.append(len(targets))
        numbers += inputs["demographics"][:, 0].int().tolist()

    assert min(sizes) > 1
    assert sorted(numbers) == sorted(dataset.rows.tolist())


def test_copies_make_classes_equal_and_keep_their_class(dataset):
    _, targets = dataset.batch(np.arange(len(dataset)), np.random.default_rng(0))
    assert targets.float().mean() == 0.5


def test_only_copies_are_sharpened(dataset):
    items = np.array([0, 36])  # the first poor scan and its copy
    assert dataset.rows[items].tolist() == [0, 0]

    inputs, _ = dataset.batch(items, np.random.default_rng(0))

    maps = inputs["maps"].numpy()
    plain = dataset.standardise(dataset.volumes[[0]])[0]
    np.testing.assert_allclose(maps[0], plain)
    assert maps[1].std() > 1.2 * plain.std()


def test_sharpening_keeps_what_is_smooth_and_doubles_what_is_fine():
    smooth = np.broadcast_to(np.arange(20, dtype=np.float32), (1, 20, 20, 20))
    checks = np.indices((20, 20, 20)).sum(axis=0)[None] % 2 - np.float32(0.5)

    inside = (0, *[slice(5, -5)] * 3)
    np.testing.assert_allclose(sharpen(smooth, 1)[inside], smooth[inside], atol=1e-4)
    np.testing.assert_allclose(sharpen(checks, 1)[inside], 2 * checks[inside], atol=0.01)


def test_training_fold_is_standardised(samples):
    part = samples.volumes[np.arange(10)]
    maps = Standardiser.fit(part, ("gm",), None)(part)
    np.testing.assert_allclose(maps.mean(axis=0), 0, atol=1e-5)
    assert np.square(maps).mean() == pytest.approx(1, rel=1e-4)


def test_missing_map_is_the_mean_and_outside_the_mask_is_nothing(make_samples):
    volumes = make_samples().volumes
    volumes.store.present[3, 1] = False
    volumes.store.data[3, 1] = 0
    mask = np.zeros(volumes.grid.shape, dtype=bool)
    mask[2:5] = True

    maps = Standardiser.fit(volumes, ("fa", "gm"), mask)(volumes)

    assert not maps[3, 1].any()
    assert maps[3, 0].any()
    assert not maps[:, :, ~mask].any()


def test_maps_come_in_the_order_the_model_asks(samples):
    ab = Standardiser.fit(samples.volumes, ("fa", "gm"), None)(samples.volumes)
    ba = Standardiser.fit(samples.volumes, ("gm", "fa"), None)(samples.volumes)
    np.testing.assert_array_equal(ab, ba[:, ::-1])


def test_a_map_that_no_training_scan_has_says_nothing_of_others(make_samples):
    volumes = make_samples().volumes
    volumes.store.present[:20, 1] = False
    volumes.store.data[:20, 1] = 0
    maps = Standardiser.fit(volumes[:20], ("fa", "gm"), None)(volumes[20:])
    assert not maps[:, 1].any()
    assert maps[:, 0].any()
