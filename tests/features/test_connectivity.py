import numpy as np
import pytest
from scipy import ndimage

from motor_bids_app.errors import DataError, EmptyRegionError
from motor_bids_app.features.connectivity import (
    LEFT_M1,
    place_seed,
    sliding_windows,
    sphere,
    static_map,
    window_maps,
    window_statistics,
)
from motor_bids_app.spaces.atlases import load_aal
from motor_bids_app.spaces.grids import standard_grid
from motor_bids_app.spaces.templates import load_template

N, LENGTH = 90, 22
GRID = standard_grid(3)


@pytest.fixture
def series():
    """Slow noise of 60 voxels and of a seed that goes with some of them."""
    noise = ndimage.gaussian_filter1d(np.random.default_rng(0).normal(size=(N, 61)), 2, axis=0)
    seed = noise[:, 60]
    noise[:, :20] += seed[:, None]
    return (500 + 30 * noise[:, :60]).astype(np.float32), seed


def expected_z(signals, seed, rows):
    """Fisher z by numpy's correlation, one voxel and window at a time."""
    return np.array([
        [np.arctanh(np.corrcoef(seed[row], voxel[row])[0, 1]) for voxel in signals.T.astype(float)]
        for row in rows
    ])  # fmt: skip


def test_window_maps_equal_numpys_correlations(series):
    signals, seed = series

    found = window_maps(signals, seed, sliding_windows(N, LENGTH))

    rows = [slice(start, start + LENGTH) for start in range(N - LENGTH + 1)]
    np.testing.assert_allclose(np.tanh(found), np.tanh(expected_z(signals, seed, rows)), atol=2e-5)


def test_statistics_are_those_of_the_maps(series):
    signals, seed = series
    weights = sliding_windows(N, LENGTH, step=3, taper=3)

    mean, deviation = window_statistics(signals, seed, weights)

    maps = window_maps(signals, seed, weights)
    np.testing.assert_allclose(mean, maps.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(deviation, maps.std(axis=0), atol=1e-5)


def test_static_map_is_the_correlation_over_all_volumes(series):
    signals, seed = series

    expected = expected_z(signals, seed, [slice(None)])[0]
    np.testing.assert_allclose(static_map(signals, seed), expected, atol=1e-4)


def test_volumes_that_are_left_out_do_not_count(series):
    signals, seed = series
    left_out = np.zeros(N, dtype=bool)
    left_out[[10, 11, 50]] = True
    spoilt = signals.copy()
    spoilt[left_out] = 0

    kept = static_map(spoilt, seed, left_out)
    windows = window_maps(spoilt, seed, sliding_windows(N, LENGTH, left_out=left_out))

    expected = expected_z(signals[~left_out], seed[~left_out], [slice(None)])[0]
    np.testing.assert_allclose(kept, expected, atol=1e-3)
    first = np.flatnonzero(~left_out[:LENGTH])
    np.testing.assert_allclose(windows[0], expected_z(signals, seed, [first])[0], atol=1e-3)


def test_240_volumes_less_10_have_209_windows_as_published():
    assert len(sliding_windows(230, 22)) == 209


def test_tapered_windows_fade_and_rectangular_ones_do_not():
    flat, tapered = (sliding_windows(60, 20, taper=taper) for taper in (0, 3))

    assert set(np.round(flat[20], 6)) == {0, 0.05}
    middle = 20 + 9.5
    spread = [np.sqrt(w @ (np.arange(60) - middle) ** 2) for w in (flat[20], tapered[20])]
    # Variances of a box and of the Gaussian that smooths it add up.
    assert spread[1] == pytest.approx(np.hypot(spread[0], 3), rel=0.01)
    np.testing.assert_allclose(tapered.sum(axis=1), 1)


def test_a_voxel_that_stands_still_has_no_connectivity(series):
    signals, seed = series
    signals[:, 3] = 700
    signals[:40, 4] = 700

    found = window_maps(signals, seed, sliding_windows(N, LENGTH))

    assert np.isfinite(found).all()
    assert (found[:, 3] == 0).all()
    assert np.abs(found[0, 4]) < 1e-2


@pytest.mark.parametrize(
    ("n_volumes", "length", "left_out", "words"),
    [
        (20, 22, [], "20 volumes, fewer than the 22 of one window"),
        (60, 3, [], "too short for a correlation"),
        (30, 22, range(0, 30, 1), "every window loses half"),
    ],
)
def test_impossible_windows_are_explained(n_volumes, length, left_out, words):
    scrubbed = np.zeros(n_volumes, dtype=bool)
    scrubbed[list(left_out)] = True
    with pytest.raises(DataError, match=words):
        sliding_windows(n_volumes, length, left_out=scrubbed)


@pytest.fixture(scope="module")
def brain():
    return np.asarray(load_template("brain", 3).dataobj) > 0


@pytest.fixture(scope="module")
def wanted():
    return sphere(GRID, LEFT_M1, 6)


def centre(voxels):
    return GRID.affine[:3, :3] @ np.argwhere(voxels).mean(axis=0) + GRID.affine[:3, 3]


def test_a_sphere_has_the_volume_and_place_of_a_sphere(wanted):
    assert 27 * wanted.sum() == pytest.approx(4 / 3 * np.pi * 6**3, rel=0.2)
    np.testing.assert_allclose(centre(wanted), LEFT_M1, atol=1)


def test_a_sphere_smaller_than_a_voxel_is_the_nearest_voxel():
    assert sphere(GRID, LEFT_M1, 0.1).sum() == 1


def test_the_seed_is_mirrored_to_the_side_of_the_lesion(wanted, brain):
    seed = place_seed(wanted, brain, GRID, "right")

    assert (seed.moved, seed.share) == (0, 1)
    np.testing.assert_allclose(centre(seed.voxels) * [-1, 1, 1], centre(wanted))


def test_a_seed_that_is_partly_damaged_keeps_the_rest(wanted, brain):
    usable = brain.copy()
    usable[tuple(np.argwhere(wanted)[:5].T)] = False

    seed = place_seed(wanted, usable, GRID, "left")

    assert seed.moved == 0
    assert seed.share == pytest.approx(1 - 5 / wanted.sum())
    assert not (seed.voxels & ~usable).any()


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_destroyed_seed_is_replaced_by_the_nearest_intact_m1(wanted, brain, side):
    place = np.array(LEFT_M1) * [1 if side == "left" else -1, 1, 1]
    usable = brain & ~sphere(GRID, tuple(place), 12)

    seed = place_seed(wanted, usable, GRID, side)

    region = load_aal(3).mask(f"Precentral_{side[0].upper()}")
    assert seed.voxels.sum() == wanted.sum()
    assert not (seed.voxels & ~(region & usable)).any()
    assert 12 < seed.moved < 25
    assert seed.share == 0
    apart = np.linalg.norm(GRID.affine[:3, :3] @ np.argwhere(seed.voxels).T
                           + GRID.affine[:3, 3:] - place[:, None], axis=0)  # fmt: skip
    others = region & usable & ~seed.voxels
    far = np.linalg.norm(GRID.affine[:3, :3] @ np.argwhere(others).T
                         + GRID.affine[:3, 3:] - place[:, None], axis=0)  # fmt: skip
    assert apart.max() <= far.min() + 3


def test_a_hemisphere_without_m1_is_explained(wanted, brain):
    usable = brain.copy()
    usable[: GRID.shape[0] // 2] = False

    with pytest.raises(EmptyRegionError, match="M1 of the left hemisphere has 0 voxels"):
        place_seed(wanted, usable, GRID, "left")


def test_an_empty_seed_is_explained(brain):
    with pytest.raises(EmptyRegionError, match="seed is empty"):
        place_seed(np.zeros(GRID.shape, dtype=bool), brain, GRID, "left")
