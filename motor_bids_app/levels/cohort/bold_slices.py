"""Slices of the mean bold of all scans of an experiment, in the standard space."""

from collections.abc import Sequence

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.errors import DataError, GridMismatchError
from motor_bids_app.features.averaging import average_onto
from motor_bids_app.features.instances import Indices, Instances
from motor_bids_app.features.slices import VolumeSlices, cut_slices
from motor_bids_app.levels.cohort.maps import MIRROR
from motor_bids_app.levels.cohort.unreadable import load_derivative, read_all
from motor_bids_app.spaces.grids import Grid, standard_grid

RESOLUTION = 3  # mm, of bold in the standard space


def slice_instances(scans: Sequence[DerivedScan], flip: NDArray[np.bool_]) -> Instances:
    """Cut the mean bold of each scan into slices, those without brain left out.

    Parameters
    ----------
    flip : bool array, shape (n_scans,)
        Scans to mirror.

    Raises
    ------
    UnreadableScansError
        A series cannot be used; the message names it.
    """
    grid = standard_grid(RESOLUTION)
    found = read_all(len(scans), lambda row: read_slices(scans[row], grid, flip=bool(flip[row])))
    return Instances.of(
        VolumeSlices([one for one, _ in found], [where for _, where in found], grid)
    )


def read_slices(
    scan: DerivedScan, grid: Grid, *, flip: bool
) -> tuple[NDArray[np.float16], Indices]:
    """Slices of a scan, shape (n, X, Y), and their places; none where it has no bold."""
    if scan.mean_bold is None:
        return np.zeros((0, *grid.shape[:2]), dtype=np.float16), np.zeros(0, dtype=np.intp)
    series = load_derivative(scan.mean_bold)
    affine = MIRROR @ series.affine if flip else series.affine
    try:
        mean = average_onto(nib.Nifti1Image(_mean(series), affine), grid)
        brain = mean > 0
        if scan.bold_brain is not None:
            mask = load_derivative(scan.bold_brain)
            affine = MIRROR @ mask.affine if flip else mask.affine
            brain &= average_onto(nib.Nifti1Image(mask.dataobj, affine), grid) >= 0.5
    except (DataError, GridMismatchError) as error:
        raise DataError(f"{scan.mean_bold}: {error}") from error
    return cut_slices(mean, brain)


def _mean(series: nib.Nifti1Image) -> NDArray[np.float32]:
    """Mean over time, shape (X, Y, Z); a volume is its own mean."""
    values = np.asarray(series.dataobj, dtype=np.float32)
    return values.mean(axis=3) if values.ndim == 4 else values
