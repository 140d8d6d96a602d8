"""How much of the corticospinal tract a lesion hits, and how far it is from it."""

from collections.abc import Mapping

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, from_matvec
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.mri.lesion_values import lesion_voxels
from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import Grid, check_same_grid
from motor_bids_app.spaces.transforms import Transform

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
    shares = {side: np.asarray(image.dataobj, dtype=np.float64) for side, image in tract.items()}
    weights = {side: _section_weights(share.sum(axis=(0, 1))) for side, share in shares.items()}
    return _loads(hit, shares, weights, Grid.of(lesion).voxel_volume / 1000)


def native_tract_loads(
    lesion: nib.Nifti1Image,
    tract: Mapping[str, nib.Nifti1Image],
    to_native: Transform,
    to_standard: Transform,
) -> dict[str, float]:
    """How much of the corticospinal tract a lesion hits, in a person's own space.

    The tract is brought to the voxels of the lesion, so that shares and volumes are those of this
    brain. Its sections are the axial ones of the standard space, wherever they lie in the head.

    Parameters
    ----------
    lesion : Nifti1Image, shape (X, Y, Z)
        Mask on any grid of the head.
    tract : mapping of Nifti1Image, shape (x, y, z)
        As for `tract_loads`, on a grid of the standard space.
    to_native, to_standard : Transform
        From points of the standard space to those of the head, and back.

    Returns
    -------
    dict of float
        As `tract_loads`, "tract_load_native_left" for "tract_load_left" and so on.
    """
    own, whole = Grid.of(lesion), Grid.of(next(iter(tract.values())))
    shares = {side: np.asarray(image.dataobj, np.float32) for side, image in tract.items()}
    inside = np.argwhere(np.any([share > 0 for share in shares.values()], axis=0))
    first, last = np.maximum(inside.min(axis=0) - 1, 0), inside.max(axis=0) + 2
    grid = _part(whole, first, np.minimum(last, whole.shape))
    box = tuple(slice(a, a + n) for a, n in zip(first, grid.shape, strict=True))
    shares = {side: share[box] for side, share in shares.items()}
    low, high = _span(grid, to_native, own)
    height = np.broadcast_to(np.arange(grid.shape[2], dtype=np.float32), grid.shape)
    carried = nib.Nifti1Image(np.stack([*shares.values(), height], axis=-1), grid.affine)
    part = _part(own, low, high)
    moved = np.asarray(resample(carried, part, to_standard).dataobj, dtype=np.float64)
    hit = lesion_voxels(lesion)[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    stretched = _stretching(to_native, grid)
    here, weights = {}, {}
    for k, (side, share) in enumerate(shares.items()):
        weight = _section_weights((share * stretched).sum(axis=(0, 1), dtype=np.float64))
        here[side] = moved[..., k]
        weights[side] = np.interp(moved[..., -1], np.arange(weight.size), weight)
    loads = _loads(hit, here, weights, own.voxel_volume / 1000)
    return {name.replace("load", "load_native", 1): value for name, value in loads.items()}


def _stretching(transform: Transform, grid: Grid) -> NDArray[np.float64]:
    """By how much a transform enlarges each voxel of a grid whose axes are the world's."""
    points = apply_affine(grid.affine, np.moveaxis(np.indices(grid.shape), 0, -1))
    slopes = np.gradient(transform(points), *grid.voxel_sizes, axis=(0, 1, 2))
    return np.abs(np.linalg.det(np.stack([*slopes], axis=-1)))


def _part(grid: Grid, low: NDArray[np.intp], high: NDArray[np.intp]) -> Grid:
    x, y, z = (int(n) for n in high - low)
    return Grid((x, y, z), grid.affine @ from_matvec(np.eye(3), low))


def _span(grid: Grid, to_native: Transform, own: Grid) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First voxel of the part of a head's grid that shows a grid of the standard space.

    And the first beyond it. It has at least one voxel, as if the head showed some of it.
    """
    points = to_native(apply_affine(grid.affine, np.argwhere(np.ones(grid.shape))))
    voxels = apply_affine(np.linalg.inv(own.affine), points)
    last = np.array(own.shape) - 1
    low = np.clip(np.floor(voxels.min(axis=0)), 0, last).astype(np.intp)
    high = np.clip(np.ceil(voxels.max(axis=0)), low, last).astype(np.intp)
    return low, high + 1


def _loads(
    hit: NDArray[np.bool_],
    tract: Mapping[str, NDArray[np.float64]],
    weights: Mapping[str, NDArray[np.float64]],
    voxel_ml: float,
) -> dict[str, float]:
    """Loads of each side and the larger; `weights` are those of voxels or of axial sections.

    NaN where there is nothing of the tract, and then for the larger too.
    """
    loads = {}
    for side, share in tract.items():
        whole = float(share.sum()) or np.nan
        loads[f"tract_load_{side}"] = float((share * hit).sum() / whole)
        weighted = float((share * hit * weights[side]).sum() * voxel_ml)
        loads[f"tract_load_weighted_{side}"] = weighted if whole > 0 else np.nan
    for name in ("tract_load", "tract_load_weighted"):
        loads[name] = float(np.max([loads[f"{name}_{side}"] for side in tract]))
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
