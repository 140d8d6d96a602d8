"""The carpet of a bold series: all its voxels over time, under the motion of the head."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from motor_bids_app.reports.canvas import DARK, styled, to_png
from motor_bids_app.reports.pages import Figure

_REACH = 2.0  # standard deviations at black and white
_GREYS = 16  # shades: noise in 256 would make the picture several times as large
_APART = 0.065  # least distance of two names, of the height of the carpet
_SHADES = ("series-6", "series-2", "series-1", "series-3")  # of the strip, in turn


@styled
def carpet_figure(
    scores: NDArray[np.float32],
    kinds: Sequence[str],
    displacement: NDArray[np.float64],
    changes: NDArray[np.float64],
    *,
    limit: float,
) -> Figure:
    """Draw framewise displacement, DVARS and the carpet above one time axis [1]_.

    Parameters
    ----------
    scores : array, shape (rows, T)
        Voxel time series in standard deviations from their mean.
    kinds : sequence of str
        What the voxel of each row is in; rows of one kind are together.
    displacement : array, shape (T,)
        Framewise displacement in mm.
    changes : array, shape (T,)
        Standardised DVARS; NaN for the first volume.
    limit : float
        Displacement (mm) above which a volume is marked.

    References
    ----------
    .. [1] Power, A simple but useful way to assess fMRI scan qualities, NeuroImage 154:150, 2017.
    """
    canvas = Canvas(figsize=(11, 4.6), facecolor="black", layout="constrained")
    moved, changed, carpet = canvas.subplots(3, 1, sharex=True, height_ratios=(1, 1, 4))
    marked = displacement > limit
    _draw_trace(moved, displacement, "framewise displacement, mm", DARK["series-1"], marked)
    _draw_trace(changed, changes, "standardised DVARS", DARK["series-3"], marked)
    _draw_carpet(carpet, scores, kinds)
    for axes in (moved, changed, carpet):
        axes.tick_params(colors=DARK["muted"], labelcolor=DARK["ink"])
        for spine in axes.spines.values():
            spine.set_color(DARK["muted"])
    carpet.set_xlabel("volume", color=DARK["ink"])
    carpet.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    volumes, names = len(displacement), [*dict.fromkeys(kinds)]
    return Figure(
        name="bold-carpet",
        title="Carpet plot of the bold",
        caption="Each row of the grey field is one voxel over time, without its mean and linear "
        f"trend: white is {_REACH:g} standard deviations above, black below. Rows are ordered by "
        f"tissue ({', '.join(names)}). Above, on the same axis: framewise displacement, and "
        "standardised DVARS, the change of the whole image since the previous volume (about 1 is "
        f"usual). Orange: volumes with more than {limit:g} mm. Vertical bands through all tissues "
        "are changes of the whole brain, from motion where they follow a peak above, and otherwise "
        "from breathing or the scanner.",
        alt=f"Carpet plot of {volumes} volumes under motion and DVARS; {int(marked.sum())} volumes "
        f"moved more than {limit:g} mm.",
        data=to_png(canvas),
        media_type="image/png",
    )


def _draw_trace(
    axes: Axes,
    values: NDArray[np.float64],
    label: str,
    colour: str,
    marked: NDArray[np.bool_],
) -> None:
    """Draw one measure of each volume; `marked` volumes stand out."""
    volumes = np.arange(len(values))
    axes.plot(volumes, values, color=colour, linewidth=1.2)
    if marked.any():
        points = (volumes[marked], values[marked])
        axes.plot(*points, "o", color=DARK["series-2"], markersize=4, clip_on=False)
    axes.set_title(label, loc="left", fontsize=9, pad=3, color=DARK["ink"])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
    axes.set_ylim(bottom=0)


def _draw_carpet(axes: Axes, scores: NDArray[np.float32], kinds: Sequence[str]) -> None:
    """Draw the rows in few shades of grey, with a strip of the tissues beside them."""
    rows, volumes = scores.shape
    shades = np.clip((scores / _REACH + 1) / 2, 0, 1)
    shades = np.rint(shades * (_GREYS - 1)) / (_GREYS - 1)
    extent = (-0.5, volumes - 0.5, rows, 0)
    axes.imshow(
        shades, cmap="gray", vmin=0, vmax=1, extent=extent, aspect="auto", interpolation="nearest"
    )
    named = np.asarray(kinds)
    middles = []
    for number, name in enumerate(dict.fromkeys(kinds)):
        (where,) = np.nonzero(named == name)
        strip = Rectangle(
            (-0.016, 1 - (where[-1] + 1) / rows),  # from below, in parts of the carpet
            0.01,
            len(where) / rows,
            transform=axes.transAxes,
            color=DARK[_SHADES[number]],
            linewidth=0,
            clip_on=False,
        )
        axes.add_patch(strip)
        middles.append((where[0] + where[-1] + 1) / 2)
    for place in range(len(middles) - 2, -1, -1):  # names of small tissues would overlap
        middles[place] = min(middles[place], middles[place + 1] - _APART * rows)
    axes.set_yticks(middles, [*dict.fromkeys(kinds)])
    axes.tick_params(axis="y", length=0, pad=14)
