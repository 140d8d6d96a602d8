"""Mixture of three tissues and their partial volumes, fitted to histograms of intensity."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MIXTURES = np.linspace(0.05, 0.95, 10)  # shares of the brighter of two tissues in one voxel
_MIXTURE_TRUST = 0.2  # weight of mixtures, against 1 for pure voxels, in the means of tissues
_FIT_ROUNDS = 60
_LEAST_SPREAD = 0.01  # of the brightest, standard deviation within a tissue

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mixture:
    """Intensities of three tissues, dark to bright, and of mixtures of two neighbours.

    Parameters
    ----------
    means, spreads : arrays, shape (3,)
    shares : array, shape (R, 5)
        Of the voxels in each region: first tissue, mixture, second, mixture, third tissue.
    """

    means: Array
    spreads: Array
    shares: Array

    def densities(self, intensity: Array) -> Array:
        """Density of each component at B intensities, shape (K, B)."""
        means, spreads = CONTENT @ self.means, np.sqrt(CONTENT**2 @ self.spreads**2)
        deviation = (intensity - means[:, None]) / spreads[:, None]
        each = np.exp(-0.5 * deviation**2) / spreads[:, None] + 1e-30
        return np.asarray(each / np.bincount(CLASS)[CLASS, None])

    def joint(self, intensity: Array) -> Array:
        """Density of each component, times its share in each region, shape (R, K, B)."""
        return np.asarray(self.shares[:, CLASS, None] * self.densities(intensity))


def _components() -> tuple[Array, NDArray[np.int64]]:
    """Shares of the tissues in each component, (K, 3), and the class it belongs to, (K,)."""
    content, classes = [], []
    for k in range(3):
        content.append(np.eye(3)[k])
        classes.append(2 * k)
    for k in range(2):
        content += [(1 - share) * np.eye(3)[k] + share * np.eye(3)[k + 1] for share in _MIXTURES]
        classes += [2 * k + 1] * len(_MIXTURES)
    return np.array(content), np.array(classes)


CONTENT, CLASS = _components()


def fit(counts: Array, intensity: Array, mixture: Mixture) -> Mixture:
    """Expectation-maximisation on one histogram for each region, counts of shape (R, B)."""
    for _ in range(_FIT_ROUNDS):
        joint = mixture.joint(intensity)
        members = counts[:, None] * joint / joint.sum(axis=1, keepdims=True)
        shares = np.stack([np.bincount(CLASS, weights=region.sum(axis=1)) for region in members])
        shares = shares / shares.sum(axis=1, keepdims=True).clip(1e-9)
        members = members.sum(axis=0)
        size, total = members.sum(axis=1), members @ intensity
        trust = np.where(CLASS % 2, _MIXTURE_TRUST, 1)
        precision = trust / (CONTENT**2 @ mixture.spreads**2)
        normal = (CONTENT.T * (size * precision)) @ CONTENT
        means = np.linalg.solve(normal + 1e-9 * np.eye(3), CONTENT.T @ (total * precision))
        means = means.clip(_LEAST_SPREAD)
        squares = (members[:3] * (intensity - means[:, None]) ** 2).sum(axis=1)
        spreads = np.sqrt(squares / size[:3].clip(1e-9)).clip(_LEAST_SPREAD)
        mixture = Mixture(means, spreads, shares.clip(1e-4))
    return mixture


def fit_from_regions(counts: Array, intensity: Array) -> tuple[Mixture, list[int]]:
    """Start from the mean of each region; also the regions from dark to bright."""
    size = counts.sum(axis=1)
    means = counts @ intensity / size
    spreads = np.sqrt(counts @ intensity**2 / size - means**2)
    order = np.argsort(means)
    shares = np.full((3, 5), 0.1)
    shares[order, [0, 2, 4]] = 0.6
    start = Mixture(means[order], spreads[order].clip(_LEAST_SPREAD) / 2, shares)
    return fit(counts, intensity, start), order.tolist()


def fit_from_quantiles(counts: Array, intensity: Array) -> Mixture:
    """Start from quantiles that suit dark or bright fluid; keep what explains the image better."""
    cumulative = np.cumsum(counts[0]) / counts.sum()
    fits = []
    for quantiles in ((0.06, 0.4, 0.8), (0.25, 0.65, 0.95)):
        means = np.interp(quantiles, cumulative, intensity)
        spreads = np.full(3, max(np.diff(means).min() / 2, 1e-3))
        start = Mixture(means, spreads, np.array([[0.15, 0.15, 0.3, 0.15, 0.25]]))
        fits.append(fit(counts, intensity, start))
    return max(fits, key=lambda fit: (counts * np.log(fit.joint(intensity).sum(axis=1))).sum())
