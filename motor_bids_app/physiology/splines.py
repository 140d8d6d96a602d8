"""Spherical splines: a channel from its neighbours (Perrin et al. 1989)."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import eval_legendre

Array = NDArray[np.float64]
STIFFNESS, N_TERMS = 4, 50  # m of Perrin et al., and terms of the series
_RIDGE = 1e-5


def spline_weights(known: Array, wanted: Array) -> Array:
    """Weights that give the potential at places from that at other places.

    Parameters
    ----------
    known, wanted : array, shape (N, 3) and (M, 3)
        Places on the unit sphere.

    Returns
    -------
    array, shape (M, N)
        Each row sums to 1, so that a constant stays what it is.
    """
    n = len(known)
    system = np.ones((n + 1, n + 1))
    system[:n, :n] = _kernel(known @ known.T) + _RIDGE * np.eye(n)
    system[n, n] = 0
    target = np.hstack([_kernel(wanted @ known.T), np.ones((len(wanted), 1))])
    return np.asarray(np.linalg.solve(system.T, target.T).T[:, :n], dtype=np.float64)


def _kernel(cosines: Array) -> Array:
    """Sum of Legendre polynomials g(x) of Perrin et al., equation 3."""
    orders = np.arange(1, N_TERMS + 1)
    factors = (2 * orders + 1) / (orders * (orders + 1.0)) ** STIFFNESS
    polynomials = eval_legendre(orders[:, None, None], np.clip(cosines, -1, 1))
    return np.asarray(np.tensordot(factors, polynomials, axes=1) / (4 * np.pi))
