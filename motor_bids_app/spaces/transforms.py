"""Spatial transforms, composed so that every image is interpolated once."""

from dataclasses import dataclass, field, replace

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.spaces.grids import Grid


@dataclass(frozen=True, kw_only=True, eq=False)
class Transform:
    """Map points of a target space to the matching points of a source space.

    This pull-back direction is what resampling the source image onto the target
    grid needs. A point p (mm, RAS) goes to ``matrix @ (p + displacement(p))``.

    Parameters
    ----------
    matrix : array, shape (4, 4)
        Affine part, mm to mm.
    displacement : array, shape (X, Y, Z, 3), or None
        Added before the affine, in mm; sampled on `grid`, constant beyond its edge.
    grid : Grid or None
        Grid of the displacement, in the target space.
    """

    matrix: NDArray[np.float64] = field(default_factory=lambda: np.eye(4))
    displacement: NDArray[np.float32] | None = None
    grid: Grid | None = None

    def __call__(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map points, shape (..., 3), in mm."""
        points = np.asarray(points, dtype=np.float64)
        if self.displacement is not None and self.grid is not None:
            voxels = apply_affine(np.linalg.inv(self.grid.affine), points)
            coordinates = np.moveaxis(voxels, -1, 0)
            points = points + np.stack(
                [
                    ndimage.map_coordinates(
                        self.displacement[..., axis], coordinates, order=1, mode="nearest"
                    )
                    for axis in range(3)
                ],
                axis=-1,
            )
        return np.asarray(apply_affine(self.matrix, points), dtype=np.float64)

    def then(self, matrix: NDArray[np.floating]) -> "Transform":
        """Continue with an affine from this transform's source to a further one.

        >>> Transform().then(np.diag([2., 2, 2, 1]))([1, 1, 1]).tolist()
        [2.0, 2.0, 2.0]
        """
        return replace(self, matrix=np.asarray(matrix, dtype=np.float64) @ self.matrix)


def transform_of_field(field: nib.Nifti1Image) -> Transform:
    """Return the transform that a displacement image holds.

    Parameters
    ----------
    field : Nifti1Image, shape (X, Y, Z, 1, 3)
        Displacements in mm in ITK's axes (x to the left, y to the back).
    """
    to_ras = np.array([-1, -1, 1], dtype=np.float32)
    vectors = np.asarray(field.dataobj, dtype=np.float32)[..., 0, :] * to_ras
    return Transform(displacement=vectors, grid=Grid.of(field))
