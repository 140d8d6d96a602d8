"""How the losses of networks fell in training."""

from collections.abc import Mapping
from textwrap import fill
from typing import Any

import pandas as pd

from motor_bids_app.reports.canvas import INK, new_chart, styled
from motor_bids_app.reports.experiment.charts import chart_figure, colour
from motor_bids_app.reports.pages import Figure, Table

_PANELS = 6  # networks drawn at most: that of all six maps, or one per map
_COLUMNS = 3
_LINES = 30  # trainings drawn of each network at most, those of the first test sets
_KINDS = {"loss": ("training people", 0), "validation_loss": ("held out for early stopping", 1)}


@styled
def loss_chart(losses: pd.DataFrame, models: Mapping[str, str]) -> Figure:
    """Draw the losses of each network by epoch: every training, and their mean.

    Parameters
    ----------
    losses : DataFrame
        Columns model, network, repeat, fold, training, run, epoch, loss, validation_loss.
    models : mapping of str to str
        Labels by name.
    """
    groups = list(losses.groupby(["model", "network"], sort=False))[:_PANELS]
    columns = min(len(groups), _COLUMNS)
    rows = -(-len(groups) // columns)
    canvas, panels = new_chart(7.2, 0.7 + 2.2 * rows, panels=1)
    panels[0].remove()
    for place, ((model, network), part) in enumerate(groups, start=1):
        axes = canvas.add_subplot(rows, columns, place)
        for kind, (words, shade) in _KINDS.items():
            runs = part.dropna(subset=[kind]).groupby("run", sort=False)
            for _, run in list(runs)[:_LINES]:
                axes.plot(run["epoch"], run[kind], color=colour(shade), alpha=0.3, linewidth=0.7)
            mean = part.groupby("epoch")[kind].mean().dropna()
            if len(mean):
                dot = "o" if len(mean) == 1 else "none"  # a line of one point cannot be seen
                look: dict[str, Any] = {"color": colour(shade), "linewidth": 2, "marker": dot}
                axes.plot(mean.index, mean, label=words, **look)
        axes.set_title(_title(str(model), str(network), models), fontsize=9, color=INK["ink"])
        axes.set(xlabel="epoch", ylabel="loss" if place % columns == 1 or columns == 1 else "")
        if place == 1:
            canvas.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    left_out = losses.groupby(["model", "network"]).ngroups - len(groups)
    more = f" {left_out} more networks are only in the table." if left_out else ""
    return chart_figure(
        canvas,
        "losses",
        "Training losses",
        "Thin lines are single trainings in the cross-validation; thick lines are the mean over "
        "those still running. A loss that falls in the training people but not in those held out "
        "shows overfitting; a loss that is still falling at the end, or has not fallen, shows "
        f"training that stopped too early or learned too slowly.{more}",
        f"Losses by epoch of {len(groups)} networks",
    )


def loss_table(losses: pd.DataFrame, models: Mapping[str, str]) -> Table:
    """One row per network: trainings, epochs, and the losses that were reached."""
    rows = []
    for (model, network), part in losses.groupby(["model", "network"], sort=False):
        runs = part.groupby("run", sort=False)
        first, last = runs["loss"].first(), runs["loss"].last()
        least = runs["validation_loss"].min().dropna()
        held = part.dropna(subset=["validation_loss"])
        best = held.loc[held.groupby("run")["validation_loss"].idxmin(), "epoch"]
        rows.append(
            (
                models.get(str(model), str(model)),
                _words(network),
                str(len(first)),
                f"{runs.size().mean():.0f}",
                f"{first.mean():.3f}",
                f"{last.mean():.3f}",
                f"{least.mean():.3f}" if len(least) else "none held out",
                f"{best.mean():.0f}" if len(least) else "",
            )
        )
    return Table(
        caption="Training losses, averaged over trainings. Where people were held out, the "
        "weights of the epoch with the lowest held-out loss were kept. With two classes of equal "
        "weight, a loss of log 2 = 0.693 corresponds to predicting 0.5 for everyone.",
        columns=(
            "Model",
            "Network of",
            "Trainings",
            "Epochs",
            "First epoch",
            "Last epoch",
            "Lowest, held out",
            "Its epoch",
        ),
        rows=tuple(rows),
        numeric=frozenset(range(2, 8)),
    )


def _title(model: str, network: str, models: Mapping[str, str]) -> str:
    if network in ("all maps", model):
        return fill(models.get(model, model), 34)
    return f"{model}: {_words(network)}"


def _words(network: object) -> str:
    words = {"signals": "EEG and EMG", "slices": "slices of the bold", "all maps": "all maps"}
    return words.get(str(network), str(network).upper())
