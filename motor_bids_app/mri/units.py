"""Units of diffusivity maps of other tools, which write mm2/s, um2/ms or um2/s."""

from collections.abc import Mapping

import nibabel as nib
import numpy as np

from motor_bids_app.errors import DataError

_TYPICAL = 8e-4  # mm2/s, of brain tissue
_FACTORS = (1.0, 1e-3, 1e-6)
_TOLERATED = 8.0  # times more or less than typical, until units are in doubt
DIFFUSIVITIES = ("md", "rd", "ad")


def diffusivity_factors(maps: Mapping[str, nib.Nifti1Image]) -> dict[str, float]:
    """Find what each diffusivity must be multiplied by to be in mm2/s.

    Units differ by factors of 1000, brains by far less.

    Parameters
    ----------
    maps : mapping of Nifti1Image, shape (X, Y, Z)
        Tensor maps by "fa", "md", "rd", "ad", 0 or NaN outside the brain.

    Returns
    -------
    dict of float
        1, 1e-3 or 1e-6, of each that is there.

    Raises
    ------
    DataError
        The values fit none of these units.

    Examples
    --------
    >>> image = nib.Nifti1Image(np.full((2, 2, 2), 0.7, np.float32), np.eye(4))
    >>> diffusivity_factors({"md": image})
    {'md': 0.001}
    """
    return {name: _factor(name, maps[name]) for name in DIFFUSIVITIES if name in maps}


def _factor(name: str, image: nib.Nifti1Image) -> float:
    values = np.asarray(image.dataobj, dtype=np.float64)
    typical = float(np.median(values[values > 0])) if (values > 0).any() else 0.0
    ratios = {factor: typical * factor / _TYPICAL for factor in _FACTORS}
    fitting = [f for f, ratio in ratios.items() if 1 / _TOLERATED < ratio < _TOLERATED]
    if not fitting:
        raise DataError(
            f"The {name} map has a median of {typical:g}, which is no diffusivity of the brain in "
            "mm2/s, um2/ms or um2/s. Leave this derivative out."
        )
    return fitting[0]
