"""Charts of how far the result of one model goes: against chance, and with more people."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.reports.canvas import INK, new_chart, styled
from motor_bids_app.reports.experiment.charts import METRICS, chart_figure, colour, legend_once
from motor_bids_app.reports.pages import Figure


@styled
def null_histogram(
    null: NDArray[np.float64], value: float, label: str, *, metric: str, stand_in: bool = False
) -> Figure:
    """Draw the metric over permutations of the labels, and that of the labels as they are.

    `stand_in` says that a ridge regression took the place of the model.
    """
    canvas, (axes,) = new_chart(7.2, 2.6)
    name = METRICS.get(metric, metric)
    axes.hist(null, bins=30, color=INK["muted"], alpha=0.5, label="outcomes shuffled")
    axes.axvline(value, color=colour(0), linewidth=2, label="true outcomes")
    axes.set(xlabel=f"{name} in cross-validation", ylabel="Permutations")
    legend_once(axes)
    return chart_figure(
        canvas,
        "null",
        f"Permutation test of {label}",
        "Grey: results of the same cross-validation with the outcomes of patients shuffled, so "
        "that there is nothing to find. For this test, test sets are drawn without regard to "
        "outcomes, or are the sites, which shifts both values alike: the figure shows how rare the "
        "result is, the tables how good it is."
        + (
            " Both come from a ridge regression on the same inputs, which stands in for the model "
            "because it can be refitted a thousand times."
            if stand_in
            else ""
        ),
        f"{name} as good in {int((null >= value - 1e-12).sum())} of {len(null)} permutations, 95 % "
        f"of which are below {np.quantile(null, 0.95):.2f}",
    )


@styled
def learning_chart(curve: pd.DataFrame, label: str, *, chance: float) -> Figure:
    """Draw the metric of one model against the number of people it learned from."""
    canvas, (axes,) = new_chart(5.4, 3.2)
    name = METRICS.get(curve["metric"].iloc[0], curve["metric"].iloc[0])
    axes.fill_between(curve["n_training"], curve["low"], curve["high"], color=colour(0), alpha=0.15)
    axes.plot(curve["n_training"], curve["value"], "o-", color=colour(0), markersize=5)
    axes.axhline(chance, color=INK["muted"], linewidth=0.8)
    axes.set(xlabel="Number of training people", ylabel=name)
    return chart_figure(
        canvas,
        "learning",
        f"Learning curve of {label}",
        "The same test patients, predicted after training on part of the training people. A curve "
        "still rising at its right end suggests that more people would help. Band: 95 % interval, "
        "as in the tables, for each training-set size; all points share the same test patients. "
        "Line: chance.",
        f"{name} from {curve['value'].iloc[0]:.2f} with {curve['n_training'].iloc[0]:.0f} people "
        f"to {curve['value'].iloc[-1]:.2f} with {curve['n_training'].iloc[-1]:.0f}",
    )
