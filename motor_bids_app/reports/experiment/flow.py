"""How many people came in, who was left out and why, and who was analysed (TRIPOD+AI, item 20a)."""

from collections.abc import Mapping
from textwrap import fill
from typing import Any

from motor_bids_app.reports.canvas import INK, new_chart, styled
from motor_bids_app.reports.experiment.charts import chart_figure
from motor_bids_app.reports.pages import Figure

_REASONS = 6  # shown, the most frequent first; the others are one line
_WRAP = 54  # characters of a line
_BOX = {"boxstyle": "round,pad=0.6", "facecolor": INK["band"], "edgecolor": INK["rule"]}


@styled
def flow_chart(out: Mapping[str, int], analysed: Mapping[str, int]) -> Figure:
    """Draw who is in and who is out.

    Parameters
    ----------
    out : mapping of str to int
        People left out, by reason; each counts once.
    analysed : mapping of str to int
        Groups of those who take part, such as "patients, poor"; at least one.
    """
    n_out, n_in = sum(out.values()), sum(analysed.values())
    groups = [f"{name}: {count}" for name, count in analysed.items()]
    boxes = [f"People found: {n_out + n_in}", "\n".join([f"Analysed: {n_in}", *groups])]
    reasons = [fill(line, _WRAP, subsequent_indent="   ") for line in _frequent(out)]
    side = "\n".join([f"Left out: {n_out}", *reasons])
    height = 0.9 + 0.19 * (3 + len(groups) + 1 + side.count("\n"))
    canvas, (axes,) = new_chart(7.2, height)
    axes.axis("off")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    given: dict[str, Any] = {"fontsize": 9.5, "linespacing": 1.4, "ha": "left", "bbox": _BOX}
    axes.text(0.03, 0.97, boxes[0], va="top", **given)
    axes.text(0.03, 0.03, boxes[1], va="bottom", **given)
    axes.text(0.36, 0.62, side, va="center", **given)
    arrow = {"arrowstyle": "->", "color": INK["muted"], "shrinkA": 0, "shrinkB": 0}
    foot = 0.03 + 0.3 * (1 + len(groups)) / height * 0.8
    axes.annotate("", (0.1, min(foot, 0.55)), (0.1, 0.97 - 0.34 / height), arrowprops=arrow)
    axes.annotate("", (0.34, 0.62), (0.1, 0.62), arrowprops=arrow)
    return chart_figure(
        canvas,
        "flow",
        "Who is in and who is out",
        "People with processed data, those left out by the first reason that was found, and those "
        "whom the results are about.",
        "; ".join([boxes[0], f"left out: {n_out}", *_frequent(out), f"analysed: {n_in}", *groups]),
    )


def _frequent(out: Mapping[str, int]) -> list[str]:
    """Lines of reasons, the most frequent first, with one line for the rest."""
    ordered = sorted(out.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"{count}: {reason}" for reason, count in ordered[:_REASONS]]
    rest = sum(count for _, count in ordered[_REASONS:])
    return lines + ([f"{rest}: other reasons (excluded.tsv)"] if rest else [])
