"""Intensities of the tissues of a head, of their partial volumes, and of what departs from them.

Classes of voxels: fluid, grey and white matter; mixtures of two of them; deep grey matter, which is
brighter than the cortex in T1w, as far as its iron makes it look like white matter; and altered
white matter, such as the lesions of old age, which looks like anything on the grey side of white.
What a mask takes in around the brain, dura, bone and vessels, may have any brightness.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

FLUID, GREY, WHITE, DEEP = range(4)  # kinds of tissue with a brightness of their own
_PARTS = (
    (FLUID, FLUID),
    (FLUID, GREY),
    (GREY, GREY),
    (GREY, WHITE),
    (WHITE, WHITE),
    (FLUID, WHITE),
    (DEEP, DEEP),
)  # kinds in a voxel of each class; three classes without a brightness of their own follow
PURE = np.array([0, 2, 4, 6])  # class of each kind
MIXED = (1, 3, 5)  # classes of two kinds
LINING = 5  # fluid and white matter, at the ventricles
ALTERED, AS_WHITE = 7, 8  # altered white matter; deep grey matter as bright as white
OTHER = 9  # around the brain, neither fluid nor tissue
N_CLASSES = 10

BINS = 400
INTENSITY = (np.arange(BINS) + 0.5) / BINS  # of the bins; the brightest tissue is 1
_MIXTURES = np.linspace(0.05, 0.95, 10)  # shares of the second of two kinds in one voxel
_MIXTURE_TRUST = 0.2  # weight of mixtures, against 1 for pure voxels, in the means
_LEAST_SPREAD = 0.01  # of the brightest, standard deviation within a kind
_LEAST_RANGE = 0.05  # of the brightest, that altered white matter spans
_LEAST = 1e-12  # density of what is never seen

Array = NDArray[np.float64]


def _components() -> tuple[Array, NDArray[np.int64]]:
    """Shares of the kinds in each component, (K, 4), and the class it belongs to, (K,)."""
    content, classes = [], []
    for k, (first, second) in enumerate(_PARTS):
        shares = _MIXTURES if first != second else np.zeros(1)
        for share in shares:
            content.append((1 - share) * np.eye(4)[first] + share * np.eye(4)[second])
            classes.append(k)
    return np.array(content), np.array(classes)


_CONTENT, _CLASS = _components()
_SIZE = np.bincount(_CLASS)  # components of each class


@dataclass(frozen=True, eq=False)
class Mixture:
    """Brightness of the four kinds of tissue: means and standard deviations, shape (4,)."""

    means: Array
    spreads: Array

    def _components(self) -> Array:
        """Density of each component in each bin, shape (K, B)."""
        means, spreads = _CONTENT @ self.means, np.sqrt(_CONTENT**2 @ self.spreads**2)
        deviation = (INTENSITY - means[:, None]) / spreads[:, None]
        # Nothing is darker than fluid, or in T2w brighter.
        outside = np.sign(self.means[FLUID] - self.means[WHITE])
        deviation[0, outside * deviation[0] > 0] = 0
        density = np.exp(-0.5 * deviation**2) / (spreads[:, None] * np.sqrt(2 * np.pi))
        return np.asarray((density + _LEAST) / _SIZE[_CLASS, None])

    def densities(self) -> Array:
        """Density of each class in each bin, shape (10, B)."""
        components = self._components()
        own = np.stack([components[k == _CLASS].sum(axis=0) for k in range(len(_PARTS))])
        return np.vstack([own, self._altered(), own[PURE[WHITE]], np.ones(BINS)])

    def _altered(self) -> Array:
        """Even density from white matter towards grey, and half the way to fluid beyond."""
        side = 1 if self.means[GREY] > self.means[WHITE] else -1
        start = self.means[WHITE] + 0.5 * side * self.spreads[WHITE]
        if side * (self.means[FLUID] - self.means[WHITE]) > 0:
            end, blur = (self.means[FLUID] + self.means[GREY]) / 2, 0.5 * self.spreads[FLUID]
        else:
            end, blur = max(side, 0), _LEAST_SPREAD
        density = expit(side * (INTENSITY - start) / (0.5 * self.spreads[WHITE]))
        density *= expit(side * (end - INTENSITY) / (blur + _LEAST_SPREAD))
        return np.asarray(density / max(side * (end - start), _LEAST_RANGE) + _LEAST)

    def second_share(self, k: int) -> Array:
        """Expected share of the second kind in a voxel of a mixed class, in each bin, (B,)."""
        part = self._components()[k == _CLASS]
        return np.asarray(_MIXTURES @ part / part.sum(axis=0))

    def fit(self, counts: Array) -> "Mixture":
        """One step of expectation maximisation, on the voxels of each class, shape (10, B)."""
        components = self._components()
        total = np.stack([components[k == _CLASS].sum(axis=0) for k in range(len(_PARTS))])
        members = counts[_CLASS] * components / total[_CLASS]
        size, sums = members.sum(axis=1), members @ INTENSITY
        trust = np.where(_SIZE[_CLASS] > 1, _MIXTURE_TRUST, 1)
        precision = trust / (_CONTENT**2 @ self.spreads**2)
        normal = (_CONTENT.T * (size * precision)) @ _CONTENT
        # A kind that is not there (no deep nuclei in the field of view) stays what it was.
        normal += 1e-6 * np.eye(4)
        sums = _CONTENT.T @ (sums * precision) + 1e-6 * self.means
        means = np.linalg.solve(normal, sums).clip(_LEAST_SPREAD)
        # In wide ventricles the nuclei's place is one of fluid.
        means[DEEP] = means[DEEP].clip(*np.sort(means[[GREY, WHITE]]))
        pure = np.isin(_CLASS, PURE)
        squares = (members[pure] * (INTENSITY - means[:, None]) ** 2).sum(axis=1)
        known = size[pure] > 1
        spreads = np.where(known, np.sqrt(squares / size[pure].clip(1)), self.spreads)
        return Mixture(means, spreads.clip(_LEAST_SPREAD))
