"""Columns as linear models see them: scaled by a training fold, in blocks of equal weight.

A column that is named is a block of its own. So are all that one wildcard names, the categories of
one column, the bundles that a lesion cuts, and the regional features of one kind: a thousand
columns then weigh as much as one, and cannot drown a clinical score.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.features.columns import REGIONAL
from motor_bids_app.features.disconnection_columns import DISCONNECTION
from motor_bids_app.models.tables.centring import Array
from motor_bids_app.models.tables.columns import MEMBER, OWN


def block_of(column: str) -> str:
    """Name the block of a column.

    >>> block_of("own_chaco_*: chaco_17"), block_of("own_nihss"), block_of("fa_thalamus_left")
    ('own_chaco_*', 'own_nihss', 'fa')
    """
    if re.fullmatch(OWN, column):
        return column.partition(MEMBER)[0]
    if re.fullmatch(DISCONNECTION, column):
        return "disconnection"
    return column.partition("_")[0] if re.fullmatch(REGIONAL, column) else column


@dataclass(frozen=True, eq=False)
class Scaling:
    """Deviations from the mean of a training fold, each block at a mean square of 1.

    A missing value is a deviation of 0: it counts as the mean. A column that does not vary in the
    fold, such as a category that nobody there has, is 0.

    Parameters
    ----------
    means, scales : float64 array, shape (n_columns,)
        Of the fold; a deviation is multiplied by its scale.
    blocks : int array, shape (n_columns,)
        Number of the block of each column, from 0 on.
    """

    means: Array
    scales: Array
    blocks: NDArray[np.intp]

    @classmethod
    def of(cls, values: Array, columns: Sequence[str]) -> "Scaling":
        """Learn from `values`, shape (n_scans, n_columns), NaN where missing."""
        known = ~np.isnan(values)
        counts = np.maximum(known.sum(axis=0), 1)
        means = np.where(known, values, 0).sum(axis=0) / counts
        deviations = np.where(known, values - means, 0)
        spreads = np.sqrt(np.square(deviations).sum(axis=0) / counts)
        size = np.abs(np.where(known, values, 0)).max(axis=0, initial=0)
        varies = spreads > 1e-9 * np.maximum(size, 1e-30)
        _, blocks = np.unique([block_of(name) for name in columns], return_inverse=True)
        widths = np.bincount(blocks, varies)[blocks]
        scales = np.zeros(len(means))
        scales[varies] = 1 / (spreads[varies] * np.sqrt(widths[varies]))
        return cls(means, scales, blocks)

    def __call__(self, values: Array) -> Array:
        """Return scaled deviations, shape (n_scans, n_columns), without gaps."""
        return np.asarray(np.nan_to_num((values - self.means) * self.scales))

    def by_block(self, values: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Return products within each block, (n_blocks, n, n), and who has a value, (n, n_blocks).

        Of a block of several columns everyone has one, be it the mean.
        """
        scaled, known = self(values), ~np.isnan(values)
        grams, present = [], []
        for block in range(int(self.blocks.max(initial=-1)) + 1):
            own = self.blocks == block
            grams.append(scaled[:, own] @ scaled[:, own].T)
            present.append(known[:, own][:, 0] if own.sum() == 1 else np.ones(len(values), bool))
        n = len(values)
        return np.array(grams).reshape(-1, n, n), np.array(present).reshape(-1, n).T
