"""Mask of the brain on a b0 image."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.errors import EmptyRegionError

_MIN_BRAIN = 100.0  # ml


def dwi_mask(b0: NDArray[np.floating], voxel_sizes: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Mask the brain on a b0 image, where fat is suppressed and the skull is dark.

    The smoothed image is cut between background and brain; bridges to eyes and
    neck are eroded away, the largest piece is kept, grown back and filled.

    Parameters
    ----------
    b0 : array, shape (X, Y, Z)
        Mean of the volumes without diffusion weighting.
    voxel_sizes : array, shape (3,)
        Edge lengths in mm.

    Returns
    -------
    array, shape (X, Y, Z), uint8

    Raises
    ------
    EmptyRegionError
        Nothing in the image is of a size to be a brain.
    """
    sizes = np.asarray(voxel_sizes, dtype=np.float64)
    smooth = ndimage.gaussian_filter(np.asarray(b0, dtype=np.float32), 1.5 / sizes, mode="nearest")
    bright = smooth[smooth > smooth.mean()]
    if bright.size == 0:
        raise EmptyRegionError("The image does not vary: there is no brain to be found in it.")
    # Fluid, much brighter than tissue, would pull the cut into the tissue.
    clipped = np.minimum(smooth, np.median(bright))
    head = clipped > _otsu(clipped)
    core = _largest(~_within(~head, 5.0, sizes))
    brain = _within(core, 7.0, sizes) & head
    brain = ~_within(~_within(brain, 6.0, sizes), 6.0, sizes)
    brain = ndimage.binary_fill_holes(brain)
    volume = brain.sum() * np.prod(sizes) / 1000
    if volume < _MIN_BRAIN:
        raise EmptyRegionError(
            f"The largest bright piece of the image has {volume:.0f} ml, too few for a brain. "
            "Check the image, or give a brain mask."
        )
    return brain.astype(np.uint8)


def _otsu(values: NDArray[np.float32]) -> float:
    """Cut that separates the values into the two most homogeneous classes (Otsu, 1979)."""
    counts, edges = np.histogram(values, bins=256)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    sum_below = np.cumsum(counts * middles)[:-1]
    sum_above = (counts * middles).sum() - sum_below
    between = (
        below * above * (sum_below / np.maximum(below, 1) - sum_above / np.maximum(above, 1)) ** 2
    )
    return float(edges[1:-1][np.argmax(between)])


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    return labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])


def _within(mask: NDArray[np.bool_], distance: float, sizes: NDArray[Any]) -> NDArray[np.bool_]:
    """Voxels at most `distance` mm from the mask."""
    return ndimage.distance_transform_edt(~mask, sampling=sizes) <= distance
