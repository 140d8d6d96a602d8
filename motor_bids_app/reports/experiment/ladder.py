"""The leakage ladder: how much better flawed protocols make the same model look.

Tables have the columns protocol, state ("right", "optimistic", "published" or "not applicable"),
metric, value, low, high, difference, n_counted and reason.
"""

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from motor_bids_app.reports.canvas import INK, new_chart, styled
from motor_bids_app.reports.experiment.charts import METRICS, chart_figure, colour
from motor_bids_app.reports.pages import Figure, Table

PROTOCOLS = {
    "right": "By person, in patients (correct)",
    "controls-included": "Healthy controls counted",
    "control-time-zero": "Healthy controls counted, with time since stroke 0",
    "scan-folds": "Scans of one person in training and test",
    "window-folds": "Windows of one scan in training and test",
    "augmented-before-split": "Classes balanced by oversampling before the split",
    "selection-before-split": "Features selected before the split",
    "best-of-trainings": "Best of several trainings per test set",
    "choice-on-test": "Ensemble chosen by its test result",
    "test-set-stopping": "Early stopping on the test set",
    "one-model-scores-all-folds": "One model scores all folds",
    "all-of-these": "All flaws combined",
    "published": "Published figure",
}
REASONS = {
    "window-folds": "Windows of one scan in training and test: consecutive windows share most of "
    "their volumes, and all windows of a person look alike. A model tested on windows of people "
    "it was trained on need only recognise the person to know the class; such a result says "
    "nothing about new people. By person: all windows of a person are in one test set, and the "
    "person's score is their mean.",
}
LADDER_TEXT = Markup(
    "The same model on the same data, evaluated correctly, in patients, and with flaws found in "
    "published studies. <strong>Only the first line is valid; all others are optimistic</strong> "
    "and are shown to put published figures into perspective."
)
_CHANCE = {"roc_auc": 0.5, "balanced_accuracy": 0.5, "r2": 0.0, "r": 0.0}
_MOST_PANELS = 3


def ladder_table(ladder: pd.DataFrame, label: str) -> Table:
    """One row per protocol, one column per metric."""
    metrics = list(dict.fromkeys(ladder["metric"].dropna()))
    rows = []
    for protocol, part in ladder.groupby("protocol", sort=False):
        one = part.dropna(subset="metric").set_index("metric")
        state = part["state"].iloc[0]
        cells = [_cell(one.loc[name]) if name in one.index else "n/a" for name in metrics]
        counted = one["n_counted"].dropna()
        verdict = part["reason"].iloc[0] if state == "not applicable" else state
        if state == "not applicable":
            verdict = f"cannot be made here: {verdict[0].lower()}{verdict[1:].rstrip('.')}"
        rows.append(
            (
                PROTOCOLS.get(str(protocol), str(protocol)),
                *cells,
                str(counted.iloc[0]) if len(counted) else "n/a",
                verdict,
            )
        )
    return Table(
        caption=f"{label}: every protocol with the interval that its authors would report, and "
        "the difference from the correct one. Controls count only where the line says so. "
        "Counted: people, or the scans, windows or copies that the protocol treats as people.",
        columns=("Protocol", *(METRICS.get(name, name) for name in metrics), "Counted", "Verdict"),
        rows=tuple(rows),
        numeric=frozenset(range(1, len(metrics) + 2)),
    )


def ladder_reasons(ladder: pd.DataFrame) -> tuple[str, ...]:
    """Why protocols that were carried out flatter, where it takes more than their name."""
    made = set(ladder.loc[ladder["state"] == "optimistic", "protocol"])
    return tuple(words for name, words in REASONS.items() if name in made)


def _cell(row: "pd.Series[Any]") -> str:
    if pd.isna(row["value"]):
        return "n/a"
    if row["state"] == "published":
        return f"{row['value']:.3g}"
    text = f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
    return text if row["state"] == "right" else f"{text}, {row['difference']:+.2f}"


@styled
def _draw(ladder: pd.DataFrame, label: str) -> Figure:
    shown = ladder[ladder["state"].isin(["right", "optimistic"]) & ladder["value"].notna()]
    published = ladder[ladder["state"] == "published"].set_index("metric")["value"]
    metrics = list(dict.fromkeys(shown["metric"]))[:_MOST_PANELS]
    protocols = list(dict.fromkeys(shown["protocol"]))
    canvas, panels = new_chart(7.6, 1.3 + 0.42 * len(protocols), panels=len(metrics))
    marks: dict[str, Line2D] = {}
    names = [fill(PROTOCOLS.get(name, name), 28) for name in protocols]
    for number, (axes, metric) in enumerate(zip(panels, metrics, strict=True)):
        one = shown[shown["metric"] == metric].set_index("protocol")
        marks |= _draw_protocols(axes, one, protocols, metric)
        if metric in published:
            _draw_published(axes, float(published[metric]), len(protocols))
        axes.set(xlabel=METRICS.get(metric, metric), ylim=(len(protocols) - 0.5, -0.5))
        axes.set_yticks(range(len(protocols)), names if number == 0 else [""] * len(names))
        axes.tick_params(axis="y", length=0)
    canvas.legend(marks.values(), marks.keys(), loc="outside lower center", ncols=2)
    said = "; ".join(
        f"{PROTOCOLS.get(row['protocol'], row['protocol'])} "
        f"{METRICS.get(row['metric'], row['metric'])} {row['value']:.2f}"
        for _, row in shown.iterrows()
    )
    return chart_figure(
        canvas,
        "leakage-ladder",
        f"The leakage ladder of {label}",
        "Blue circle: evaluated by person, the performance to expect in new people like these "
        "(dashed line). Orange squares: the same model on the same data under flawed protocols, "
        "which are optimistic; the further to the right, the larger the bias (in small samples, "
        "chance may hide it). Horizontal lines: 95 % intervals, which do not account for the "
        "flaw. Grey line: chance. Dotted line: the published figure, if given.",
        f"Correct and optimistic protocols: {said}",
    )


def _draw_protocols(
    axes: Axes, one: pd.DataFrame, protocols: Sequence[str], metric: str
) -> dict[str, Line2D]:
    """Draw one metric under every protocol; return a mark of each kind."""
    marks = {}
    axes.axvline(one["value"]["right"], color=colour(0), linewidth=0.9, linestyle=(0, (4, 4)))
    if metric in _CHANCE:
        axes.axvline(_CHANCE[metric], color=INK["muted"], linewidth=0.8)
    for height, name in enumerate(protocols):
        if name not in one.index:
            continue
        shade, marker = (colour(0), "o") if name == "right" else (colour(1), "s")
        row = one.loc[name]
        axes.plot([row["low"], row["high"]], [height] * 2, color=shade, linewidth=1.8)
        (mark,) = axes.plot(
            row["value"], height, marker=marker, color=shade, markersize=6, linestyle=""
        )
        marks["right" if name == "right" else "optimistic"] = mark
    return marks


def _draw_published(axes: Axes, value: float, n_protocols: int) -> None:
    """Draw the figure of a paper across all protocols."""
    axes.plot(
        [value] * 2, [-0.5, n_protocols - 0.5], color=INK["ink"], linewidth=1.4, linestyle=":"
    )
    axes.annotate(
        f"published {value:g}",
        (value, -0.5),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        fontsize=8,
    )


def ladder_chart(ladder: pd.DataFrame, label: str) -> Figure | None:
    """Draw each metric under the right protocol and each flawed one, with published figures.

    None where the right protocol could not be carried out.
    """
    if not (ladder["state"] == "right").any():
        return None
    return _draw(ladder, label)
