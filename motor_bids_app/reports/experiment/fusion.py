"""How much each modality counts in a late fusion, by fold."""

from dataclasses import dataclass

import pandas as pd

from motor_bids_app.reports.canvas import INK, new_chart, styled
from motor_bids_app.reports.experiment.charts import chart_figure, colour
from motor_bids_app.reports.pages import Figure, Table

MODALITIES = {"signals": "EEG and EMG", "slices": "slices of the bold"}


@dataclass(frozen=True, kw_only=True)
class FusionSection:
    """The part of the experiment's page on a late fusion."""

    figure: Figure
    table: Table


@styled
def weight_chart(weights: pd.DataFrame) -> Figure:
    """Draw the weight of EEG and EMG in every fitted model.

    Parameters
    ----------
    weights : DataFrame
        Columns repeat, fold, training, modality, weight, n_people.
    """
    shown = weights[weights["modality"] == "signals"]
    repeats = sorted(shown["repeat"].unique())
    canvas, (axes,) = new_chart(7.2, 1.4 + 0.28 * min(len(repeats), 10))
    axes.axvline(0.5, color=INK["muted"], linewidth=0.8)
    for row, repeat in enumerate(repeats):
        values = shown.loc[shown["repeat"] == repeat, "weight"].to_numpy(dtype=float)
        heights = [row + 0.1 * (k % 5 - 2) for k in range(len(values))]
        axes.scatter(values, heights, s=16, color=colour(0), alpha=0.6, linewidths=0)
    mean = float(shown["weight"].mean())
    axes.axvline(mean, color=INK["ink"], linewidth=1.8)
    axes.set(
        xlabel=f"weight of {MODALITIES['signals']} (the rest goes to {MODALITIES['slices']})",
        xlim=(-0.03, 1.03),
        ylim=(len(repeats) - 0.5, -0.5),
    )
    axes.set_yticks(range(len(repeats)), [f"repeat {repeat}" for repeat in repeats])
    axes.tick_params(axis="y", length=0)
    return chart_figure(
        canvas,
        "fusion-weights",
        "What the fusion relies on",
        "One mark per test set: the weight of EEG and EMG, estimated within its training people "
        "on people the inner networks were not trained on. At 1 only EEG and EMG count, at 0 only "
        f"the slices; the thick line is the mean, {mean:.2f}. Weights stay at one half (thin "
        "line) unless the data indicate otherwise; a wide scatter means that there are too few "
        "people to tell.",
        f"Weight of EEG and EMG in {len(shown)} fitted models, with a mean of {mean:.2f}",
    )


def weight_table(weights: pd.DataFrame) -> Table:
    """Show the weights of each fold."""
    wide = weights.pivot_table(
        index=["repeat", "fold", "training", "n_people"], columns="modality", values="weight"
    ).reset_index()
    if (wide["training"] == 1).all():
        wide = wide.drop(columns="training")
    names = {
        "repeat": "Repeat",
        "fold": "Test set",
        "training": "Training",
        "signals": "EEG and EMG",
        "slices": "Slices of the bold",
        "n_people": "People used",
    }
    return Table.of(
        wide,
        "Weights of the late fusion in each fold, estimated on people with both modalities; "
        "people with one are predicted from it alone.",
        {name: title for name, title in names.items() if name in wide},
    )
