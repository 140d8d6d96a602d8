"""Which person each point of a chart stands for, and where it lies in the drawing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from motor_bids_app.reports.pages import Mark

_POINTS = 72.0  # units of a drawing per inch


@dataclass(frozen=True, eq=False)
class People:
    """Points of `axes`, one per person.

    Parameters
    ----------
    axes : Axes
        Of a chart.
    names : sequence of str
        Participants, as "sub-01".
    x, y : array-like, shape (n,)
        In data coordinates.
    sessions : sequence of str, optional
        "ses-1" and the like, where points are of sessions.
    """

    axes: Axes
    names: Sequence[str]
    x: ArrayLike
    y: ArrayLike
    sessions: Sequence[str] = ()

    def marks(self) -> list[Mark]:
        """Places in the drawing, from left to right; known once the chart is drawn."""
        canvas = self.axes.get_figure(root=True)
        assert canvas is not None
        data = np.stack([np.asarray(self.x, float), np.asarray(self.y, float)], axis=1)
        shown = canvas.transFigure.inverted().transform(self.axes.transData.transform(data))
        size = canvas.get_size_inches() * _POINTS
        sessions = self.sessions or [""] * len(self.names)
        marks = [
            Mark(
                person=name,
                x=round(left * size[0], 1),
                y=round((1 - up) * size[1], 1),
                session=session,
            )
            for name, session, (left, up) in zip(self.names, sessions, shown, strict=True)
            if np.isfinite(left + up)
        ]
        return sorted(marks, key=lambda mark: (mark.x, mark.y))
