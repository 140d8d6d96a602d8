"""Layers of a network as points in the plane, to look at."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler

LEAST = 5  # people; fewer have no neighbourhood worth drawing
_PERPLEXITY = 30.0  # of van der Maaten and Hinton (2008), where there are people enough


def embed(features: NDArray[Any], random_state: int) -> NDArray[np.float64]:
    """Place people in the plane so that neighbours stay neighbours (t-SNE).

    Distances between groups, their sizes and the axes mean nothing.

    Parameters
    ----------
    features : array, shape (n_people, n_features)
        At least `LEAST` people; scaled to unit variance first.
    random_state : int

    Returns
    -------
    float64 array, shape (n_people, 2)
    """
    scaled = StandardScaler().fit_transform(np.asarray(features, dtype=np.float64))
    if not scaled.any():  # a layer that says the same of everyone
        return np.zeros((len(scaled), 2))
    perplexity = min(_PERPLEXITY, (len(scaled) - 1) / 3)
    placed = TSNE(perplexity=perplexity, init="random", random_state=random_state)
    return np.asarray(placed.fit_transform(scaled), dtype=np.float64)
