import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from motor_bids_app.errors import DataError
from motor_bids_app.mri.functional.timing import (
    check_slice_times,
    correct_slice_timing,
    count_dummies,
    even_volumes,
    middle_time,
    repetition_time,
)


@pytest.mark.parametrize(("sidecar", "header", "found"), [(2.0, 0.0, 2.0), (None, 1.5, 1.5)])
def test_repetition_time_is_that_of_the_sidecar_else_of_the_header(sidecar, header, found):
    assert repetition_time(sidecar, header) == found


@pytest.mark.parametrize(
    ("sidecar", "header", "words"),
    [
        (2000, 2.0, '"RepetitionTime": 2 into'),
        (None, 0.0, "time between bold volumes is unknown"),
        (None, 2000.0, "milliseconds"),
        (0.002, 2.0, "0.002 s between bold volumes"),
        ("2", 2.0, "RepetitionTime in the sidecar says '2'"),
        (float("nan"), 2.0, "unknown"),
    ],
    ids=["ms", "missing", "ms in the header", "ms twice", "text", "nan"],
)
def test_impossible_repetition_times_are_explained(sidecar, header, words):
    with pytest.raises(DataError, match=words):
        repetition_time(sidecar, header)


def test_times_of_volumes_stand_for_the_repetition_time_where_they_are_even():
    assert even_volumes([0, 2.5, 5, 7.5]) == 2.5
    assert even_volumes(None) is None
    for uneven in ([0, 2, 4, 16], [0, 0, 0], ["a", "b"], 3, [1]):
        with pytest.raises(DataError, match="evenly spaced"):
            even_volumes(uneven)


@pytest.mark.parametrize("dummies", [0, 1, 3])
def test_volumes_before_the_steady_state_are_counted(dummies):
    means = 100 + np.random.default_rng(0).normal(0, 0.1, 60)
    means[:dummies] += 8 * np.exp(-np.arange(dummies))

    assert count_dummies(means) == dummies


def test_a_jump_later_on_is_no_dummy_volume():
    means = 100 + np.random.default_rng(0).normal(0, 0.1, 60)
    means[20] += 10

    assert count_dummies(means) == 0


def sampled(times, repetition, n_volumes, frequency=0.05):
    """A wave that is everywhere, seen in each slice at its time; shape (2, 2, Z, T)."""
    seen = repetition * np.arange(n_volumes) + times[:, None]
    return np.broadcast_to(np.sin(2 * np.pi * frequency * seen), (2, 2, *seen.shape))


def test_slices_agree_once_they_are_corrected():
    times = np.array([0.0, 1.0, 0.5, 1.5])

    corrected = correct_slice_timing(sampled(times, 2.0, 60), times, 2.0)

    truth = sampled(np.full(4, middle_time(times)), 2.0, 60)
    inner = slice(3, -3)  # at the ends nothing is extrapolated
    assert np.abs(corrected - truth)[..., inner].max() < 0.01
    assert np.abs(sampled(times, 2.0, 60) - truth)[..., inner].max() > 0.2


def test_slice_timing_equals_the_splines_of_scipy():
    data = np.random.default_rng(0).normal(size=(3, 4, 2, 30)).astype(np.float32)
    times = np.array([0.0, 1.2])

    corrected = correct_slice_timing(data, times, 2.4, axis=2)

    volumes = np.arange(30)
    for number, shift in enumerate([0.25, -0.25]):
        places = np.clip(volumes + shift, 0, 29)
        expected = CubicSpline(volumes, data[:, :, number], axis=-1)(places)
        np.testing.assert_allclose(corrected[:, :, number], expected, atol=1e-5)


def test_slices_may_lie_along_any_axis():
    times = np.array([0.0, 1.0, 0.5, 1.5])
    data = sampled(times, 2.0, 40)

    first = correct_slice_timing(np.moveaxis(data, 2, 0), times, 2.0, axis=0)

    np.testing.assert_array_equal(np.moveaxis(first, 0, 2), correct_slice_timing(data, times, 2.0))


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([0, 0.5], "2 times, but the bold has 3 slices"),
        ([0, 700, 1400], "milliseconds"),
        ([0, 1, 2.5], "beyond the 2 s"),
        ([-0.1, 0, 1], "negative"),
        ([0, "0.5 s", 1], "else than numbers"),
        ({"first": 0}, "else than numbers"),
    ],
)
def test_impossible_slice_times_are_explained(times, words):
    with pytest.raises(DataError, match=words):
        check_slice_times(times, 3, 2.0)
