"""Volumes of one participant, as a page carries them for a browser to cut in three planes.

A volume is one byte per voxel, x running fastest, deflated. It is no picture, because some browsers
alter the values that a script reads back from one.
"""

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import matplotlib as mpl
import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from motor_bids_app.reports.experiment.slices import Box, Volume, bounding_box
from motor_bids_app.reports.figures import contrast
from motor_bids_app.spaces.grids import check_same_grid

_COLOURS = "viridis"  # has no red, which is the outline of the lesion
_MARGIN = 4.0  # mm around the brain
_STEPS = 255  # of a scale
_PICTURE = 6  # pixels of a drawing per voxel


@dataclass(frozen=True, kw_only=True)
class ViewedMap:
    """One volume to look at.

    Parameters
    ----------
    label : str
        What it is, for people.
    image : Nifti1Image, shape (X, Y, Z)
    role : str
        "image" is drawn in grey, "overlay" in colours over it, "lesion" as an outline.
    top : float, optional
        Value at the upper end of the scale, in `unit`; by default that of the contrast. The lower
        end is 0: lower values are shown as 0.
    unit : str
    factor : float
        From the image's values to `unit`.
    fades : bool
        Whether faint values are drawn faintly, as is right for shares and probabilities.
    """

    label: str
    image: nib.Nifti1Image
    role: Literal["image", "overlay", "lesion"]
    top: float | None = None
    unit: str = ""
    factor: float = 1.0
    fades: bool = False


@dataclass(frozen=True, kw_only=True)
class PackedMap:
    """One volume as the page carries it; `over` says whether values lie above `top`."""

    label: str
    role: str
    unit: str
    top: float
    over: bool
    fades: bool
    data: str


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """All volumes, on one grid.

    Parameters
    ----------
    shape, start : tuple of int
        Voxels along x, y and z; the voxel that is shown first.
    origin : tuple of float
        Place of the first voxel in mm; x runs to the right, y to the front, z up.
    step : float
        Voxel size in mm.
    maps : tuple of PackedMap
        At least one of role "image".
    """

    shape: tuple[int, int, int]
    start: tuple[int, int, int]
    origin: tuple[float, float, float]
    step: float
    maps: tuple[PackedMap, ...]

    @property
    def planes(self) -> tuple[tuple[str, int, int], ...]:
        """Name of each plane, and the size of its drawing in pixels."""
        x, y, z = (_PICTURE * count for count in self.shape)
        return ("Axial", x, y), ("Coronal", x, z), ("Sagittal", y, z)

    @property
    def sliders(self) -> tuple[tuple[str, float, float, float], ...]:
        """Name of each axis, its first, last and shown place in mm."""
        names = ("x: left to right", "y: back to front", "z: bottom to top")
        return tuple(
            (name, first, first + self.step * (count - 1), first + self.step * start)
            for name, first, count, start in zip(
                names, self.origin, self.shape, self.start, strict=True
            )
        )

    @property
    def colours(self) -> str:
        """Red, green and blue of the steps of a scale, in base64."""
        return _colours()


def pack_viewer(maps: Sequence[ViewedMap], around: nib.Nifti1Image) -> Viewer:
    """Pack volumes for a page, cut to the box around a mask; the lesion's middle is shown first.

    Parameters
    ----------
    maps : sequence of ViewedMap
        On the grid of `around`, whose axes are those of the world and whose voxels are cubes.
    around : Nifti1Image, shape (X, Y, Z)
        Mask of the brain.

    Raises
    ------
    GridMismatchError
        A map is on another grid.
    """
    for one in maps:
        check_same_grid(around, **{one.label: one.image})
    mask = Volume.of(around)
    sizes = mask.voxel_sizes
    assert np.allclose(mask.affine[:3, :3], sizes[0] * np.eye(3)), "voxels are no cubes, or oblique"
    box = bounding_box(mask, _MARGIN)
    x, y, z = (side.stop - side.start for side in box)
    first = apply_affine(mask.affine, [side.start for side in box])
    lesions = [Volume.of(one.image).data[box] for one in maps if one.role == "lesion"]
    return Viewer(
        shape=(x, y, z),
        start=_middle(lesions[0]) if lesions else (x // 2, y // 2, z // 2),
        origin=(float(first[0]), float(first[1]), float(first[2])),
        step=float(sizes[0]),
        maps=tuple(_pack(one, box) for one in maps),
    )


def _pack(one: ViewedMap, box: Box) -> PackedMap:
    values = Volume.of(one.image).data[box] * np.float32(one.factor)
    top = one.top or contrast(values)[1]
    codes = np.clip(np.rint(values * (_STEPS / top)), 0, _STEPS).astype(np.uint8)
    return PackedMap(
        label=one.label,
        role=one.role,
        unit=one.unit,
        top=float(top),
        over=bool((values > top * (1 + 0.5 / _STEPS)).any()),
        fades=one.fades,
        data=base64.b64encode(zlib.compress(codes.tobytes(order="F"))).decode("ascii"),
    )


def _middle(lesion: NDArray[np.float32]) -> tuple[int, int, int]:
    """The voxel of a lesion that is nearest to its centre; the middle of an empty one."""
    inside = np.argwhere(lesion > 0.5)
    if not len(inside):
        x, y, z = lesion.shape
        return x // 2, y // 2, z // 2
    away = ((inside - inside.mean(axis=0)) ** 2).sum(axis=1)
    x, y, z = inside[away.argmin()].tolist()
    return x, y, z


@cache
def _colours() -> str:
    ramp = mpl.colormaps[_COLOURS](np.linspace(0, 1, _STEPS + 1), bytes=True)[:, :3]
    return base64.b64encode(np.ascontiguousarray(ramp).tobytes()).decode("ascii")
