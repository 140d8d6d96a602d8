"""Inner products of scans, centred and weighed as a training fold says."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Centring:
    """Inner products of deviations from a training fold's mean, maps at equal weight.

    A scan that lacks a map is given the fold's mean, a deviation of 0. A map that does
    not vary in the fold has weight 0.

    Parameters
    ----------
    grams : float64 array, shape (n_maps, k, k)
        Raw products within the fold.
    present : bool array, shape (k, n_maps)
        Which scan has which map.
    """

    def __init__(self, grams: Array, present: NDArray[np.bool_]) -> None:
        self.present = present.T
        self.share = self.present / np.maximum(self.present.sum(axis=1, keepdims=True), 1)
        self.mean_products = np.einsum("mi,mij->mj", self.share, grams)
        size = np.einsum("mii->m", grams)
        energy = np.einsum("mii->m", self._deviations(grams, present))
        varies = energy > 1e-9 * np.maximum(size, 1e-30)
        self.weights = np.zeros(len(grams))
        self.weights[varies] = len(present) / energy[varies] / np.count_nonzero(varies)

    def __call__(self, across: Array, present: NDArray[np.bool_]) -> Array:
        """Return products of n scans with the fold's k, shape (n, k).

        Parameters
        ----------
        across : float64 array, shape (n_maps, n, k)
            Raw products of the scans with the fold's.
        present : bool array, shape (n, n_maps)
        """
        return np.einsum("m,mij->ij", self.weights, self._deviations(across, present))

    def first(self, n: int) -> "Centring":
        """Return the same of the first maps alone, with the weight that they have among all."""
        part = object.__new__(Centring)
        for name in ("present", "share", "mean_products", "weights"):
            setattr(part, name, getattr(self, name)[:n])
        return part

    def _deviations(self, across: Array, present: NDArray[np.bool_]) -> Array:
        centred = across - self.mean_products[:, None, :]
        centred -= np.einsum("mij,mj->mi", centred, self.share)[:, :, None]
        return centred * present.T[:, :, None] * self.present[:, None, :]
