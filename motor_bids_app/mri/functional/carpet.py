"""The voxel time series of a bold series as rows of one picture, ordered by tissue."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KINDS = ("other", "grey matter", "white matter", "fluid")  # names of the codes of `tissue_kinds`
_CLEAR = 0.5  # probability from which a voxel counts as a tissue
_ORDER = (1, 2, 3, 0)  # from top to bottom of the picture
_ROWS = 240  # of the picture: more would make it larger, and show no more


@dataclass(frozen=True, eq=False)
class Carpet:
    """Some time series of a bold series.

    Parameters
    ----------
    scores : array, shape (rows, T)
        Standard deviations from the mean of the voxel, without linear trend.
    kinds : array, shape (rows,)
        Codes of `KINDS`; rows of one kind are together.
    """

    scores: NDArray[np.float32]
    kinds: NDArray[np.uint8]


def tissue_kinds(
    grey: NDArray[np.floating],
    white: NDArray[np.floating],
    fluid: NDArray[np.floating],
    lesion: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Code of the tissue of each voxel, 0 where none is clear and in the lesion.

    All have the shape (X, Y, Z), probabilities from 0 to 1.
    """
    kinds = np.zeros(lesion.shape, dtype=np.uint8)
    for code, probability in enumerate((grey, white, fluid), start=1):
        kinds[(probability > _CLEAR) & ~lesion] = code
    return kinds


def make_carpet(signals: NDArray[np.float32], kinds: NDArray[np.uint8]) -> Carpet:
    """Order the voxels of a series by tissue, and take evenly spaced ones.

    Parameters
    ----------
    signals : array, shape (T, voxels)
        Series of the brain, before cleaning, in arbitrary units.
    kinds : array, shape (voxels,)
        Codes of `KINDS`.
    """
    order = np.concatenate([np.flatnonzero(kinds == code) for code in _ORDER])
    places = np.linspace(0, len(order) - 1, min(_ROWS, len(order)))
    chosen = order[places.round().astype(int)]
    return Carpet(_zscore(signals[:, chosen].astype(np.float64)), kinds[chosen])


def _zscore(signals: NDArray[np.float64]) -> NDArray[np.float32]:
    """Rows of shape (rows, T) without mean and linear trend, over their standard deviation."""
    time = np.linspace(-1, 1, len(signals))
    terms = np.stack([np.ones_like(time), time], axis=1)
    rest = signals - terms @ np.linalg.lstsq(terms, signals, rcond=None)[0]
    spread = rest.std(axis=0)
    # What is left of a constant or of a line is rounding: it is drawn flat.
    varies = spread > 1e-6 * np.abs(signals).max(axis=0)
    scores = np.divide(rest, spread, out=np.zeros_like(rest), where=varies)
    return scores.T.astype(np.float32)
