"""Volumes: averaged onto a grid, kept in half precision, read by rows."""

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.errors import DataError, GridMismatchError
from motor_bids_app.features.masks import mask_voxels
from motor_bids_app.features.volumes import VolumeStore
from motor_bids_app.spaces.grids import Grid

GRID = Grid((4, 5, 6), np.diag([2.0, 2, 2, 1]))


def make_image(values, grid=GRID):
    return nib.Nifti1Image(np.asarray(values, dtype=np.float32), grid.affine)


@pytest.fixture
def store():
    random = np.random.default_rng(0)
    store = VolumeStore.empty(7, ("fa", "gm"), GRID)
    for row in range(7):
        store.put(row, "fa", make_image(random.random(GRID.shape)))
        if row != 3:
            store.put(row, "gm", make_image(random.random(GRID.shape)))
    return store


@pytest.mark.parametrize(("value", "message"), [(np.nan, "not finite"), (1e6, "cannot be stored")])
def test_values_that_cannot_be_kept_are_refused(value, message):
    with pytest.raises(DataError, match=message):
        VolumeStore.empty(1, ("fa",), GRID).put(0, "fa", make_image(np.full(GRID.shape, value)))


def test_diffusivities_keep_three_digits():
    store = VolumeStore.empty(1, ("rd",), GRID)
    values = np.linspace(2e-5, 3e-3, np.prod(GRID.shape)).reshape(GRID.shape)

    store.put(0, "rd", make_image(values))

    np.testing.assert_allclose(store.volumes().read()[0, 0] / 1e3, values, rtol=1e-3)


def test_gram_centred_on_a_fold_is_the_product_of_deviations(store):
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[1:3] = True
    fold = store.volumes()[[0, 2, 4, 6]]
    centre = np.eye(4) - 0.25

    gram = centre @ fold.gram(mask)[0] @ centre

    maps = fold.read()[:, 0][:, mask].astype(np.float64)
    deviations = maps - maps.mean(axis=0)
    np.testing.assert_allclose(gram, deviations @ deviations.T, atol=1e-5)


def test_gram_of_a_missing_map_is_zero(store):
    assert not store.gram()[1, 3].any()
    assert not store.gram()[1, :, 3].any()


def test_gram_is_computed_once_until_a_map_is_added(store):
    first = store.gram()
    assert store.gram() is first
    store.put(3, "gm", make_image(np.ones(GRID.shape)))
    assert store.gram() is not first


def test_rows_are_read_in_the_order_asked_for(store):
    chosen = store.volumes()[[5, 1, 3]][1:]

    np.testing.assert_array_equal(chosen.read(), store.data[[1, 3]].astype(np.float32))
    assert chosen.present.tolist() == [[True, True], [True, False]]


def test_mean_and_spread_leave_out_missing_maps(store):
    volumes = store.volumes()
    having = np.delete(np.arange(7), 3)
    maps = volumes[having].read()[:, 1]

    np.testing.assert_allclose(volumes.mean()[1], maps.mean(axis=0), rtol=1e-5)
    expected = np.sqrt(np.mean((maps - maps.mean(axis=0)) ** 2))
    assert volumes.spread(volumes.mean())[1] == pytest.approx(expected, rel=1e-4)


def test_maps_asked_for_are_those_of_the_whole(store):
    volumes = store.volumes()[[3, 0, 5]]
    mean = volumes.mean()
    for columns in ([1], [1, 0]):
        np.testing.assert_array_equal(
            volumes.read([2, 0], columns), volumes.read([2, 0])[:, columns]
        )
        np.testing.assert_array_equal(volumes.mean(columns), mean[columns])
        np.testing.assert_allclose(
            volumes.spread(mean[columns], columns=columns), volumes.spread(mean)[columns], rtol=1e-6
        )


def test_blocks_together_are_the_map(store):
    mask = np.random.default_rng(1).random(GRID.shape) > 0.5
    volumes = store.volumes()[[2, 0]]

    joined = np.concatenate([block for _, block in volumes.blocks(0, mask)], axis=1)

    np.testing.assert_array_equal(joined, volumes.read()[:, 0][:, mask])


def test_a_mask_on_another_grid_is_refused():
    with pytest.raises(GridMismatchError, match=r"shape \(3, 3, 3\)"):
        mask_voxels(np.ones((3, 3, 3), dtype=bool), GRID)


def test_a_memory_map_gives_the_same_gram(store, tmp_path):
    mapped = np.memmap(tmp_path / "maps", np.float16, "w+", shape=store.data.shape)
    mapped[:] = store.data
    other = VolumeStore.empty(7, ("fa", "gm"), GRID, mapped)
    other.present[:] = store.present

    np.testing.assert_allclose(other.gram(), store.gram())
