"""Voxels inside a mask."""

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import GridMismatchError
from motor_bids_app.spaces.grids import Grid


def mask_voxels(mask: NDArray[np.bool_] | None, grid: Grid) -> NDArray[np.intp]:
    """Return the flat indices of the voxels inside `mask`, or of all.

    Raises
    ------
    GridMismatchError
        The mask has another shape than the grid, or is empty.
    """
    if mask is None:
        return np.arange(int(np.prod(grid.shape)))
    if mask.shape != grid.shape or not mask.any():
        raise GridMismatchError(
            f"The mask has shape {mask.shape} and {np.count_nonzero(mask)} voxels inside, but the "
            f"maps have shape {grid.shape}. Draw the mask on the grid of the experiment."
        )
    return np.flatnonzero(mask)
