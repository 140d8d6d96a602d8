"""Repeated scans of one head: brought to one place and averaged."""

from collections.abc import Sequence

import nibabel as nib
import numpy as np

from motor_bids_app.errors import DataError
from motor_bids_app.mri.registration import register_rigid
from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.transforms import Transform

_AGREEMENT = 0.9  # correlation; a run that moved or has another contrast stays below


def average_runs(images: Sequence[nib.Nifti1Image]) -> tuple[nib.Nifti1Image, list[int]]:
    """Average the runs that agree, on the grid of the first.

    All are registered to the first, which stands alone where they do not meet. The run most like
    the others decides: it is averaged with those that correlate with it by 0.9 or more, scaled by
    least squares to the first of them.

    Parameters
    ----------
    images : sequence of Nifti1Image, shape (X, Y, Z)
        Same head and contrast; grids may differ.

    Returns
    -------
    Nifti1Image, shape (X, Y, Z), float32
        On the grid of the first.
    list of int
        Which were averaged.

    Raises
    ------
    DataError
        There are no images.
    """
    if not images:
        raise DataError("There are no runs to average: give at least one image.")
    first, grid = images[0], Grid.of(images[0])
    values = [np.asarray(first.dataobj, dtype=np.float32)]
    for image in images[1:]:
        moved = resample(image, grid, Transform(matrix=register_rigid(first, image)))
        values.append(np.asarray(moved.dataobj, dtype=np.float32))
    # Only what all runs saw: their fields of view differ after the move.
    seen = np.all([value != 0 for value in values], axis=0)
    if not seen.any():
        return nib.Nifti1Image(values[0], first.affine), [0]
    agreement = np.atleast_2d(np.corrcoef([value[seen] for value in values]))
    centre = int(np.argmax(agreement.sum(axis=0)))
    used = [int(i) for i in np.flatnonzero(agreement[centre] >= _AGREEMENT)]
    reference = values[used[0]][seen].astype(np.float64)
    total, count = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.float32)
    for i in used:
        one = values[i][seen].astype(np.float64)
        total += values[i] * np.float32(one @ reference / (one @ one))
        count += values[i] != 0
    return nib.Nifti1Image(total / np.maximum(count, 1), first.affine), used
