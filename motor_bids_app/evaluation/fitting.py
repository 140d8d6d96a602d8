"""Models fitted to the people outside test sets, one after the other."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from motor_bids_app.features.samples import Samples

Job = tuple[Any, NDArray[np.bool_]]  # a model that is not fitted, and the scans to fit it to
Fit = Callable[[Sequence[Job], Samples, NDArray[Any]], Iterator[Any]]  # see `fit_in_turn`


def fit_in_turn(jobs: Sequence[Job], samples: Samples, y: NDArray[Any]) -> Iterator[Any]:
    """Yield each model fitted to its scans, in order; nothing is fitted before it is asked for.

    Parameters
    ----------
    jobs : sequence of (estimator, bool array of shape (n_scans,))
    samples : Samples
    y : array, shape (n_scans,)
    """
    for model, rows in jobs:
        yield clone(model).fit(samples[rows], y[rows])
