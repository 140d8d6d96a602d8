"""Signed distances of simple solids: negative inside, in mm, on broadcastable coordinates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Space:
    """Coordinates in mm (RAS), each shaped to broadcast to the volume's shape."""

    x: Field
    y: Field
    z: Field

    @classmethod
    def box(cls, lowest: tuple[float, ...], shape: tuple[int, int, int], step: float) -> "Space":
        """Coordinates of a grid that starts at `lowest` mm, with `step` mm voxels."""
        axes = [
            low + step * np.arange(n, dtype=np.float32)
            for low, n in zip(lowest, shape, strict=True)
        ]
        return cls(axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :])

    def ellipsoid(
        self, centre: tuple[float, float, float], radii: tuple[float, float, float]
    ) -> Field:
        """Distance to an ellipsoid; approximate away from its surface."""
        terms = zip((self.x, self.y, self.z), centre, radii, strict=True)
        radius = np.sqrt(sum(((axis - c) / r) ** 2 for axis, c, r in terms))
        return ((radius - 1) * min(radii)).astype(np.float32)

    def tube(
        self, centre: tuple[float, float], radii: tuple[float, float], top: float, lean: float = 0
    ) -> Field:
        """Distance to a vertical tube that ends at height `top` and leans back going down.

        `lean` is the backward shift in mm per mm below `top`.
        """
        y = self.y - centre[1] + lean * (top - self.z)
        radius = np.sqrt(((self.x - centre[0]) / radii[0]) ** 2 + (y / radii[1]) ** 2)
        return np.maximum((radius - 1) * min(radii), self.z - top).astype(np.float32)


def merge(first: Field, second: Field, blend: float) -> Field:
    """Distance to the union of two solids, with the seam rounded over `blend` mm."""
    weight = np.clip(0.5 + 0.5 * (second - first) / blend, 0, 1)
    return second * (1 - weight) + first * weight - blend * weight * (1 - weight)


def distance_to(mask: NDArray[np.bool_], step: float) -> Field:
    """Signed distance in mm to the surface of a mask with `step` mm voxels."""
    outside = ndimage.distance_transform_edt(~mask)
    inside = ndimage.distance_transform_edt(mask)
    return (step * (outside - inside)).astype(np.float32)


def fill(image: Field, solid: Field, value: float | Field, step: float) -> Field:
    """Return the image with `value` inside the solid, averaged over voxels at its surface."""
    share = np.clip(0.5 - solid / step, 0, 1)
    return image + (value - image) * share
