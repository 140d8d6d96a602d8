"""Means of a map over the regions of an atlas and over the corticospinal tract."""

from collections.abc import Mapping

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.spaces.atlases import Atlas
from motor_bids_app.spaces.grids import check_same_grid

MIN_SHARE = 0.1  # of a region must be measured, or its mean would speak for another place


def regional_means(
    image: nib.Nifti1Image,
    atlas: Atlas,
    *,
    brain: nib.Nifti1Image | None = None,
    lesion: nib.Nifti1Image | None = None,
) -> dict[str, float]:
    """Mean of a map in each region, without the lesion.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z)
        Map in standard space.
    atlas : Atlas
        Regions on the grid of `image`.
    brain : Nifti1Image, shape (X, Y, Z), optional
        Positive where the map was measured; everywhere when left out.
    lesion : Nifti1Image, shape (X, Y, Z), optional
        Positive in the lesion, which is left out.

    Returns
    -------
    dict of float
        By the atlas's name of the region, in units of the map. NaN, a missing value, where
        less than a tenth of the region is left.

    Raises
    ------
    GridMismatchError
        The images are on different grids.
    """
    check_same_grid(image, atlas=atlas.labels)
    labels = np.asarray(atlas.labels.dataobj).astype(np.intp).ravel()
    values, weight = _measured(image, brain, lesion)
    count = labels.max() + 1
    size = np.bincount(labels, minlength=count)
    total = np.bincount(labels, values * weight, count)
    measured = np.bincount(labels, weight, count)
    return {
        name: _mean(total[number], measured[number], size[number])
        for number, name in atlas.names.items()
        if number < count
    }


def tract_means(
    image: nib.Nifti1Image,
    tract: Mapping[str, nib.Nifti1Image],
    *,
    brain: nib.Nifti1Image | None = None,
    lesion: nib.Nifti1Image | None = None,
) -> dict[str, float]:
    """Mean of a map along a tract on each side, weighted by its probability.

    Parameters
    ----------
    image, brain, lesion
        As for `regional_means`.
    tract : mapping of Nifti1Image, shape (X, Y, Z)
        Probability on the "left" and the "right".

    Returns
    -------
    dict of float
        By side; NaN where less than a tenth of the tract is left.
    """
    check_same_grid(image, **{f"tract_{side}": probability for side, probability in tract.items()})
    values, weight = _measured(image, brain, lesion)
    means = {}
    for side, probability in tract.items():
        share = np.asarray(probability.dataobj, dtype=np.float64).ravel()
        means[side] = _mean((share * values * weight).sum(), (share * weight).sum(), share.sum())
    return means


def _measured(
    image: nib.Nifti1Image, brain: nib.Nifti1Image | None, lesion: nib.Nifti1Image | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values of a map, 0 where not measured, and 1 where measured, both flat."""
    values = np.asarray(image.dataobj, dtype=np.float64)
    measured = np.isfinite(values)
    if brain is not None:
        check_same_grid(image, brain=brain)
        measured &= np.asarray(brain.dataobj) > 0
    if lesion is not None:
        check_same_grid(image, lesion=lesion)
        measured &= ~(np.asarray(lesion.dataobj) > 0)
    return np.where(measured, values, 0).ravel(), measured.astype(np.float64).ravel()


def _mean(total: float, measured: float, size: float) -> float:
    return float(total / measured) if size > 0 and measured >= MIN_SHARE * size else float("nan")
