"""Chart of head motion during a series."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from motor_bids_app.reports.canvas import INK, SERIES, new_chart, styled, to_svg
from motor_bids_app.reports.pages import Figure

_AXES = ("left-right", "back-front", "down-up")
_COLOURS = tuple(SERIES.values())


@styled
def motion_chart(
    parameters: NDArray[np.float64],
    displacement: NDArray[np.float64],
    *,
    limit: float,
    name: str = "motion",
) -> Figure:
    """Draw translations, rotations and framewise displacement of a series.

    Parameters
    ----------
    parameters : array, shape (N, 6)
        Translations (mm) and rotations (degrees).
    displacement : array, shape (N,)
        Framewise displacement in mm.
    limit : float
        Displacement (mm) above which a volume is marked.
    name : str
        Of the figure, unique on a page.
    """
    canvas, panels = new_chart(7.2, 3.1, panels=3)
    volumes = np.arange(len(displacement))
    for axes, columns, unit in (
        (panels[0], slice(0, 3), "mm"),
        (panels[1], slice(3, 6), "degrees"),
    ):
        for number, values in enumerate(np.asarray(parameters)[:, columns].T):
            axes.plot(volumes, values, color=_COLOURS[number], linewidth=1.3, label=_AXES[number])
        axes.set_ylabel(unit)
    panels[0].set_title("translation", fontsize=9.5)
    panels[1].set_title("rotation about", fontsize=9.5)
    handles, labels = panels[0].get_legend_handles_labels()
    canvas.legend(handles, labels, fontsize=8, loc="outside lower left", ncols=len(_AXES))
    _draw_displacement(panels[2], volumes, np.asarray(displacement), limit)
    for axes in panels:
        axes.set_xlabel("volume")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        axes.axhline(0, color=INK["rule"], linewidth=0.6, zorder=0)
    marked = int(np.sum(np.asarray(displacement) > limit))
    moved = displacement[1:] if len(displacement) > 1 else displacement  # the first has no before
    return Figure(
        name=name,
        title="Head motion",
        caption="Head position in each volume, and movement since the previous volume (framewise "
        f"displacement). Volumes with more than {limit:g} mm are marked: {marked} of "
        f"{len(displacement)}.",
        alt=f"Motion over {len(displacement)} volumes: mean framewise displacement "
        f"{np.mean(moved):.2f} mm, largest {np.max(moved):.2f} mm.",
        data=to_svg(canvas, name),
        media_type="image/svg+xml",
    )


def _draw_displacement(
    axes: Axes, volumes: NDArray[np.int64], displacement: NDArray[np.float64], limit: float
) -> None:
    axes.set_title("framewise displacement", fontsize=9.5)
    axes.plot(volumes, displacement, color=INK["ink"], linewidth=1.3)
    high = displacement > limit
    axes.plot(volumes[high], displacement[high], "o", color=_COLOURS[1], markersize=5)
    if high.any():
        axes.axhline(limit, color=_COLOURS[1], linewidth=0.8, linestyle=(0, (4, 4)))
    axes.set_ylabel("mm")
