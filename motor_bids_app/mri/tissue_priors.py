"""How common fluid, grey, white and deep grey matter are at each place, as the template has it."""

from functools import lru_cache

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from motor_bids_app.mri.mixture import FLUID, N_CLASSES
from motor_bids_app.mri.resampling import resample
from motor_bids_app.mri.sampling import as_volume
from motor_bids_app.spaces.atlases import load_cerebra
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

_NUCLEI = ("Caudate", "Putamen", "Pallidum", "Thalamus")
_TEMPLATE = 2  # mm
_TEMPLATE_BLUR = 0.25  # voxels of the template, for what registration leaves
_FLUID = 0.15  # of the template's share: where its many folds are averaged, fluid is everywhere
_LEAST_PRIOR = 5e-3  # of a tissue where the template has none


@lru_cache(maxsize=1)
def _template_priors() -> tuple[nib.Nifti1Image, ...]:
    """Frequency of fluid, grey, white and deep grey matter in the template."""
    grey, white = (np.asarray(load_template(kind, _TEMPLATE).dataobj) for kind in ("GM", "WM"))
    atlas = load_cerebra(_TEMPLATE)
    deep = np.zeros(grey.shape, dtype=np.float32)
    for name in _NUCLEI:
        deep[atlas.mask(f"{name}_L") | atlas.mask(f"{name}_R")] = 1
    deep = ndimage.gaussian_filter(deep, _TEMPLATE_BLUR)
    fluid = np.clip(1 - grey - white, 0, 1)
    shares = (fluid, grey * (1 - deep), white * (1 - deep), deep * (1 - fluid))
    affine = load_template("GM", _TEMPLATE).affine
    return tuple(
        nib.Nifti1Image(ndimage.gaussian_filter(share, _TEMPLATE_BLUR), affine) for share in shares
    )


def native_priors(
    grid: Grid, box: tuple[slice, ...], steps: NDArray[np.int64], to_template: Transform
) -> Tensor:
    """Frequency of the four kinds in every few voxels of a box, shape (4, x, y, z)."""
    extent = np.array([part.stop - part.start for part in box])
    x, y, z = (-(-extent // steps)).tolist()
    start = np.eye(4)
    start[:3, 3] = [part.start for part in box]
    thin = Grid((x, y, z), grid.affine @ start @ np.diag([*steps, 1]))
    shares = torch.cat(
        [
            as_volume(np.asarray(resample(share, thin, to_template).dataobj))
            for share in _template_priors()
        ]
    )
    shares[FLUID] += (1 - shares.sum(0)).clamp_min(0)  # around the template's brain
    shares[FLUID] *= _FLUID
    shares = shares.clamp_min(0) + _LEAST_PRIOR
    return shares / shares.sum(0)


def class_priors(shares: Tensor) -> Tensor:
    """Frequency of each class before it is weighted, (10, N), from those of the kinds, (4, N)."""
    fluid, grey, white, deep = shares
    priors = torch.stack(
        [
            fluid,
            (fluid * (grey + deep)).sqrt(),
            grey,
            (grey * white).sqrt(),
            white,
            (fluid * white).sqrt(),
            deep / 2,
            white,
            deep / 2,
            fluid,
        ]
    )
    assert len(priors) == N_CLASSES
    return priors
