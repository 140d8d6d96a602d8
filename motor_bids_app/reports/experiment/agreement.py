"""Charts of one model's predictions against the truth: calibration, classes, scores.

Tables are those of `charts`, for one model or several.
"""

from collections.abc import Mapping
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from motor_bids_app.reports.canvas import INK, new_chart, styled
from motor_bids_app.reports.experiment.charts import chart_figure, colour
from motor_bids_app.reports.experiment.marks import People
from motor_bids_app.reports.pages import Figure


@styled
def calibration_curve(predictions: pd.DataFrame, label: str, *, positive: str) -> Figure:
    """Draw how often people of similar predicted probability were in the class.

    `predictions` are those of one model. Groups are fifths of the people, or fewer so that each
    has at least 8.
    """
    ordered = predictions.sort_values("predicted")
    groups = np.array_split(np.arange(len(ordered)), int(np.clip(len(ordered) // 8, 1, 5)))
    canvas, (axes,) = new_chart(4.6, 4.2)
    axes.plot([0, 1], [0, 1], color=INK["muted"], linewidth=0.8, linestyle=(0, (4, 4)))
    for group in groups:
        some = ordered.iloc[group]
        mean, share = float(some["predicted"].mean()), float(some["true"].mean())
        low, high = _wilson(share, len(some))
        axes.plot([mean, mean], [low, high], color=colour(0), linewidth=1.6)
        axes.plot(mean, share, "o", color=colour(0), markersize=6)
        axes.annotate(
            f"{len(some)}",
            (mean, share),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.set(
        xlabel=f"Predicted probability of {positive}",
        ylabel=f"Share truly {positive}",
        xlim=(-0.02, 1.02),
        ylim=(-0.05, 1.05),
        aspect="equal",
    )
    return chart_figure(
        canvas,
        "calibration",
        f"Calibration of {label}",
        "Patients grouped by predicted probability, averaged over repeats; numbers are the "
        "patients in each group. On the dashed line, 30 % predicted means 30 % observed. Vertical "
        "lines are 95 % binomial intervals (Wilson): they reflect the number of patients, but not "
        "how the model would change with other training data.",
        f"Calibration curve of {label} with {len(groups)} groups",
    )


@styled
def decision_curve(decisions: pd.DataFrame, model: str, label: str, *, positive: str) -> Figure:
    """Draw the net benefit of acting on one model, on everyone and on nobody."""
    canvas, (axes,) = new_chart(7.2, 3.4)
    everyone = decisions[decisions["model"] == "everyone"]
    one = decisions[decisions["model"] == model]
    axes.fill_between(one["threshold"], one["low"], one["high"], color=colour(0), alpha=0.15)
    axes.plot(one["threshold"], one["net_benefit"], color=colour(0), label=fill(label, 40))
    axes.plot(
        everyone["threshold"],
        everyone["net_benefit"],
        color=colour(1),
        linestyle="--",
        label="everyone",
    )
    axes.axhline(0, color=INK["muted"], linewidth=0.8, label="nobody")
    top = max(float(one["high"].max()), 0.05)
    axes.set(
        xlabel=f"Probability of {positive} at which to act (threshold)",
        ylabel="Net benefit",
        xlim=(0, 1),
        ylim=(-0.4 * top, 1.1 * top),
    )
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, title="acting on", fontsize=8.5)
    return chart_figure(
        canvas,
        "decision-curve",
        f"Decision curve of {label}",
        "Net benefit: true positives per patient, minus false positives weighted by the odds of "
        "the threshold. The model is useful only where its curve is above both other lines. Band: "
        "95 % interval of the model's curve, by bootstrap over patients and at least as wide as "
        "the spread over test sets implies (Nadeau and Bengio).",
        f"Net benefit of {label} between thresholds 0.05 and 0.95",
    )


@styled
def abstention_chart(curve: pd.DataFrame, label: str) -> Figure:
    """Draw the accuracy of a model that answers only the people it is surest of."""
    canvas, (axes,) = new_chart(5.4, 3.2)
    accuracy, people = curve["accuracy"].to_numpy(float), curve["n_people"].to_numpy(int)
    limits = np.array([_wilson(share, n) for share, n in zip(accuracy, people, strict=True)])
    axes.fill_between(
        100 * curve["share_answered"], limits[:, 0], limits[:, 1], color=colour(0), alpha=0.15
    )
    axes.plot(100 * curve["share_answered"], accuracy, "o-", color=colour(0), markersize=4)
    axes.set(xlabel="Patients with a prediction (%)", ylabel="Accuracy", ylim=(0, 1.02))
    return chart_figure(
        canvas,
        "abstention",
        f"Accuracy of {label} when it may abstain",
        "Left: only the patients furthest from 0.5 receive a prediction. If the curve does not "
        "rise to the left, the model's certainty says nothing about its accuracy. Band: 95 % "
        "binomial interval (Wilson), which does not include how the model would change with other "
        "training data.",
        f"Accuracy {accuracy[0]:.2f} with {curve['share_answered'].iloc[0]:.0%} of patients "
        f"answered, {accuracy[-1]:.2f} with all",
    )


@styled
def confusion_matrices(
    predictions: pd.DataFrame, models: Mapping[str, str], *, positive: str, negative: str
) -> Figure:
    """Draw who was called what, for up to four models side by side (threshold 0.5)."""
    shown = dict(list(models.items())[-4:])
    canvas, panels = new_chart(7.2, 2.7, panels=len(shown))
    words = []
    for axes, (name, label) in zip(panels, shown.items(), strict=True):
        one = predictions[predictions["model"] == name]
        called = one["predicted"].to_numpy() >= 0.5
        truth = one["true"].to_numpy() == 1
        counts = np.array(
            [
                [np.sum(truth & called), np.sum(truth & ~called)],
                [np.sum(~truth & called), np.sum(~truth & ~called)],
            ]
        )
        _draw_counts(axes, counts, (positive, negative))
        axes.set_title(fill(label, 20), fontsize=9)
        words.append(
            f"{label}: {counts[0, 0]} of {counts[0].sum()} {positive} and "
            f"{counts[1, 1]} of {counts[1].sum()} {negative} right"
        )
    panels[0].set_ylabel("truth")
    return chart_figure(
        canvas,
        "confusion",
        "Confusion matrices",
        "Patients by true class (rows) and predicted class at a threshold of 0.5 (columns), "
        "averaged over repeats; the diagonal is correct.",
        "Confusion matrices. " + "; ".join(words),
    )


@styled
def score_scatter(predictions: pd.DataFrame, label: str, *, target: str) -> Figure:
    """Draw predicted against true scores of one model."""
    truth, predicted = predictions["true"].to_numpy(float), predictions["predicted"].to_numpy(float)
    low, high = float(min(truth.min(), predicted.min())), float(max(truth.max(), predicted.max()))
    canvas, (axes,) = new_chart(4.8, 4.4)
    axes.plot([low, high], [low, high], color=INK["muted"], linewidth=0.8, linestyle=(0, (4, 4)))
    axes.scatter(truth, predicted, s=18, color=colour(0), alpha=0.6, linewidths=0)
    axes.set(xlabel=f"True {target}", ylabel=f"Predicted {target}", aspect="equal")
    return chart_figure(
        canvas,
        "scatter",
        f"Predictions of {label}",
        "One mark per patient; on the dashed line the prediction is exact. A cloud flatter than "
        "the line means that extreme scores are shrunk towards the mean.",
        f"Scatter of predicted against true {target} for {label}",
        [People(axes, predictions["participant_id"].tolist(), truth, predicted)],
    )


@styled
def ordered_matrix(predictions: pd.DataFrame, label: str, names: tuple[str, ...]) -> Figure:
    """Draw which ordered class people of each class were put into, by one model."""
    truth = predictions["true"].to_numpy(float).astype(int)
    called = np.floor(predictions["predicted"].to_numpy(float) + 0.5).astype(int)
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, (truth, called), 1)
    canvas, (axes,) = new_chart(2.4 + 0.8 * len(names), 1.6 + 0.7 * len(names))
    _draw_counts(axes, counts, tuple(fill(name, 10) for name in names))
    axes.set(xlabel="class nearest to the prediction", ylabel="true class")
    right = int(np.trace(counts))
    return chart_figure(
        canvas,
        "ordered-confusion",
        f"Confusion matrix of {label}",
        "Patients by true class (rows) and by the class nearest to the expected one (columns), "
        "averaged over repeats. The diagonal is correct; the farther from it, the larger the "
        "error. Counts concentrated in the middle columns mean that predictions are shrunk "
        "towards the mean.",
        f"{right} of {len(truth)} patients in the right of {len(names)} classes",
    )


def _draw_counts(axes: Axes, counts: NDArray[np.int64], names: tuple[str, ...]) -> None:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    number = len(names)
    for row in range(number):
        for column in range(number):
            shade = colour(0) if row == column else colour(1)
            axes.fill_between(
                [column - 0.5, column + 0.5],
                row - 0.5,
                row + 0.5,
                color=shade,
                alpha=0.08 + 0.5 * shares[row, column],
                linewidth=0,
            )
            axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", fontsize=12)
    axes.set(xlim=(-0.5, number - 0.5), ylim=(number - 0.5, -0.5), aspect="equal")
    axes.set_xticks(range(number), names)
    axes.set_yticks(range(number), names, rotation=90 if number == 2 else 0, va="center")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return the 95 % interval of a share of `n` people (Wilson 1927)."""
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(centre - half), float(centre + half)
