"""Nuisance regression and band-pass of bold series, in one projection, and smoothing.

Filtering after regression brings back what the regression took out, and the other way round
(Lindquist et al. 2019). Here the frequencies to remove are regressors among the others: what is
left is orthogonal to both.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.mri.sampling import smooth

FEWEST_DEGREES = 10  # of freedom that must be left, or correlations mean nothing
_FWHM = 2.3548  # of a Gaussian, in standard deviations
_RANK = 1e-7  # of the largest singular value; below, a regressor repeats others
_VOLUMES_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Cleaner:
    """Removes nuisance from time courses: an orthonormal basis of all that goes.

    Parameters
    ----------
    basis : array, shape (T, R)
        Orthonormal columns: constant, trend, frequencies outside the band, confounds, and one
        for each volume that is left out.
    """

    basis: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        confounds: NDArray[np.floating],
        repetition: float,
        band: tuple[float, float],
        left_out: NDArray[np.bool_] | None = None,
    ) -> "Cleaner":
        """Gather what is to be removed.

        Parameters
        ----------
        confounds : array, shape (T, C)
            Time courses to regress out.
        repetition : float
            Seconds between volumes.
        band : (float, float)
            Frequencies to keep, in Hz.
        left_out : array of bool, shape (T,), optional
            Volumes that do not count (scrubbing); they come out as 0.

        Raises
        ------
        DataError
            Fewer than 10 degrees of freedom would be left.
        """
        n_volumes = len(confounds)
        spikes = np.eye(n_volumes)
        spikes = spikes[:, left_out] if left_out is not None else spikes[:, :0]
        # In this order each part is made orthogonal to those before it, so that a spike is exact.
        basis = spikes
        trend = np.stack([np.ones(n_volumes), np.linspace(-1, 1, n_volumes)], axis=1)
        for part in (trend, stop_band(n_volumes, repetition, band), confounds):
            basis = _extended(basis, np.asarray(part, dtype=np.float64))
        left = n_volumes - basis.shape[1]
        if left < FEWEST_DEGREES:
            scrubbed = f"{spikes.shape[1]} volumes that do not count, " if spikes.size else ""
            raise DataError(
                f"The bold has {n_volumes} volumes ({n_volumes * repetition:.0f} s), of which "
                f"{scrubbed}{confounds.shape[1]} confounds and the band of {band[0]:g} to "
                f"{band[1]:g} Hz leave {max(left, 0)} degrees of freedom; at least "
                f"{FEWEST_DEGREES} are needed."
            )
        return cls(basis)

    @property
    def degrees(self) -> int:
        """Degrees of freedom that are left."""
        return int(self.basis.shape[0] - self.basis.shape[1])

    def clean(self, signals: NDArray[np.floating]) -> NDArray[np.float32]:
        """Project time courses, shape (T, voxels), on what is orthogonal to the basis.

        The result is float32, in the units of the signals, about 0.
        """
        values = np.asarray(signals, dtype=np.float32)
        centred = values - values.mean(axis=0)  # large means would cost float32 its digits
        basis = self.basis.astype(np.float32)
        centred -= basis @ (basis.T @ centred)
        return centred


def stop_band(n_volumes: int, repetition: float, band: tuple[float, float]) -> NDArray[np.float64]:
    """Cosines of the frequencies outside a band, shape (T, K), without the constant.

    The discrete cosine transform mirrors a series at its ends, where that of Fourier would join
    its end to its start.
    """
    number = np.arange(1, n_volumes)
    frequency = number / (2 * n_volumes * repetition)
    removed = number[(frequency < band[0]) | (frequency > band[1])]
    places = (np.arange(n_volumes)[:, None] + 0.5) / n_volumes
    return np.asarray(np.sqrt(2 / n_volumes) * np.cos(np.pi * places * removed))


def _extended(basis: NDArray[np.float64], part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add to an orthonormal basis what a part has beyond it."""
    size = np.linalg.norm(part, axis=0)
    part = part[:, size > 0] / size[size > 0]
    for _ in range(2):  # twice is enough (Parlett)
        part = part - basis @ (basis.T @ part)
    left, values, _ = np.linalg.svd(part, full_matrices=False)
    return np.concatenate([basis, left[:, values > _RANK * max(values.max(initial=0), 1)]], axis=1)


def smooth_inside(
    signals: NDArray[np.floating], inside: NDArray[np.bool_], fwhm: float, voxel: float
) -> NDArray[np.float32]:
    """Smooth every volume within a mask; what is outside, such as a lesion, does not flow in.

    Parameters
    ----------
    signals : array, shape (T, voxels)
        Of the voxels that are `inside`, in their order.
    inside : array, shape (X, Y, Z)
    fwhm, voxel : float
        Full width at half maximum of the Gaussian, and voxel edge, in mm; 0 leaves all as it is.
    """
    if not fwhm > 0:
        return np.asarray(signals, dtype=np.float32)
    sigma = fwhm / _FWHM / voxel
    box = tuple(slice(line.min(), line.max() + 1) for line in np.nonzero(inside))
    mask = inside[box]
    weight = smooth(torch.as_tensor(mask[None].astype(np.float32)), sigma).cpu().numpy()[0][mask]
    result = np.empty(signals.shape, dtype=np.float32)
    for start in range(0, len(signals), _VOLUMES_AT_ONCE):
        part = slice(start, start + _VOLUMES_AT_ONCE)
        volumes = np.zeros((len(signals[part]), *mask.shape), dtype=np.float32)
        volumes[:, mask] = signals[part]
        result[part] = smooth(torch.as_tensor(volumes), sigma).cpu().numpy()[:, mask] / weight
    return result
