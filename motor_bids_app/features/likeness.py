"""How alike the maps of two scans are, whatever noise, scale and a millimetre of shift."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.features.volumes import Volumes

CELL = 8  # mm: noise averages out, and what two registrations of one brain differ by is small
_SURROUND = 3  # cells along an edge, whose mean is taken out: brightness and slow bias fields


def likeness(volumes: Volumes, column: int) -> NDArray[np.float64]:
    """Return inner products of the scans' maps as cells of 8 mm, each less its surround.

    The cohort's mean is taken out of every cell: what all brains have in common does not count.

    Parameters
    ----------
    volumes : Volumes
    column : int
        Position of the map.

    Returns
    -------
    float64 array, shape (n_scans, n_scans)
        Rows and columns of scans that lack the map are 0.
    """
    has = volumes.present[:, column]
    scans = [_cells(volumes, scan, column) for scan in np.flatnonzero(has).tolist()]
    products = np.zeros((len(volumes), len(volumes)))
    if scans:
        cells = np.stack(scans)
        cells -= cells.mean(axis=0)
        products[np.ix_(has, has)] = cells @ cells.T
    return products


def _cells(volumes: Volumes, scan: int, column: int) -> NDArray[np.float64]:
    """Means over cells of one map, less the mean of each cell's surround, shape (n_cells,)."""
    values = volumes.read([scan], [column])[0, 0].astype(np.float64)
    size = max(1, round(CELL / float(np.abs(volumes.grid.affine[0, 0]))))
    values = np.pad(values, [(0, -edge % size) for edge in values.shape])
    blocks = values.reshape([n for edge in values.shape for n in (edge // size, size)])
    means = blocks.mean(axis=(1, 3, 5))
    return np.asarray(means - ndimage.uniform_filter(means, _SURROUND)).ravel()
