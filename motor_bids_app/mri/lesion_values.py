"""Which voxels of a mask are lesion: those of a mask of 0 and 1, of labels, of probabilities."""

from collections.abc import Mapping

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from motor_bids_app.errors import DataError, EmptyRegionError
from motor_bids_app.spaces.grids import check_same_grid, finite_values

_FEW_LABELS = 10  # whole numbers of which so few are there are labels
_WHOLE = 1e-3  # rounding of a slope in the header
_PLAIN = 0.5  # of the neighbours inside a label have the same one; in a gradient hardly any


def lesion_voxels(mask: nib.Nifti1Image) -> NDArray[np.bool_]:
    """Voxels of a lesion mask, shape (X, Y, Z).

    Whole numbers that fill plain patches, or of which there are ten at most, are labels: every
    positive one counts. Others are probabilities, or multiples of them: 0.5 is the limit, or half
    of the highest where that is above 1.

    Raises
    ------
    DataError
        The mask is no single volume.
    """
    values = _values(mask)
    if _are_labels(values):
        return np.asarray(values > _WHOLE)
    return np.asarray(values >= _limit(values))


def values_note(mask: nib.Nifti1Image) -> str | None:
    """Say how the values of a mask were read; None of a mask of 0 and one other value."""
    values = _values(mask)
    present = np.unique(values[values > _WHOLE])
    if present.size < 2:
        return None
    if _are_labels(values):
        return (
            f"The lesion mask has {present.size} labels, {present[0]:.0f} to {present[-1]:.0f}: "
            "all count as lesion."
        )
    return (
        f"The lesion mask has values up to {present[-1]:.3g}, which were taken for probabilities: "
        f"lesion is from {_limit(values):.3g}."
    )


def unite(masks: Mapping[str, nib.Nifti1Image]) -> nib.Nifti1Image:
    """Join masks of parts of a lesion, by name: 1 where any of them is lesion.

    Returns
    -------
    Nifti1Image, shape (X, Y, Z), uint8

    Raises
    ------
    GridMismatchError
        They are on different grids.
    EmptyRegionError
        All are empty.
    """
    first = next(iter(masks.values()))
    check_same_grid(first, **masks)
    lesion = np.any([lesion_voxels(mask) for mask in masks.values()], axis=0)
    if not lesion.any():
        highest = max(float(_values(mask).max()) for mask in masks.values())
        raise EmptyRegionError(
            "The lesion mask is empty: no voxel is positive. Draw the lesion, or remove the mask "
            "if there is none."
            if highest <= _WHOLE
            else f"No voxel of the lesion mask reaches 0.5: its highest value is {highest:.3g}. "
            "Give a mask of 0 and 1."
        )
    return nib.Nifti1Image(lesion.astype(np.uint8), first.affine)


def _values(mask: nib.Nifti1Image) -> NDArray[np.float32]:
    values = finite_values(mask)
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim != 3:
        raise DataError(
            f"The lesion mask has the shape {values.shape} instead of three axes. Save the volume "
            "that is the lesion, or the sum of all, as a file of its own."
        )
    return values


def _limit(values: NDArray[np.float32]) -> float:
    highest = float(values.max())
    return 0.5 if highest <= 1 + _WHOLE else highest / 2


def _are_labels(values: NDArray[np.float32]) -> bool:
    """Whether values are names of regions, not amounts."""
    filled = find_objects((values != 0).astype(np.uint8))
    values = values[filled[0]] if filled else values[:0]
    labels = np.rint(values)
    if not (np.abs(values - labels) < _WHOLE).all():
        return False
    if np.unique(labels[labels > 0]).size <= _FEW_LABELS:
        return True
    same, pairs = 0, 0
    for axis in range(3):
        first = labels.take(range(labels.shape[axis] - 1), axis)
        second = labels.take(range(1, labels.shape[axis]), axis)
        # Neighbours that both have the highest value are no sign: a mask that was interpolated
        # has them inside, and a gradient around.
        inside = (np.minimum(first, second) > 0) & (np.minimum(first, second) < labels.max())
        pairs += int(inside.sum())
        same += int((inside & (first == second)).sum())
    return same >= _PLAIN * pairs
