"""ROC curves of an evaluation: their means over test sets, and the chart."""

from collections.abc import Mapping
from textwrap import fill

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.reports.canvas import INK, new_chart, styled
from motor_bids_app.reports.experiment.charts import (
    LEGEND,
    chart_figure,
    colour,
    dash,
    interval_text,
)
from motor_bids_app.reports.pages import Figure


@styled
def roc_curves(
    predictions: pd.DataFrame, metrics: pd.DataFrame, models: Mapping[str, str]
) -> Figure:
    """Draw the ROC curve of every model, with its AUC and 95 % interval in the legend.

    `predictions` has a row for each person tested, with repeat and fold. The area under a curve is
    the AUC of the tables: see `mean_roc`.
    """
    canvas, (axes,) = new_chart(7.2, 4.2)
    axes.plot([0, 1], [0, 1], color=INK["muted"], linewidth=0.8, linestyle=(0, (4, 4)))
    for number, (name, label) in enumerate(models.items()):
        one = predictions[predictions["model"] == name]
        auc = fill(f"{label}: {interval_text(metrics, name, 'roc_auc')}", LEGEND)
        axes.plot(*mean_roc(one), dash(number), color=colour(number), linewidth=1.6, label=auc)
    axes.set(xlabel="1 - specificity", ylabel="Sensitivity", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.set_box_aspect(1)
    canvas.legend(loc="outside right center", title="AUC (95 % interval)", fontsize=8.5)
    return chart_figure(
        canvas,
        "roc",
        "ROC curves",
        "Each curve is the mean over test sets, so the area under it is the AUC shown; closer to "
        "the top left is better, and the dashed line is chance.",
        f"ROC curves of {len(models)} models: "
        + "; ".join(
            f"{label} {interval_text(metrics, name, 'roc_auc')}" for name, label in models.items()
        ),
    )


def mean_roc(tested: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over test sets of the sensitivity at each false positive rate.

    Test sets count by the pairs of a poor and a good person in them: the area under the curve is
    then the AUC within test sets, to the last pair.

    Parameters
    ----------
    tested : DataFrame
        Columns repeat, fold, true (1 poor, 0 good) and predicted.

    Returns
    -------
    arrays, shape (n_points,)
        False positive rates and sensitivities.
    """
    sets = sets_of_both(tested)
    curves = [_roc(truth, predicted) for truth, predicted in sets]
    weights = [truth.sum() * (1 - truth).sum() for truth, _ in sets]
    if not curves:
        return np.array([0.0, 1.0]), np.array([0.0, 1.0])
    rates = np.unique(np.concatenate([false for false, _ in curves]))
    ends = np.array([[_limits(*curve, rate) for rate in rates] for curve in curves])
    mean = np.average(ends, axis=0, weights=weights)
    return np.repeat(rates, 2), mean.ravel()


def sets_of_both(
    tested: pd.DataFrame,
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Truth and predictions of each test set that has both classes; columns as of `mean_roc`."""
    sets = [
        (part["true"].to_numpy(np.float64), part["predicted"].to_numpy(np.float64))
        for _, part in tested.groupby(["repeat", "fold"])
    ]
    return [(truth, predicted) for truth, predicted in sets if 0 < truth.sum() < len(truth)]


def _limits(
    false: NDArray[np.float64], true: NDArray[np.float64], rate: float
) -> tuple[float, float]:
    """Sensitivity just before and just after a false positive rate, where curves may jump."""
    there = true[false == rate]
    if there.size:
        return float(there.min()), float(there.max())
    between = float(np.interp(rate, false, true))
    return between, between


def _roc(
    truth: NDArray[np.float64], predicted: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return false and true positive rates from the strictest threshold to the mildest."""
    thresholds = np.unique(predicted)[::-1]
    called = predicted[None, :] >= thresholds[:, None]
    rates = [np.concatenate([[0.0], called[:, truth == value].mean(axis=1)]) for value in (0, 1)]
    return rates[0], rates[1]
