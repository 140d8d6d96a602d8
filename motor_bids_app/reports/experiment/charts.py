"""Charts of an evaluation, drawn as SVG from tidy tables (columns as in the TSV files).

Out-of-fold predictions are one number per person: the mean over repeats, each made by a model
that had not seen the person.
"""

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from motor_bids_app.reports.canvas import INK, SERIES, new_chart, styled, to_svg
from motor_bids_app.reports.experiment.marks import People
from motor_bids_app.reports.pages import Figure

METRICS = {  # name in tables -> name for people
    "roc_auc": "AUC",
    "balanced_accuracy": "Balanced accuracy",
    "balanced_accuracy_own": "Balanced accuracy, own threshold",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "accuracy": "Accuracy",
    "brier": "Brier score",
    "calibration_slope": "Calibration slope",
    "calibration_intercept": "Calibration intercept",
    "ece": "Calibration error",
    "quadratic_kappa": "Quadratic kappa",
    "r2": "R²",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "r": "Correlation",
}
LEGEND = 36  # letters of a line beside a square chart; longer ones push its labels off the sheet
_COLOURS = tuple(SERIES.values())
_DASHES = ("-", "--", "-.", ":")


@styled
def metric_forest(
    metrics: pd.DataFrame,
    models: Mapping[str, str],
    *,
    metric: str,
    chance: float,
    noise_floors: Mapping[str, float],
    ceiling: float | None = None,
    what: str = "model",
) -> Figure:
    """Draw one metric of every model with its interval, beside the band that chance allows it."""
    canvas, (axes,) = new_chart(7.2, 1.2 + 0.42 * len(models))
    _draw_chance(axes, chance, [noise_floors.get(name, np.nan) for name in models])
    populations = {
        name: words
        for name, words in {"patients": "patients", "all": "with controls (too optimistic)"}.items()
        if (metrics["population"] == name).any()
    }
    _draw_intervals(axes, metrics, list(models), metric, populations)
    if ceiling is not None:
        axes.axvline(ceiling, color=colour(2), linewidth=1.4, linestyle="--", label="ceiling")
    axes.set(
        xlabel=f"{METRICS.get(metric, metric)} (95 % interval)", ylim=(len(models) - 0.5, -0.5)
    )
    axes.set_yticks(range(len(models)), [fill(label, 28) for label in models.values()])
    axes.tick_params(axis="y", length=0)
    legend_once(axes)
    title = METRICS.get(metric, metric)
    return chart_figure(
        canvas,
        f"forest-{metric.replace('_', '-')}",
        f"{title} of every {what}",
        _forest_caption("all" in populations, bool(ceiling)),
        f"{title} per {what}: "
        + "; ".join(
            f"{label} {interval_text(metrics, name, metric)}" for name, label in models.items()
        ),
    )


def _draw_chance(axes: Axes, chance: float, noise_floors: Sequence[float]) -> None:
    """Draw what guessing gives, and the band that chance allows each model around it."""
    for row, floor in enumerate(noise_floors):
        rows = [row - 0.5, row + 0.5]
        axes.fill_betweenx(rows, chance - floor, chance + floor, color=INK["band"], zorder=0)
    axes.axvline(chance, color=INK["muted"], linewidth=0.8)


def _draw_intervals(
    axes: Axes,
    metrics: pd.DataFrame,
    models: Sequence[str],
    metric: str,
    populations: Mapping[str, str],
) -> None:
    """Draw a point with its interval for each model, one below the other, and population."""
    for row, name in enumerate(models):
        for number, (population, words) in enumerate(populations.items()):
            point = _row(metrics, name, metric, population)
            if point is None:
                continue
            height = row + 0.16 * (2 * number - len(populations) + 1)
            shade = colour(number)
            axes.plot([point["low"], point["high"]], [height] * 2, color=shade, linewidth=1.8)
            axes.plot(
                point["value"],
                height,
                marker="os"[number],
                color=shade,
                markersize=6,
                label=words,
            )


def _forest_caption(with_controls: bool, with_ceiling: bool) -> str:
    said = (
        "Points with 95 % intervals, in patients. Grey band: range of guessing with this number of "
        "patients; a point inside it is no evidence of better than chance."
    )
    if with_controls:
        said += (
            " Squares include healthy controls, who are easy to tell from patients; they do not "
            "answer the question."
        )
    if with_ceiling:
        said += " Dashed: the best any model could reach in these simulated data."
    return said


@styled
def probability_strips(
    predictions: pd.DataFrame, models: Mapping[str, str], *, positive: str, negative: str
) -> Figure:
    """Draw every person's out-of-fold probability, by true class, one strip per model."""
    canvas, (axes,) = new_chart(7.2, 0.9 + 0.62 * len(models))
    axes.axvline(0.5, color=INK["muted"], linewidth=0.8, linestyle=(0, (4, 4)))
    people: list[People] = []
    for row, name in enumerate(models):
        one = predictions[predictions["model"] == name]
        for truth, marker, word in ((1, "o", positive), (0, "D", negative)):
            some = one[one["true"] == truth].sort_values("predicted", kind="stable")
            values = some["predicted"].to_numpy(dtype=float)
            heights = row + (-0.2 if truth else 0.2) + jitter(len(values))
            people.append(People(axes, some["participant_id"].tolist(), values, heights))
            axes.scatter(
                values,
                heights,
                s=15 if truth else 11,
                marker=marker,
                color=colour(1 - truth),
                alpha=0.65,
                linewidths=0,
                label=f"truly {word}",
            )
    axes.set(xlabel=f"Predicted probability of {positive}", xlim=(-0.02, 1.02))
    axes.set(ylim=(len(models) - 0.45, -0.55))
    axes.set_yticks(range(len(models)), [fill(label, 28) for label in models.values()])
    axes.tick_params(axis="y", length=0)
    legend_once(axes)
    return chart_figure(
        canvas,
        "probabilities",
        "Predicted probability of each patient",
        f"One mark per patient and model. The further circles (truly {positive}) lie to the right "
        f"of diamonds (truly {negative}), the better; marks on the wrong side of 0.5 are errors.",
        f"Predicted probabilities of {positive} by true class for {len(models)} models",
        people,
    )


@styled
def split_spread(
    fold_metrics: pd.DataFrame, models: Mapping[str, str], *, metric: str, chance: float
) -> Figure:
    """Draw the metric of every test set, which shows how much one split can mislead."""
    canvas, (axes,) = new_chart(7.2, 1.0 + 0.42 * len(models))
    axes.axvline(chance, color=INK["muted"], linewidth=0.8)
    for row, name in enumerate(models):
        chosen = (fold_metrics["model"] == name) & (fold_metrics["metric"] == metric)
        values = np.sort(fold_metrics.loc[chosen, "value"].dropna().to_numpy(dtype=float))
        axes.scatter(
            values, row + jitter(len(values)), s=13, color=colour(0), alpha=0.45, linewidths=0
        )
        if len(values):
            axes.plot([values.mean()] * 2, [row - 0.3, row + 0.3], color=INK["ink"], linewidth=1.8)
    axes.set(
        xlabel=f"{METRICS.get(metric, metric)} in one test set", ylim=(len(models) - 0.5, -0.5)
    )
    axes.set_yticks(range(len(models)), [fill(label, 28) for label in models.values()])
    axes.tick_params(axis="y", length=0)
    return chart_figure(
        canvas,
        "splits",
        "Spread over test sets",
        "One mark per test set (patients only); the bar is the mean. Test sets share people, so "
        "this spread is not a confidence interval: it shows how misleading a single lucky split "
        "could have been.",
        f"{METRICS.get(metric, metric)} of every test set for {len(models)} models",
    )


def jitter(n: int) -> NDArray[np.float64]:
    """Return small offsets, the same every time, that keep neighbours apart."""
    return np.asarray(((np.arange(n) * 0.618034) % 1 - 0.5) * 0.26, dtype=np.float64)


def _row(
    metrics: pd.DataFrame, model: str, metric: str, population: str = "patients"
) -> "pd.Series[float] | None":
    chosen = metrics[
        (metrics["model"] == model)
        & (metrics["metric"] == metric)
        & (metrics["population"] == population)
    ]
    return None if chosen.empty else chosen.iloc[0]


def interval_text(metrics: pd.DataFrame, model: str, metric: str) -> str:
    """Value of a metric with its 95 % interval, in words."""
    row = _row(metrics, model, metric)
    if row is None:
        return "n/a"
    value, low, high = (f"{row[name]:.2f}" for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def legend_once(axes: Axes) -> None:
    """Explain each kind of mark once, above the axes."""
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    if len(unique) > 1:
        axes.legend(
            unique.values(),
            unique.keys(),
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=3,
            borderaxespad=0.2,
        )


def colour(number: int) -> str:
    """Colour of a series; they start again after the last."""
    return _COLOURS[number % len(_COLOURS)]


def dash(number: int) -> str:
    """Line style of a series."""
    return _DASHES[number // 4 % len(_DASHES)]  # the blues and oranges differ in dashes too


def chart_figure(
    canvas: Canvas,
    name: str,
    title: str,
    caption: str,
    alt: str,
    people: Sequence[People] = (),
) -> Figure:
    """Return a chart with its words; `alt` without a full stop."""
    data = to_svg(canvas, name)  # lays the chart out: places of people are known afterwards
    return Figure(
        name=name,
        title=title,
        caption=caption,
        alt=f"{alt}.",
        data=data,
        media_type="image/svg+xml",
        marks=tuple(mark for some in people for mark in some.marks()),
    )
