"""Units of diffusivity maps of other tools, which write mm2/s, um2/ms or um2/s."""

from collections.abc import Mapping

import nibabel as nib
import numpy as np

from motor_bids_app.errors import DataError

_TYPICAL = 8e-4  # mm2/s, of brain tissue
_FACTORS = (1.0, 1e-3, 1e-6)
_TOLERATED = 8.0  # times more or less than typical, until units are in doubt
DIFFUSIVITIES = ("md", "rd", "ad")


def diffusivity_factor(maps: Mapping[str, nib.Nifti1Image]) -> float:
    """Find what diffusivities must be multiplied by to be in mm2/s.

    Units differ by factors of 1000, brains by far less.

    Parameters
    ----------
    maps : mapping of Nifti1Image, shape (X, Y, Z)
        Tensor maps by "fa", "md", "rd", "ad", 0 or NaN outside the brain.

    Returns
    -------
    float
        1, 1e-3 or 1e-6; 1 where there is no diffusivity.

    Raises
    ------
    DataError
        The values fit none of these units.

    Examples
    --------
    >>> image = nib.Nifti1Image(np.full((2, 2, 2), 0.7, np.float32), np.eye(4))
    >>> diffusivity_factor({"md": image})
    0.001
    """
    name = next((name for name in DIFFUSIVITIES if name in maps), None)
    if name is None:
        return 1.0
    values = np.asarray(maps[name].dataobj, dtype=np.float64)
    typical = float(np.median(values[values > 0])) if (values > 0).any() else 0.0
    ratios = {factor: typical * factor / _TYPICAL for factor in _FACTORS}
    fitting = [f for f, ratio in ratios.items() if 1 / _TOLERATED < ratio < _TOLERATED]
    if not fitting:
        raise DataError(
            f"The {name} map has a median of {typical:g}, which is no diffusivity of the brain in "
            "mm2/s, um2/ms or um2/s. Leave this derivative out."
        )
    return fitting[0]
