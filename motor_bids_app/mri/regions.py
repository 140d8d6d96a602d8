"""Means of a map over regions and the corticospinal tract; how lesions overlap with regions."""

from collections.abc import Mapping

import nibabel as nib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.spaces.atlases import Atlas
from motor_bids_app.spaces.grids import Grid, check_same_grid

MIN_SHARE = 0.1  # of a region must be left, or its mean would speak for another place
_MIN_SCANNED = 0.5  # of a region must have been measured, lesioned or not


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
        less than half of the region was measured, or less than a tenth is left without the lesion.

    Raises
    ------
    GridMismatchError
        The images are on different grids.
    """
    check_same_grid(image, atlas=atlas.labels)
    labels = np.asarray(atlas.labels.dataobj).astype(np.intp).ravel()
    values, seen, left = _measured(image, brain, lesion)
    count = labels.max() + 1
    size = np.bincount(labels, minlength=count)
    total, scanned, remaining = (
        np.bincount(labels, weight, count) for weight in (values * left, seen, left)
    )
    return {
        name: _mean(total[number], scanned[number], remaining[number], size[number])
        for number, name in atlas.names.items()
        if number < count
    }


def lesion_overlap(lesion: nib.Nifti1Image, atlas: Atlas) -> pd.DataFrame:
    """How much of each region of an atlas a lesion takes, and how much of the lesion each region.

    Parameters
    ----------
    lesion : Nifti1Image, shape (X, Y, Z)
        1 inside, 0 outside, in standard space.
    atlas : Atlas
        Regions on the grid of `lesion`.

    Returns
    -------
    DataFrame
        One row per region in the order of the atlas, and a last one, "outside", for what of the
        lesion lies in none: index, region, region_ml, lesioned_ml, share_of_region and
        share_of_lesion (0 to 1). NaN where there is nothing to divide by.

    Raises
    ------
    GridMismatchError
        They are on different grids.
    """
    check_same_grid(lesion, atlas=atlas.labels)
    labels = np.asarray(atlas.labels.dataobj).astype(np.intp).ravel()
    struck = labels[np.asarray(lesion.dataobj).ravel() > 0]
    numbers = [*atlas.names, 0]
    count = max(*numbers, labels.max()) + 1
    voxel_ml = Grid.of(lesion).voxel_volume / 1000
    size, hit = (
        np.bincount(where, minlength=count)[numbers] * voxel_ml for where in (labels, struck)
    )
    size[-1] = np.nan  # all that is no region has no meaningful size
    table = pd.DataFrame(
        {
            "index": numbers,
            "region": [*atlas.names.values(), "outside"],
            "region_ml": size,
            "lesioned_ml": hit,
        }
    )
    table["share_of_region"] = table["lesioned_ml"] / table["region_ml"].where(size > 0)
    table["share_of_lesion"] = table["lesioned_ml"] / (hit.sum() or np.nan)
    return table


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
        By side; NaN where less than half of the tract was measured, or less than a tenth is left
        without the lesion.
    """
    check_same_grid(image, **{f"tract_{side}": probability for side, probability in tract.items()})
    values, seen, left = _measured(image, brain, lesion)
    means = {}
    for side, probability in tract.items():
        share = np.asarray(probability.dataobj, dtype=np.float64).ravel()
        total, scanned, remaining = (
            float((share * weight).sum()) for weight in (values * left, seen, left)
        )
        means[side] = _mean(total, scanned, remaining, share.sum())
    return means


def _measured(
    image: nib.Nifti1Image, brain: nib.Nifti1Image | None, lesion: nib.Nifti1Image | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Values of a map, 0 where not measured; 1 where measured; and outside the lesion; all flat."""
    values = np.asarray(image.dataobj, dtype=np.float64)
    measured = np.isfinite(values)
    if brain is not None:
        check_same_grid(image, brain=brain)
        measured &= np.asarray(brain.dataobj) > 0
    left = measured.copy()
    if lesion is not None:
        check_same_grid(image, lesion=lesion)
        left &= ~(np.asarray(lesion.dataobj) > 0)
    flat = np.where(measured, values, 0).ravel()
    return flat, measured.astype(np.float64).ravel(), left.astype(np.float64).ravel()


def _mean(total: float, scanned: float, left: float, size: float) -> float:
    enough = size > 0 and scanned >= _MIN_SCANNED * size and left >= MIN_SHARE * size
    return float(total / left) if enough else float("nan")
