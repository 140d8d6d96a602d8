"""Slow change of a scanner's gain during a diffusion series."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.mri.diffusion.gradients import GradientTable

_FEWEST = 3  # b0 volumes
_SPAN = 0.5  # of the series that they must cover
_FOR_CURVATURE = 5  # with fewer b0 volumes, a parabola would follow their noise


def signal_drift(
    data: NDArray[np.floating], gradients: GradientTable, mask: NDArray[Any]
) -> NDArray[np.float64] | None:
    """Gain of each volume relative to the first, from the b0 volumes.

    A parabola over time is fitted to the signals of the b0 volumes (Vos et al., Magn
    Reson Med 77:285-299, 2017); a line where there are fewer than 5.

    Parameters
    ----------
    data : array, shape (X, Y, Z, N)
        Series, corrected for motion.
    gradients : GradientTable
        One entry per volume.
    mask : array, shape (X, Y, Z)
        Positive in the brain.

    Returns
    -------
    array, shape (N,), or None
        To divide each volume by. None where there are fewer than 3 b0 volumes, or they
        cover less than half of the series.
    """
    times = np.flatnonzero(gradients.is_b0)
    n = len(gradients)
    if len(times) < _FEWEST or times[-1] - times[0] < _SPAN * (n - 1):
        return None
    b0 = data[np.asarray(mask) > 0][:, gradients.is_b0]
    level = b0.mean(axis=1)
    bright = level > 0.5 * np.median(level)
    # Fluid pulsates and edges move: the median over voxels does not follow them.
    gains = np.median(b0[bright] / level[bright, None], axis=0)
    fit = np.polynomial.Polynomial.fit(times, gains, 2 if len(times) >= _FOR_CURVATURE else 1)
    gain = fit(np.arange(n, dtype=np.float64))
    return np.asarray(gain / gain[0])
