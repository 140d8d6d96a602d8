"""Words and scales on a sheet of slices: readable on black and on bright tissue."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

_ENDS = {"sagittal": ("P", "A"), "coronal": ("L", "R"), "axial": ("L", "R")}


def write(axes: Axes, x: float, y: float, text: str, *, size: float, **align: str) -> None:
    """Write a text at a place of the sheet, in points of `size`."""
    shade = [withStroke(linewidth=1.8, foreground="black")]  # readable on bright tissue too
    text_object = axes.text(x, y, text, color="#f0f0f0", fontsize=size, family="DejaVu Sans")
    text_object.set(path_effects=shade, **align)


def mark_ends(axes: Axes, plane: str, top: float, bottom: float, width: float) -> None:
    """Write on the first slice, `width` wide, which side is which."""
    first, last = _ENDS[plane]
    middle = (top + bottom) / 2
    write(axes, 4, middle, first, size=9, va="center")
    write(axes, width - 4, middle, last, size=9, va="center", ha="right")


def draw_bar(
    axes: Axes,
    colours: str,
    limits: tuple[float, float],
    unit: str,
    place: tuple[float, float, float],
) -> None:
    """Draw a colour bar with the values at its ends; `place` is its left, bottom and top."""
    left, bottom, top = place
    ramp = np.linspace(0, 1, 64)[:, None]
    axes.imshow(
        ramp,
        cmap=colours,
        extent=(left, left + 10, bottom, top),
        origin="lower",
        vmin=0,
        vmax=1,
    )
    for value, height, align in ((limits[1], top, "top"), (limits[0], bottom, "bottom")):
        write(axes, left + 14, height, f"{value:.3g}", size=9, va=align)
    write(axes, left + 14, (bottom + top) / 2, unit, size=9, va="center")
