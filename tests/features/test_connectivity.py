import numpy as np
import pytest
import torch
from scipy import ndimage

from motor_bids_app.errors import DataError
from motor_bids_app.features import connectivity
from motor_bids_app.features.connectivity import (
    kept_windows,
    sliding_windows,
    static_map,
    window_maps,
    window_statistics,
)

N, LENGTH = 90, 22


@pytest.fixture
def series():
    """Slow noise of 60 voxels and of a seed that goes with some of them."""
    noise = ndimage.gaussian_filter1d(np.random.default_rng(0).normal(size=(N, 61)), 2, axis=0)
    seed = noise[:, 60]
    noise[:, :20] += seed[:, None]
    return (500 + 30 * noise[:, :60]).astype(np.float32), seed


def expected_z(signals, seed, rows):
    """Fisher z by numpy's correlation, one voxel and window at a time."""
    return np.array(
        [
            [
                np.arctanh(np.corrcoef(seed[row], voxel[row])[0, 1])
                for voxel in signals.T.astype(float)
            ]
            for row in rows
        ]
    )


def test_window_maps_equal_numpys_correlations(series):
    signals, seed = series

    found = window_maps(signals, seed, sliding_windows(N, LENGTH))

    rows = [slice(start, start + LENGTH) for start in range(N - LENGTH + 1)]
    np.testing.assert_allclose(np.tanh(found), np.tanh(expected_z(signals, seed, rows)), atol=1e-6)


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


def test_a_window_of_which_scrubbing_leaves_too_few_volumes_is_left_out():
    left_out = np.isin(np.arange(20), [2, 4])  # of six volumes with both, four are left

    kept = kept_windows(20, 6, left_out)

    assert kept.tolist() == list(range(3, 15))
    assert len(sliding_windows(20, 6, left_out=left_out)) == len(kept)


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


def test_windows_keep_the_number_that_they_have_in_the_series():
    left_out = np.zeros(60, dtype=bool)
    left_out[25:36] = True

    kept = kept_windows(60, 20, left_out)

    weights, all_weights = sliding_windows(60, 20, left_out=left_out), sliding_windows(60, 20)
    assert len(weights) == len(kept) < len(all_weights)
    lost = set(range(len(all_weights))) - set(kept)
    assert lost == {k for k in range(41) if left_out[k : k + 20].sum() >= 10}
    for row, number in zip(weights, kept, strict=True):
        assert set(np.flatnonzero(row)) == set(np.flatnonzero(all_weights[number] * ~left_out))


def test_maps_are_the_same_on_any_number_of_threads(series, monkeypatch):
    signals, seed = series
    monkeypatch.setattr(connectivity, "_BLOCK", 8)
    monkeypatch.setattr(connectivity, "_CACHED", 8)
    before, weights, found = torch.get_num_threads(), sliding_windows(N, LENGTH), []
    for count in (1, 3):
        torch.set_num_threads(count)
        for mode in (torch.inference_mode, torch.enable_grad):  # as predictions and training are
            with mode():
                found.append(window_maps(signals, seed, weights))
        assert torch.get_num_threads() == count
    torch.set_num_threads(before)

    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize(
    ("n_volumes", "length", "left_out", "words"),
    [
        (20, 22, [], "20 volumes, fewer than the 22 of one window"),
        (60, 3, [], "too short for a correlation"),
        (30, 22, range(0, 30, 1), "no window keeps more"),
    ],
)
def test_impossible_windows_are_explained(n_volumes, length, left_out, words):
    scrubbed = np.zeros(n_volumes, dtype=bool)
    scrubbed[list(left_out)] = True
    with pytest.raises(DataError, match=words):
        sliding_windows(n_volumes, length, left_out=scrubbed)
