"""Lesion maps as a linear model can compare them: by the angle between them, over both sides."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.errors import DataError
from motor_bids_app.features.volumes import Volumes, VolumeStore

LESION = "lesion"
VIEWS = ("lesion_sides", "lesion_folded")
_WIDTH = 8.0  # mm, full width at half maximum of the Gaussian
_SIGMA = 1 / np.sqrt(8 * np.log(2))  # of its width


def lesion_views(volumes: Volumes) -> Volumes:
    """Return two maps of each scan's lesion, smoothed and of unit length.

    "lesion_sides" is the lesion where it is; "lesion_folded" the sum of it and of its mirror image,
    which is the same for a lesion on the left and on the right. Inner products of maps of unit
    length are cosines: lesions are compared by their place, and not by their size, which is a
    column. Both views together know the side of a lesion, and that sides are alike.

    Parameters
    ----------
    volumes : Volumes
        With lesion maps. The views are made once for all scans of its store.

    Raises
    ------
    DataError
        There is no lesion map.
    """
    if LESION not in volumes.maps:
        raise DataError(
            "A model of lesion maps needs lesion maps: give lesion masks, and add "
            '"lesion" to [inputs] maps.'
        )
    return Volumes(volumes.store.made("lesion_views", _views), volumes.rows)


def _views(store: VolumeStore) -> VolumeStore:
    made = VolumeStore.empty(len(store), VIEWS, store.grid)
    column = store.maps.index(LESION)
    made.present[:] = store.present[:, [column]]
    sigma = _WIDTH * _SIGMA / store.grid.voxel_sizes
    for row in np.flatnonzero(made.present[:, 0]):
        lesion = store.data[row, column].astype(np.float32)
        if lesion.any():  # a healthy brain has a map of zeros, at a right angle to all
            smooth = ndimage.gaussian_filter(lesion, sigma, mode="constant")
            made.data[row] = [_of_unit_length(v) for v in (smooth, smooth + smooth[::-1])]
    return made


def _of_unit_length(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale to a mean square of 1 over the voxels of the grid, which half precision holds."""
    scaled = values * np.sqrt(values.size / np.square(values, dtype=np.float64).sum())
    return np.asarray(scaled, dtype=np.float32)
