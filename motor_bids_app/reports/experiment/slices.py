"""Where to cut a volume, and how the cuts face the reader."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, voxel_sizes
from numpy.typing import NDArray

Box = tuple[slice, slice, slice]
AXES = {"sagittal": 0, "coronal": 1, "axial": 2}
_STEP = 3.0  # mm, least distance of two cuts through a lesion


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels turned to the nearest RAS axes: right, front and top have the highest indices."""

    data: NDArray[np.float32]  # (X, Y, Z)
    affine: NDArray[np.float64]

    @classmethod
    def of(cls, image: nib.Nifti1Image) -> "Volume":
        """Take a 3-D image in any orientation; NaN and infinity become 0."""
        if image.ndim != 3:
            raise ValueError(f"an image of shape {image.shape} cannot be drawn: give one volume.")
        turned = nib.as_closest_canonical(image)
        data = np.asarray(turned.dataobj, dtype=np.float32)
        finite = np.isfinite(data)
        if not finite.all():
            data = np.where(finite, data, np.float32(0))
        return cls(data, np.asarray(turned.affine, dtype=np.float64))

    @property
    def voxel_sizes(self) -> NDArray[np.float64]:
        """Edge lengths in mm, shape (3,)."""
        return np.asarray(voxel_sizes(self.affine), dtype=np.float64)

    def cut(self, axis: int, index: int, box: Box) -> NDArray[np.float32]:
        """Return one slice inside the box, rows upward: left of the person at the left."""
        shown = [box[0], box[1], box[2]]
        shown[axis] = slice(index, index + 1)
        return np.squeeze(self.data[tuple(shown)], axis).T

    def position(self, axis: int, index: int, box: Box) -> float:
        """World coordinate (mm) of a slice along its axis, at the middle of the box."""
        centre = [(side.start + side.stop - 1) / 2 for side in box]
        centre[axis] = index
        return float(apply_affine(self.affine, centre)[axis])

    def frame(self, axis: int, box: Box) -> tuple[float, float]:
        """Width and height (mm) of a slice inside the box."""
        sizes = [
            (side.stop - side.start) * size
            for side, size in zip(box, self.voxel_sizes, strict=True)
        ]
        del sizes[axis]
        return float(sizes[0]), float(sizes[1])


def bounding_box(mask: Volume, margin: float = 0.0) -> Box:
    """Return the box around positive voxels, with a margin in mm; all of an empty mask."""
    inside = mask.data > 0
    if not inside.any():
        inside = np.ones_like(inside)
    sides = []
    for axis, size in enumerate(mask.voxel_sizes):
        others = tuple(other for other in range(3) if other != axis)
        (where,) = np.nonzero(inside.any(axis=others))
        extra = int(np.ceil(margin / size))
        start, stop = int(where[0]) - extra, int(where[-1]) + 1 + extra
        sides.append(slice(max(start, 0), min(stop, mask.data.shape[axis])))
    return sides[0], sides[1], sides[2]


def spread(side: slice, count: int, trim: float = 0.1) -> list[int]:
    """Return slice indices spread evenly over a side of a box, without its ends.

    >>> spread(slice(0, 101), 3)
    [10, 50, 90]
    """
    length = side.stop - side.start - 1
    places = np.linspace(side.start + trim * length, side.stop - 1 - trim * length, count)
    return sorted({int(place + 0.5) for place in places})


def through(lesion: Volume, axis: int, count: int, box: Box) -> list[int]:
    """Return slice indices that span a lesion, one of them through its largest section.

    A lesion of a few slices gets neighbours, so that the row is as long as the others.
    """
    others = tuple(other for other in range(3) if other != axis)
    area = (lesion.data > 0).sum(axis=others)
    (where,) = np.nonzero(area)
    step = max(_STEP / lesion.voxel_sizes[axis], 1.0)
    half = max((where[-1] - where[0]) / 2, step * (count - 1) / 2)
    middle = (where[0] + where[-1]) / 2
    places = np.linspace(middle - half, middle + half, count).round().astype(int)
    places[np.abs(places - np.argmax(area)).argmin()] = np.argmax(area)
    inside = np.clip(places, box[axis].start, box[axis].stop - 1)
    return sorted({int(place) for place in inside})
