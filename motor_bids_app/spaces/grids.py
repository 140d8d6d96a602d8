"""Voxel grids: shape and place of an image in the world."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import GridMismatchError, UsageError

AFFINE_TOLERANCE = 1e-3  # mm
RESOLUTION = 2  # mm, of the images saved in standard space
_ORIGIN = (-90.0, -126.0, -72.0)  # mm; with it x = 0 is the middle plane at every size below
_SHAPES = {1: (181, 217, 181), 2: (91, 109, 91), 3: (61, 73, 61), 4: (46, 55, 46)}


@dataclass(frozen=True, eq=False)
class Grid:
    """Shape (3 voxel counts) and affine (4x4, voxel to mm in RAS) of a volume."""

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    @classmethod
    def of(cls, image: nib.Nifti1Image) -> "Grid":
        """Grid of an image; of a series, that of its volumes."""
        x, y, z = image.shape[:3]
        return cls((x, y, z), np.asarray(image.affine, dtype=np.float64))

    @property
    def voxel_sizes(self) -> NDArray[np.float64]:
        """Edge lengths in mm, shape (3,)."""
        return np.asarray(nib.affines.voxel_sizes(self.affine), dtype=np.float64)

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel in mm3."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))


def standard_grid(resolution: int) -> Grid:
    """Return the grid of the standard space in RAS, symmetric about x = 0.

    2 mm is the 91x109x91 and 3 mm the 61x73x61 grid of the papers. Reversing the
    first axis mirrors left and right exactly.

    Raises
    ------
    UsageError
        `resolution` (mm) is not 1, 2, 3 or 4.
    """
    if resolution not in _SHAPES:
        raise UsageError(f"resolution = {resolution} mm is not offered: use 1, 2, 3 or 4.")
    affine = np.diag([resolution, resolution, resolution, 1.0])
    affine[:3, 3] = _ORIGIN
    return Grid(_SHAPES[resolution], affine)


def check_same_grid(reference: nib.Nifti1Image, **others: nib.Nifti1Image) -> None:
    """Raise GridMismatchError unless all images have the grid of `reference`."""
    for name, other in others.items():
        if other.shape[:3] != reference.shape[:3]:
            raise GridMismatchError(
                f"{name} has shape {other.shape[:3]}, but the image has {reference.shape[:3]}. "
                "Resample it to the image, or pass the mask that belongs to it."
            )
        difference = np.abs(other.affine - reference.affine).max()
        if not difference < AFFINE_TOLERANCE:
            raise GridMismatchError(
                f"{name} has the shape of the image, but another affine: entries differ by up to "
                f"{difference:.3g} mm. Check that both files are in the same space."
            )


def image_like(data: NDArray[np.floating], like: nib.Nifti1Image) -> nib.Nifti1Image:
    """Image of float32 values in the place of another image."""
    return nib.Nifti1Image(np.asarray(data, dtype=np.float32), like.affine)


def finite_values(image: nib.Nifti1Image) -> NDArray[np.float32]:
    """Values of an image, of its shape: a copy, with 0 for what is not finite."""
    values = np.asarray(image.dataobj, dtype=np.float32).copy(order="K")
    values[~np.isfinite(values)] = 0  # a quarter of the time of numpy.nan_to_num
    return values
