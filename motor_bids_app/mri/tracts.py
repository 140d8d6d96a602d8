"""How much of the corticospinal tract a lesion hits, and how far it is from it."""

from collections.abc import Mapping

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.mri.lesion_values import lesion_voxels
from motor_bids_app.spaces.grids import Grid, check_same_grid

_MIN_SECTION = 0.1  # of the widest section; thinner ones are the fading end of the atlas
_TRACT = 0.25  # probability from which a voxel is tract


def tract_loads(lesion: nib.Nifti1Image, tract: Mapping[str, nib.Nifti1Image]) -> dict[str, float]:
    """How much of the corticospinal tract a lesion hits.

    The plain load is the share of the tract that is lesioned. The weighted load [1]_
    is the lesioned volume, each axial section of the tract counting more the narrower
    it is there: by the area of the widest section over its own. Above the widest
    section the tract fans out to the cortex, and what narrows is only the atlas:
    sections weigh 1 there, and nothing where the tract's lower end fades out.

    Parameters
    ----------
    lesion : Nifti1Image, shape (X, Y, Z)
        Mask in standard space.
    tract : mapping of Nifti1Image, shape (X, Y, Z)
        Probability (0 to 1) of the tract on the "left" and the "right", on the grid of
        the lesion, whose third axis points up.

    Returns
    -------
    dict of float
        "tract_load_left", "tract_load_right" (0 to 1); "tract_load_weighted_left",
        "tract_load_weighted_right" (ml); "tract_load" and "tract_load_weighted": the side
        that is hit harder.

    Raises
    ------
    GridMismatchError
        Lesion and tract are on different grids.

    References
    ----------
    .. [1] Feng et al., Ann Neurol 78:860-870, 2015.
    """
    check_same_grid(lesion, **{f"tract_{side}": image for side, image in tract.items()})
    hit = lesion_voxels(lesion)
    loads = {}
    for side in ("left", "right"):
        probability = np.asarray(tract[side].dataobj, dtype=np.float64)
        area = probability.sum(axis=(0, 1))
        lesioned = (probability * hit).sum(axis=(0, 1))
        weight = _section_weights(area)
        loads[f"tract_load_{side}"] = float(lesioned.sum() / area.sum())
        voxel_ml = Grid.of(lesion).voxel_volume / 1000
        loads[f"tract_load_weighted_{side}"] = float((lesioned * weight).sum() * voxel_ml)
    for name in ("tract_load", "tract_load_weighted"):
        loads[name] = max(loads[f"{name}_left"], loads[f"{name}_right"])
    return loads


def tract_distances(
    lesion: nib.Nifti1Image, tract: Mapping[str, nib.Nifti1Image]
) -> dict[str, float]:
    """Distance from a lesion to the corticospinal tract of each side.

    Parameters
    ----------
    lesion, tract
        As for `tract_loads`. A voxel is tract where its probability is at least a quarter.

    Returns
    -------
    dict of float
        "tract_distance_left" and "tract_distance_right": mm between the nearest voxel centres, 0
        where they meet; NaN without a lesion.
    """
    check_same_grid(lesion, **{f"tract_{side}": image for side, image in tract.items()})
    hit = lesion_voxels(lesion)
    if not hit.any():
        return {f"tract_distance_{side}": float("nan") for side in tract}
    away = ndimage.distance_transform_edt(~hit, sampling=Grid.of(lesion).voxel_sizes)
    return {
        f"tract_distance_{side}": float(away[np.asarray(image.dataobj) >= _TRACT].min())
        for side, image in tract.items()
    }


def _section_weights(area: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight of each axial section of a tract, from its area; sections are in rising order."""
    widest = int(np.argmax(area))
    weight = np.where(
        area >= _MIN_SECTION * area[widest], area[widest] / np.maximum(area, 1e-9), 0.0
    )
    weight[widest:] = 1
    return weight
