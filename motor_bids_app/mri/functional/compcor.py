"""Principal components of tissue without neural signal: aCompCor (Behzadi et al. 2007)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.mri.functional.cleaning import stop_band

FEWEST, EXPLAINED = 5, 0.5  # components that are given, or as many as explain this share
SLOWEST = 128.0  # s; slower changes are drift, which cosines model
_NOTHING = 1e-6  # of the largest variance; a component with less is rounding


@dataclass(frozen=True, eq=False)
class Components:
    """The first principal components of some voxels.

    Parameters
    ----------
    courses : array, shape (T, K)
        Orthonormal time courses.
    singular_values : array, shape (K,)
    explained : array, shape (K,)
        Share of the variance, 0 to 1.
    """

    courses: NDArray[np.float64]
    singular_values: NDArray[np.float64]
    explained: NDArray[np.float64]


def drift_cosines(n_volumes: int, repetition: float) -> NDArray[np.float64]:
    """Cosines slower than 128 s, shape (T, K), orthonormal; `repetition` in s."""
    return stop_band(n_volumes, repetition, (1 / SLOWEST, np.inf))


def tissue_components(signals: NDArray[np.floating], repetition: float) -> Components:
    """Components of the signals of one tissue, without trend and drift, each voxel of variance 1.

    Five, or more where it takes more to explain half of the variance: users take either the first
    five (Behzadi et al. 2007) or half of the variance (Muschelli et al. 2014). Each goes with the
    mean of the voxels, as its sign is free.

    Parameters
    ----------
    signals : array, shape (T, voxels)
    repetition : float
        Seconds between volumes.
    """
    values, time = np.asarray(signals, dtype=np.float64), np.linspace(-1, 1, len(signals))
    slow = np.column_stack([np.ones(len(time)), time, drift_cosines(len(time), repetition)])
    basis = np.linalg.qr(slow)[0]
    values = values - basis @ (basis.T @ values)
    spread = values.std(axis=0)
    values = values[:, spread > 0] / spread[spread > 0]
    powers, courses = np.linalg.eigh(values @ values.T)
    powers, courses = powers[::-1].clip(0), courses[:, ::-1]
    share = powers / max(powers.sum(), np.finfo(float).tiny)
    count = max(FEWEST, 1 + int(np.searchsorted(share.cumsum(), EXPLAINED)))
    count = min(count, int((powers > _NOTHING * powers[0]).sum()))
    courses = courses[:, :count] * np.where(courses[:, :count].T @ values.mean(axis=1) < 0, -1, 1)
    return Components(courses, np.sqrt(powers[:count]), share[:count])
