import numpy as np
import pytest

from motor_bids_app.mri.diffusion.motion import correct_motion
from motor_bids_app.mri.diffusion.replacement import lost_slices, lost_values, replace_lost

SIGMA = 20


@pytest.fixture(scope="module")
def gradients(phantom):
    return phantom.gradients(24, b0=2)


@pytest.fixture
def dropouts(phantom, gradients):
    """Half of the slices of one volume, and some of two others, one of them next to it."""
    dropouts = np.zeros((phantom.mask.shape[2], len(gradients)), dtype=bool)
    dropouts[::2, 8] = True
    dropouts[20:30, 9] = dropouts[15:18, 20] = True
    return dropouts


def spoilt(series, dropouts):
    return np.where(lost_slices(dropouts, series.shape, 2), 0.1 * series, series)


def test_a_lost_slice_is_given_the_signal_that_was_lost(phantom, gradients, dropouts):
    true = phantom.series(gradients)
    series = spoilt(phantom.with_noise(true, SIGMA), dropouts)
    lost = lost_slices(dropouts, series.shape, 2) & phantom.mask[..., None]

    replace_lost(series, lost, gradients)

    assert np.abs(series - true)[lost].mean() < 1.5 * SIGMA
    clean = phantom.with_noise(true, SIGMA)
    np.testing.assert_array_equal(series[~lost], spoilt(clean, dropouts)[~lost])


def test_a_shell_of_few_directions_gives_its_mean(phantom):
    few = phantom.gradients(4, b0=1)
    series = np.full((2, 2, 2, 5), 100.0)
    series[..., 1:] = [1, 40, 50, 45]
    lost = np.zeros(series.shape, dtype=bool)
    lost[..., 1] = True

    replace_lost(series, lost, few)

    np.testing.assert_allclose(series[..., 1], np.cbrt(40 * 50 * 45))


def test_what_no_other_volume_shows_is_left(phantom):
    few = phantom.gradients(4, b0=1)
    series = np.full((1, 1, 1, 5), 7.0)
    lost = np.zeros(series.shape, dtype=bool)
    lost[..., 1:] = True

    replace_lost(series, lost, few)

    assert (series == 7).all()


def test_lost_slices_do_not_pull_their_volume_out_of_place(phantom):
    """Judged by the true motion, and by the same volume matched with what it has lost."""
    few = phantom.gradients(16, b0=1)
    motions = phantom.draw_motion(few, mm=1.5, degrees=1.5)
    series = phantom.series(few, motions)
    dropouts = np.zeros((series.shape[2], len(few)), dtype=bool)
    dropouts[28:44, 8] = True
    series, lost = (
        spoilt(phantom.with_noise(series, SIGMA), dropouts),
        lost_slices(dropouts, series.shape, 2),
    )

    found = [
        correct_motion(series, phantom.affine, few, phantom.mask, lost=unseen).parameters[8]
        for unseen in (None, lost)
    ]

    with_them, without = (np.abs(one - motions[8].parameters).max() for one in found)
    assert without < 0.3
    assert with_them > 1


def test_values_out_of_view_are_not_lost_by_dropouts(phantom):
    mask = np.ones((6, 6, 10), dtype=bool)
    dropouts = np.zeros((10, 2), dtype=bool)
    dropouts[4, 1] = True
    matrices = np.stack([np.eye(4)] * 2)
    matrices[1, 2, 3] = 2.0  # the volume is read two slices higher

    lost = lost_values(dropouts, matrices, mask, 2)

    assert np.flatnonzero(lost[0, 0, :, 1]).tolist() == [2]
    assert not lost[..., 0].any()
