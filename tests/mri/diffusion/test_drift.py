import numpy as np
import pytest

from motor_bids_app.mri.diffusion.drift import signal_drift
from motor_bids_app.mri.diffusion.gradients import GradientTable


def make_table(b0_at, n=41):
    bvals = np.full(n, 1000.0)
    bvals[b0_at] = 0
    bvecs = np.where(bvals[:, None] > 0, [[1.0, 0, 0]], 0)
    return GradientTable(bvals, bvecs)


@pytest.mark.parametrize(("b0_at", "curvature"), [([0, 10, 20, 30, 40], -0.04), ([0, 20, 40], 0.0)])
def test_planted_drift_is_found(phantom, b0_at, curvature):
    table, time = make_table(b0_at), np.linspace(0, 1, 41)
    gain = 1 - 0.06 * time + curvature * time**2
    series = phantom.with_noise(phantom.series(table) * gain, 30)

    assert signal_drift(series, table, phantom.mask) == pytest.approx(gain, abs=2e-3)


@pytest.mark.parametrize("b0_at", [[0, 40], [0, 1, 2, 3]])
def test_b0_volumes_must_cover_the_run(phantom, b0_at):
    table = make_table(b0_at)

    assert signal_drift(np.ones((*phantom.mask.shape, 41)), table, phantom.mask) is None
