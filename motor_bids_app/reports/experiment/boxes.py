"""Box plots of what networks reach in single test sets (as figures 5, 6 and 8 of karakis2023)."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
import pandas as pd

from motor_bids_app.reports.canvas import INK, new_chart, styled
from motor_bids_app.reports.experiment.charts import METRICS, chart_figure, colour
from motor_bids_app.reports.pages import Figure

_THIN = {"color": INK["muted"], "linewidth": 0.9}
_CAPTION = (
    "Each mark is one training in one test set; boxes are quartiles, whiskers extend to the last "
    "mark within 1.5 times the box length. As in the paper, metrics are the mean of both classes "
    "and controls count as good. Test sets share people, so boxes that do not overlap do not prove "
    "a difference; the tables give intervals."
)


@styled
def box_figure(
    sets: pd.DataFrame, labels: Mapping[str, str], metrics: Sequence[str], name: str, title: str
) -> Figure:
    """Draw boxes side by side, one panel per metric and one row per model.

    Parameters
    ----------
    sets : DataFrame
        Columns model, repeat, fold, training, class, metric, value; rows of class "overall" count.
    labels : mapping of str to str
        Models to draw, from above, and what they are.
    metrics : sequence of str
    name, title : str
        Of the figure.
    """
    sets = sets[sets["class"] == "overall"]
    canvas, panels = new_chart(7.2, 0.9 + 0.46 * len(labels), panels=len(metrics))
    for axes, metric in zip(panels, metrics, strict=True):
        chosen = sets[sets["metric"] == metric]
        for row, model in enumerate(labels):
            values = chosen.loc[chosen["model"] == model, "value"].dropna().to_numpy(dtype=float)
            if not len(values):
                continue
            axes.boxplot(
                [values],
                positions=[row],
                orientation="horizontal",
                widths=0.62,
                showfliers=False,
                medianprops={"color": INK["ink"], "linewidth": 1.6},
                boxprops=_THIN,
                whiskerprops=_THIN,
                capprops=_THIN,
            )
            spread = (np.arange(len(values)) * 0.618034 % 1 - 0.5) * 0.4
            axes.scatter(values, row + spread, s=9, color=colour(0), alpha=0.4, linewidths=0)
        axes.set(xlabel=METRICS[metric], xlim=(-0.03, 1.03), ylim=(len(labels) - 0.45, -0.55))
        axes.tick_params(axis="y", length=0)
        axes.set_yticks(range(len(labels)), [""] * len(labels))
    panels[0].set_yticks(range(len(labels)), [fill(label, 24) for label in labels.values()])
    median = sets.groupby(["model", "metric"])["value"].median()
    return chart_figure(
        canvas,
        name,
        title,
        _CAPTION,
        f"Median {METRICS[metrics[0]].lower()} in test sets: "
        + "; ".join(
            f"{label} {median[model, metrics[0]]:.2f}"
            for model, label in labels.items()
            if (model, metrics[0]) in median.index
        ),
    )
