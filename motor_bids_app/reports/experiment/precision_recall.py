"""Precision and recall of an evaluation: their means over test sets, and the chart."""

from collections.abc import Mapping
from textwrap import fill

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.reports.canvas import INK, new_chart, styled
from motor_bids_app.reports.experiment.charts import LEGEND, chart_figure, colour, dash
from motor_bids_app.reports.experiment.roc import sets_of_both
from motor_bids_app.reports.pages import Figure


@styled
def precision_recall_curves(predictions: pd.DataFrame, models: Mapping[str, str]) -> Figure:
    """Draw the precision of every model at each recall; see `mean_precision`.

    `predictions` has a row for each time that a person was tested, as of `roc_curves`.
    """
    canvas, (axes,) = new_chart(7.2, 4.2)
    first = predictions[predictions["model"] == next(iter(models))]
    share = float(first.drop_duplicates("participant_id")["true"].mean())
    axes.axhline(share, color=INK["muted"], linewidth=0.8, linestyle=(0, (4, 4)))
    for number, (name, label) in enumerate(models.items()):
        recall, precision = mean_precision(predictions[predictions["model"] == name])
        line = axes.step(recall, precision, where="pre", color=colour(number), linewidth=1.6)
        line[0].set(linestyle=dash(number), label=fill(label, LEGEND))
    axes.set(xlabel="Recall (sensitivity)", ylabel="Precision", xlim=(0, 1.01), ylim=(0, 1.02))
    axes.set_box_aspect(1)
    canvas.legend(loc="outside right center", fontsize=8.5)
    return chart_figure(
        canvas,
        "precision-recall",
        "Precision and recall",
        "Of the patients called poor, the share that is poor (precision), when this share of all "
        "poor outcomes is found (recall): the mean over test sets. The dashed line is the share "
        f"of poor outcomes, {share:.2f}, which guessing reaches. Where poor outcomes are rare, "
        "this says more than a ROC curve. It has no interval: with few patients it varies much.",
        f"Precision at each recall of {len(models)} models; guessing reaches {share:.2f}",
    )


def mean_precision(tested: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over test sets of the precision that is paid for each recall.

    Precision is not interpolated: between two recalls it is that of the greater one, so that the
    area under a test set's steps is its average precision. Test sets count by their poor people.

    Parameters
    ----------
    tested : DataFrame
        Columns repeat, fold, true (1 poor, 0 good) and predicted.

    Returns
    -------
    arrays, shape (n_points,)
        Recalls, rising from 0 to 1, and precisions.
    """
    sets = sets_of_both(tested)
    curves = [_curve(truth, predicted) for truth, predicted in sets]
    weights = [truth.sum() for truth, _ in sets]
    if not curves:
        return np.array([0.0, 1.0]), np.full(2, float(tested["true"].mean()))
    levels = np.unique(np.concatenate([[0.0, 1.0], *(recall for recall, _ in curves)]))
    at = [precision[np.searchsorted(recall, levels)] for recall, precision in curves]
    return levels, np.average(at, axis=0, weights=weights)


def _curve(
    truth: NDArray[np.float64], predicted: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return recalls, rising, and the best precision at each, from the strictest threshold on."""
    called = predicted[None, :] >= np.unique(predicted)[::-1, None]
    hits = called[:, truth == 1].sum(axis=1)
    recall, precision = hits / truth.sum(), hits / called.sum(axis=1)
    found, first = np.unique(recall[hits > 0], return_index=True)
    return found, precision[hits > 0][first]
