"""Whether a T2w or FLAIR tells grey from white matter at all, judged without its segmentation."""

from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import Grid, check_same_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

LEAST_CONTRAST = 0.7  # segmentations that agree with labels have 1.1 or more, others 0 or less
_SURE = {"GM": 0.9, "WM": 0.95}  # of the template, where a voxel is surely of a tissue
_FEWEST = 200  # voxels of each
_TEMPLATE = 2  # mm


def grey_over_white(
    image: nib.Nifti1Image,
    brain_mask: nib.Nifti1Image,
    to_template: Transform,
    lesion_mask: nib.Nifti1Image | None = None,
) -> float:
    """How much brighter grey matter is than white, in standard deviations of either.

    Measured where the template is sure of them, so that no segmentation has a say. In the T2w and
    FLAIR of adults grey matter is the brighter one; in old age, with lesions all over the white
    matter, and at coarse resolution, it may not be, and then a segmentation finds lesions, coil
    and prior.

    Parameters
    ----------
    image, brain_mask, lesion_mask : Nifti1Image, shape (X, Y, Z)
        Head without bias field; masks positive inside.
    to_template : Transform
        From points of the image to points of the standard space.

    Returns
    -------
    float
        Difference of the medians over the root mean square of the scaled median absolute
        deviations; 0 where there is too little of a tissue in the image.
    """
    check_same_grid(image, brain_mask=brain_mask)
    healthy = np.asarray(brain_mask.dataobj) > 0
    if lesion_mask is not None:
        check_same_grid(image, lesion_mask=lesion_mask)
        healthy = healthy & ~(np.asarray(lesion_mask.dataobj) > 0)
    values, middles, squares = np.asarray(image.dataobj, dtype=np.float64), [], []
    for name, least in _SURE.items():
        share = resample(load_template(name, _TEMPLATE), Grid.of(image), to_template)
        own = values[healthy & (np.asarray(share.dataobj) > least)]
        if own.size < _FEWEST:
            return 0.0
        middle, spread = _robust(own)
        middles.append(middle)
        squares.append(spread**2)
    noise = float(np.sqrt(np.mean(squares)))
    return (middles[0] - middles[1]) / noise if noise > 0 else 0.0


def _robust(values: NDArray[Any]) -> tuple[float, float]:
    middle = float(np.median(values))
    return middle, 1.4826 * float(np.median(np.abs(values - middle)))
