import numpy as np
import pytest

from motor_bids_app.errors import DataError, EmptyRegionError
from motor_bids_app.mri.distortion.field_map import (
    phase_in_radians,
    signal_mask,
    smooth_field,
    unwrap,
    wrap,
)

ECHOES = 2.46e-3  # s between them: phase wraps at 203 Hz
SHAPE, SIZES = (40, 44, 30), np.array([3.0, 3.0, 3.5])


@pytest.fixture(scope="module")
def head():
    """Ball of signal with a dark sinus, in which the field has its source."""
    x, y, z = (np.arange(n) - n / 2 for n in SHAPE)
    radius = np.sqrt((x[:, None, None] / 16) ** 2 + (y[:, None] / 18) ** 2 + (z / 12) ** 2)
    magnitude = np.where(radius < 1, 500 + 150 * np.cos(3 * radius), 0.0)
    sinus = np.sqrt(x[:, None, None] ** 2 + (y[:, None] - 13) ** 2 + (z + 6) ** 2)
    magnitude[sinus < 3] = 0
    hertz = 420 * np.exp(-((sinus / 7) ** 2)) - 60 * np.tanh(z / 10)
    return magnitude, hertz


@pytest.fixture(scope="module")
def noisy(head):
    """Magnitude and wrapped phase difference with the noise of two echoes."""
    magnitude, hertz = head
    rng = np.random.default_rng(0)
    echoes = [
        magnitude * np.exp(2j * np.pi * hertz * time)
        + rng.normal(0, 15, SHAPE)
        + 1j * rng.normal(0, 15, SHAPE)
        for time in (4.92e-3, 4.92e-3 + ECHOES)
    ]
    return np.abs(echoes[0]), np.angle(echoes[1] * np.conj(echoes[0]))


def test_a_field_beyond_the_wraps_is_found(head, noisy):
    _, hertz = head
    magnitude, phase = noisy
    inside = signal_mask(magnitude)
    assert hertz[inside].max() > 1.5 * 203  # so that there is something to unwrap

    found = unwrap(phase, inside) / (2 * np.pi * ECHOES)

    error = np.abs(found - hertz)[inside]
    assert np.abs(phase / (2 * np.pi * ECHOES) - hertz)[inside].max() > 400
    assert np.mean(error > 200) < 1e-4  # voxels off by a whole turn
    smooth = smooth_field(found, magnitude, inside, SIZES)
    assert np.abs(smooth - hertz)[inside].mean() < 3  # Hz
    assert np.abs(smooth - hertz)[inside].mean() < error.mean()


def test_unwrapping_adds_whole_turns_only(noisy):
    magnitude, phase = noisy
    inside = signal_mask(magnitude)

    turns = (unwrap(phase, inside) - phase)[inside] / (2 * np.pi)

    np.testing.assert_allclose(turns, np.round(turns), atol=1e-9)


def test_phase_that_does_not_wrap_is_left_as_it_is(noisy):
    magnitude, phase = noisy
    inside = signal_mask(magnitude)

    np.testing.assert_allclose(unwrap(phase / 10, inside)[inside], phase[inside] / 10, atol=1e-9)


def test_another_reference_phase_changes_the_field_by_a_constant_at_most(noisy):
    magnitude, phase = noisy
    inside = signal_mask(magnitude)

    turned = unwrap(wrap(phase + 2.0), inside) - unwrap(phase, inside)

    assert np.ptp(np.round(turned[inside], 6)) == 0


def test_the_field_goes_on_where_there_is_no_signal(head, noisy):
    magnitude, phase = noisy
    inside = signal_mask(magnitude)
    found = smooth_field(unwrap(phase, inside), magnitude, inside, SIZES)

    assert not inside[0, 0, 0]
    assert found.min() >= unwrap(phase, inside).min()
    assert np.abs(np.diff(found, axis=1)).max() < np.pi


@pytest.mark.parametrize(
    ("scale", "offset"),
    [
        (1, 0),
        (1, np.pi),
        (1000, 0),
        (4096 / (2 * np.pi), 0),
        (4096 / np.pi, 0),
        (4096 / (2 * np.pi), 2048),
    ],
)
def test_phase_is_read_in_the_units_of_scanners(scale, offset):
    phase = np.random.default_rng(0).uniform(-np.pi, np.pi, (20, 20, 20))
    stored = scale * phase + offset
    stored = np.round(stored) if scale > 1 else stored

    found = phase_in_radians(stored)

    shift = wrap(np.full(1, 2 * np.pi * offset / (2 * np.pi * scale)))
    np.testing.assert_allclose(wrap(found - phase - shift), 0, atol=1.1 / max(scale, 1))


@pytest.mark.parametrize("high", [1.0, 500.0, 3000.0, 65535.0])
def test_phase_in_no_known_unit_is_refused(high):
    with pytest.raises(DataError, match="no full turn"):
        phase_in_radians(np.linspace(0, high, 1000))


def test_an_image_without_signal_is_refused():
    with pytest.raises(EmptyRegionError, match="does not vary"):
        signal_mask(np.zeros((5, 5, 5)))
