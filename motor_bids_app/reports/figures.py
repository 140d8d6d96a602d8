"""Pictures of volumes: rows of slices on black, with outlines, maps and colour bars.

Left is at the left in every axial and coronal slice (neurological convention), and marked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import nibabel as nib
import numpy as np
from contourpy import contour_generator
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from motor_bids_app.reports.canvas import to_png
from motor_bids_app.reports.experiment.slices import (
    AXES,
    Box,
    Volume,
    bounding_box,
    spread,
    through,
)
from motor_bids_app.reports.lettering import draw_bar, mark_ends, write
from motor_bids_app.spaces.grids import check_same_grid

LESION, BRAIN, EDGES = "#ff5c5c", "#ffb000", "#3fd0ff"  # red, orange, blue on black and grey
SIGNED = "berlin"  # dark in the middle, as the background is: blue below 0, red above
COLUMNS = 7
WIDTH = 1000.0  # mm of a sheet; every row of slices is scaled to it
_GAP = 6.0  # between slices
_PIXELS = 1100  # across
Extent = tuple[float, float, float, float]  # left, right, bottom, top on the sheet


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A mask or probability drawn over the slices, on their grid.

    `outline` follows 0.5; `lesion` is the outline over a translucent filling; `tint`
    colours each voxel by its value (0 to 1).
    """

    image: nib.Nifti1Image
    colour: str
    style: str = "outline"


@dataclass(frozen=True, kw_only=True)
class Row:
    """Slices of one volume, from left to right, with their scale."""

    image: nib.Nifti1Image
    plane: str = "axial"
    layers: Sequence[Layer] = ()
    label: str = ""
    colours: str = "gray"
    limits: tuple[float, float] | None = None  # values at the ends of the colours; None: contrast
    unit: str | None = None  # with it, a colour bar is drawn
    scale: float = 1.0  # factor from the image's values to `unit`
    cut_through: nib.Nifti1Image | None = None  # slices span this mask instead of the brain
    signed: nib.Nifti1Image | None = None  # drawn over it: blue below 0, red above, clear at 0
    signed_limit: float = 1.0  # of `signed`, in `unit`: values at the ends of its colours
    rgb: tuple[nib.Nifti1Image, ...] = ()  # red, green, blue, drawn instead; `limits` apply


def mosaic(
    image: nib.Nifti1Image,
    *,
    layers: Sequence[Layer] = (),
    around: nib.Nifti1Image | None = None,
    lesion: nib.Nifti1Image | None = None,
    label: str = "",
) -> bytes:
    """Draw axial, coronal and sagittal slices, and a row through the lesion where there is one.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z)
        Shown in grey, in any orientation and voxel size.
    layers : sequence of Layer
        Masks over it, on its grid.
    around : Nifti1Image, optional
        Mask that slices are spread through; without it, what is not background.
    lesion : Nifti1Image, optional
        Mask drawn over all slices; an empty one is left out.

    Returns
    -------
    bytes
        PNG.
    """
    layers = list(layers)
    if lesion is not None and np.any(np.asarray(lesion.dataobj) > 0):
        layers.append(Layer(image=lesion, colour=LESION, style="lesion"))
    else:
        lesion = None
    rows = [
        Row(image=image, plane=plane, layers=layers, label=label if plane == "axial" else "")
        for plane in AXES
    ][::-1]
    if lesion is not None:
        rows.append(Row(image=image, layers=layers, label="through the lesion", cut_through=lesion))
    return draw_rows(rows, around=around)


def draw_rows(
    rows: Sequence[Row], *, around: nib.Nifti1Image | None = None, bars: bool = False
) -> bytes:
    """Draw rows of slices under each other, cut to the brain (PNG).

    With `bars` there is room for colour bars even where no row has one: the slices are then as
    large as in a picture with bars, over which this one can be laid.

    Raises
    ------
    GridMismatchError
        A layer, or `around`, is not on the grid of its row's image.
    """
    sheet = Canvas(facecolor="black")
    axes = sheet.add_axes((0, 0, 1, 1))
    pen = _Pen(axes, around)
    bar_room = 90.0 if bars or any(row.unit is not None for row in rows) else 0.0
    top = 0.0
    for row in rows:
        top = pen.draw_row(row, top) - _GAP
    axes.set(xlim=(0, WIDTH + bar_room), ylim=(top + _GAP, 0), aspect="auto")
    axes.axis("off")
    height = -(top + _GAP) / (WIDTH + bar_room)
    sheet.set_size_inches(_PIXELS / 100, _PIXELS / 100 * height)
    return to_png(sheet)


def contrast(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the grey window that spreads the values of a brain; background (0) does not count."""
    shown = values[values != 0]
    if shown.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(shown, (2, 99.8))
    low = 0.5 * low if low > 0 else low
    return float(low), float(high) if high > low else float(low) + 1


class _Pen:
    """Draws rows on one sheet; each image is turned to RAS, and looked through, only once."""

    def __init__(self, axes: Axes, around: nib.Nifti1Image | None) -> None:
        self.axes = axes
        self.around = around
        self.turned: dict[int, Volume] = {}  # by id of the image, which the rows keep alive
        self.windows: dict[Volume, tuple[float, float]] = {}
        self.boxes: dict[Volume, tuple[Box, Box]] = {}

    def volume(self, image: nib.Nifti1Image) -> Volume:
        if id(image) not in self.turned:
            self.turned[id(image)] = Volume.of(image)
        return self.turned[id(image)]

    def draw_row(self, row: Row, top: float) -> float:
        """Draw one row with its upper edge at `top`; return its lower edge."""
        named = {f"layer {number + 1}": layer.image for number, layer in enumerate(row.layers)}
        extra = {
            "around": self.around,
            "cut_through": row.cut_through,
            "signed": row.signed,
            **dict(zip(("red", "green", "blue"), row.rgb, strict=False)),
        }
        check_same_grid(row.image, **named, **{k: v for k, v in extra.items() if v is not None})
        volume = self.volume(row.image)
        axis = AXES[row.plane]
        tight, box = self._boxes(volume)
        places = self._places(row, axis, tight, box)
        wide, high = volume.frame(axis, box)
        zoom = (WIDTH - _GAP * (len(places) - 1)) / (len(places) * wide)
        zoom = min(zoom, WIDTH / (COLUMNS - 1) / wide)
        bottom = top - high * zoom
        limits = row.limits or self._window(volume, row.scale)
        for column, place in enumerate(places):
            left = column * (wide * zoom + _GAP)
            extent = (left, left + wide * zoom, bottom, top)
            self._draw_slice(row, limits, axis, place, box, extent)
            millimetres = f"{round(volume.position(axis, place, box))}"
            text = f"{'xyz'[axis]} = {millimetres} mm" if column == 0 else millimetres
            write(self.axes, left + 4, bottom + 4, text, size=7.5)
        mark_ends(self.axes, row.plane, top, bottom, wide * zoom)
        if row.label:
            write(self.axes, 5, top - 5, row.label, size=10, va="top")
        if row.unit is not None:
            colours = row.colours
            if row.signed is not None:
                colours, limits = SIGNED, (-row.signed_limit, row.signed_limit)
            corner = (WIDTH + 14, bottom + 6, top - 6)
            draw_bar(self.axes, colours, limits, row.unit, corner)
        return bottom

    def _window(self, volume: Volume, scale: float) -> tuple[float, float]:
        """Grey window, set by the brain: skull and fat would make it flat."""
        if volume not in self.windows:
            values = volume.data
            if self.around is not None:
                values = values[self.volume(self.around).data > 0]
            self.windows[volume] = contrast(values)
        low, high = self.windows[volume]
        return low * scale, high * scale

    def _boxes(self, volume: Volume) -> tuple[Box, Box]:
        """Return the box that slices are spread through, and the wider one that they show."""
        mask, margin = volume, 2
        if self.around is not None:
            mask, margin = self.volume(self.around), 10
        if mask not in self.boxes:
            inside = mask
            if self.around is None:
                low, high = self._window(volume, 1)
                head = (volume.data > low + 0.1 * (high - low)).astype(np.float32)
                inside = Volume(head, volume.affine)
            self.boxes[mask] = bounding_box(inside), bounding_box(inside, margin)
        return self.boxes[mask]

    def _places(self, row: Row, axis: int, tight: Box, box: Box) -> list[int]:
        if row.cut_through is not None:
            mask = self.volume(row.cut_through)
            if (mask.data > 0).any():
                return through(mask, axis, COLUMNS, box)
        return spread(tight[axis], COLUMNS)

    def _draw_slice(
        self, row: Row, limits: tuple[float, float], axis: int, place: int, box: Box, extent: Extent
    ) -> None:
        values = self.volume(row.image).cut(axis, place, box) * row.scale
        coarse = (extent[1] - extent[0]) / WIDTH * _PIXELS > 1.3 * values.shape[1]
        if row.rgb:
            cuts = [self.volume(part).cut(axis, place, box) for part in row.rgb]
            values = np.clip((np.stack(cuts, axis=-1) - limits[0]) / (limits[1] - limits[0]), 0, 1)
        self.axes.imshow(
            values if row.rgb else np.ma.masked_equal(values, 0),
            cmap=row.colours,
            vmin=limits[0],
            vmax=limits[1],
            extent=extent,
            origin="lower",
            interpolation="nearest" if coarse else "bilinear",  # voxels as they are, if one can
        )
        if row.signed is not None:
            part = self.volume(row.signed).cut(axis, place, box) / row.signed_limit
            strength = np.clip(2 * np.abs(part), 0, 1)
            self.axes.imshow(
                part,
                cmap=SIGNED,
                vmin=-1,
                vmax=1,
                alpha=strength,
                extent=extent,
                origin="lower",
                interpolation="nearest",
            )
        for layer in row.layers:
            mask = self.volume(layer.image).cut(axis, place, box)
            _draw_layer(self.axes, layer, mask, extent)


def _draw_layer(axes: Axes, layer: Layer, values: NDArray[np.float32], extent: Extent) -> None:
    if layer.style in ("tint", "lesion") and values.any():
        strength = np.clip(values, 0, 1) * 0.6 if layer.style == "tint" else (values > 0.5) * 0.35
        colour = np.empty((*values.shape, 4), dtype=np.float32)
        colour[..., :3] = to_rgb(layer.colour)
        colour[..., 3] = strength
        axes.imshow(colour, extent=extent, origin="lower", interpolation="nearest")
    if layer.style != "tint" and (values > 0.5).any() and (values <= 0.5).any():
        left, right, bottom, top = extent
        rows, columns = values.shape
        x = left + (np.arange(columns) + 0.5) * (right - left) / columns
        y = bottom + (np.arange(rows) + 0.5) * (top - bottom) / rows
        # Many times as fast as `Axes.contour`, which prepares for labels and fillings.
        lines = cast(list[NDArray[np.float64]], contour_generator(x, y, values).lines(0.5))
        axes.add_collection(LineCollection(lines, colors=layer.colour, linewidths=1.1))
