"""Tables and a figure in the form of Karakis et al. (2023), with the right numbers beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from motor_bids_app.reports.canvas import new_chart, styled
from motor_bids_app.reports.experiment.charts import METRICS, chart_figure, colour
from motor_bids_app.reports.experiment.marks import People
from motor_bids_app.reports.experiment.tables import models_table
from motor_bids_app.reports.pages import Figure, Table

LAYERS = {
    "flatten": "joined features (flatten)",
    "dense1": "first dense layer (FCL1)",
    "dense2": "second dense layer (FCL2)",
}
_CLASSES = {"poor": "Poor", "good": "Good", "overall": "Overall"}
_ORDER = ("roc_auc", "specificity", "accuracy", "precision", "recall", "f1")
_SHORT = ("accuracy", "specificity", "precision", "recall", "f1")
_SPREADS = {
    "mean": ("mean", "min", "max"),
    "maxima": ("mean_of_maxima", "maxima_min", "maxima_max"),
}


@dataclass(frozen=True, kw_only=True)
class PaperNumbers:
    """What the tables of the paper are made of.

    Parameters
    ----------
    printed : DataFrame
        Columns model, class, metric, mean, min, max, mean_of_maxima, maxima_min, maxima_max and
        n_test_sets, the network first.
    sets, best : DataFrame
        Columns model, repeat, fold, training, class, metric and value: of all trainings, and of
        the best one of each test set.
    metrics : DataFrame
        The right numbers: columns model, population, metric, value, low, high.
    models, beside : mapping of str to str
        Labels of the models, and of what is evaluated beside them, as [comparisons] asks.
    """

    printed: pd.DataFrame
    sets: pd.DataFrame
    best: pd.DataFrame
    metrics: pd.DataFrame
    models: Mapping[str, str]
    beside: Mapping[str, str] = field(default_factory=dict)

    @property
    def groups(self) -> tuple[str, list[str], list[str], list[str]]:
        """The network; classifiers on its layers; networks of single maps; those in masks."""
        names = list(dict.fromkeys(self.printed["model"]))
        beside = [name for name in names[1:] if name in self.beside]
        layered = [name for name in beside if name.rpartition("-")[2] in LAYERS]
        single = [name for name in beside if self.beside[name].endswith(" alone")]
        masked = [name for name in beside if name not in layered and name not in single]
        return names[0], layered, single, masked


def paper_tables(numbers: PaperNumbers) -> list[Table]:
    """All tables of the paper that the run has numbers for."""
    table = numbers.printed
    network, layered, single, masked = numbers.groups
    label = numbers.models.get(network, network)
    tables = [class_table(table, network, f"{label}, all maps")]
    if single:
        tables.append(variant_table(numbers, [network, *single], "maps"))
    tables += [class_table(table, name, numbers.beside[name]) for name in masked]
    if masked:
        tables.append(variant_table(numbers, [network, *masked], "masks"))
    tables += [
        layer_table(numbers, network, layer, [n for n in layered if n.endswith(f"-{layer}")])
        for layer in LAYERS
        if layered
    ]
    return [*tables, *_calibration(numbers)]


def _calibration(numbers: PaperNumbers) -> list[Table]:
    """Calibration of what is evaluated beside the models, where it has probabilities."""
    metrics = numbers.metrics[numbers.metrics["model"].isin(list(numbers.beside))]
    if "calibration_slope" not in set(metrics["metric"]):
        return []
    return [models_table(metrics, numbers.beside, "calibration", "patients")]


def class_table(table: pd.DataFrame, model: str, label: str) -> Table:
    """Metrics of one model by class and overall: overall mean, then mean of maxima."""
    one = table[table["model"] == model].set_index(["metric", "class"])
    metrics = [name for name in _ORDER if name in one.index.get_level_values(0)]
    titles = {"mean": "Overall mean", "maxima": "Mean of maxima"}
    rows = [
        (
            f"{titles[kind]}: {METRICS[metric]}",
            *(_spread(one.loc[(metric, name)], kind) for name in _CLASSES),
        )
        for kind in _SPREADS
        for metric in metrics
    ]
    return Table(
        caption=f"{label}: each class taken as positive, and the mean of both; as in the paper, "
        f"healthy controls count as good. Mean [minimum to maximum] over {_test_sets(one)}, of "
        "the mean over trainings, then of the best one.",
        columns=("Metric", *_CLASSES.values()),
        rows=tuple(rows),
        numeric=frozenset({1, 2, 3}),
    )


def _test_sets(table: pd.DataFrame) -> str:
    count = int(table["n_test_sets"].iloc[0])
    return f"{count} test sets" if count > 1 else "one test set"


def variant_table(numbers: PaperNumbers, models: Sequence[str], what: str) -> Table:
    """One row per network, of single maps or in other masks, the right numbers at the end."""
    names = {**numbers.models, **numbers.beside}
    rows = [
        (
            "All maps, as in the experiment" if model == models[0] else names[model],
            *_right_cells(numbers.metrics, model),
            *_paper_cells(numbers, model, "overall", _SHORT),
        )
        for model in models
    ]
    kind = "on each map alone" if what == "maps" else "in other masks"
    return Table(
        caption=f"Networks {kind}, the same splits and trainings: mean of both classes [minimum "
        "to maximum over test sets]; as in the paper, controls count as good. The first two "
        "columns are the correct AUC, in patients, and the AUC in everyone. The best of several "
        "rows is best partly by chance.",
        columns=(
            "Network",
            *_RIGHT,
            *(METRICS[name] for name in _SHORT),
            "Accuracy, mean of maxima",
        ),
        rows=tuple(rows),
        numeric=frozenset(range(1, 9)),
    )


def layer_table(numbers: PaperNumbers, network: str, layer: str, models: Sequence[str]) -> Table:
    """One row per classifier on one layer, and the network itself to compare."""
    metrics = ("roc_auc", "accuracy", "specificity", "f1")
    rows = [
        (
            "The network itself" if model == network else _classifier(numbers.beside[model]),
            *_right_cells(numbers.metrics, model),
            *_paper_cells(numbers, model, "poor", metrics),
        )
        for model in (*models, network)
    ]
    return Table(
        caption=f"Classical classifiers on the {LAYERS[layer]}, fitted to the training people of "
        "the network, which was not retrained; poor is the positive class, and controls count as "
        "good. The first two columns are the correct AUC, in patients, and the AUC in everyone. "
        "The best of several classifiers is best partly by chance.",
        columns=(
            "Classifier",
            *_RIGHT,
            *(METRICS[name] for name in metrics),
            "Accuracy, mean of maxima",
        ),
        rows=tuple(rows),
        numeric=frozenset(range(1, 8)),
    )


_RIGHT = ("Right: AUC in patients (95 % interval)", "AUC with controls, as in the paper")


def _classifier(label: str) -> str:
    return label.split(" on ")[0]


def _paper_cells(
    numbers: PaperNumbers, model: str, positive: str, metrics: Sequence[str]
) -> list[str]:
    table = numbers.printed
    one = table[(table["model"] == model) & (table["class"] == positive)].set_index("metric")
    cells = [_spread(one.loc[name], "mean") if name in one.index else "n/a" for name in metrics]
    best = _spread(one.loc["accuracy"], "maxima") if "accuracy" in one.index else "n/a"
    return [*cells, best]


def _right_cells(metrics: pd.DataFrame, model: str) -> list[str]:
    """AUC with its interval, in patients and in all people."""
    cells = []
    for population in ("patients", "all"):
        rows = metrics[
            (metrics["model"] == model)
            & (metrics["metric"] == "roc_auc")
            & (metrics["population"] == population)
        ]
        row = None if rows.empty else rows.iloc[0]
        cells.append(
            "n/a"
            if row is None or pd.isna(row["value"])
            else f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        )
    return cells


def _spread(row: Any, kind: str) -> str:
    mean, low, high = (float(row[name]) for name in _SPREADS[kind])
    return f"{mean:.3f} [{low:.3f} {high:.3f}]"


PAPER_TEXT = Markup(
    "In the form of Karakis et al. (2023): mean [minimum to maximum over test sets], over test "
    "sets and trainings, and the mean of maxima, which takes the best training of each test set. "
    "<strong>That choice requires knowing the outcomes, so the mean of maxima is optimistic"
    "</strong>, and healthy controls count as good outcomes. The correct numbers are given beside "
    "it: trainings averaged, in patients, with 95 % intervals. The published AUC equals the "
    "published accuracy in every line, so it must have been computed from predicted classes; ours "
    "is computed from probabilities."
)


@styled
def embedding_figure(embedding: pd.DataFrame, predictions: pd.DataFrame) -> Figure:
    """Draw tested people as points, as each layer of one network sees them (t-SNE)."""
    truth: Mapping[str, float] = dict(
        zip(predictions["participant_id"], predictions["true"], strict=True)
    )
    layers = [layer for layer in LAYERS if layer in set(embedding["layer"])]
    canvas, panels = new_chart(7.2, 2.9, panels=len(layers))
    n_people = int(embedding["participant_id"].nunique())
    people: list[People] = []
    for axes, layer in zip(panels, layers, strict=True):
        one = embedding[embedding["layer"] == layer]
        poor = np.array([truth.get(person, 0) == 1 for person in one["participant_id"]])
        for members, marker, shade, word in (
            (poor, "o", colour(1), "truly poor"),
            (~poor, "D", colour(0), "truly good"),
        ):
            some = one[members]
            people.append(People(axes, some["participant_id"].tolist(), some["x"], some["y"]))
            axes.scatter(
                some["x"],
                some["y"],
                s=20,
                marker=marker,
                color=shade,
                alpha=0.75,
                linewidths=0,
                label=word,
            )
        axes.set_title(LAYERS[layer], fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
    panels[0].legend(loc="upper left", bbox_to_anchor=(0, -0.02), ncols=2, borderaxespad=0.2)
    return chart_figure(
        canvas,
        "layers-tsne",
        "People in the network's layers (t-SNE)",
        f"The {n_people} people of the first test set, not used to train this network; controls "
        "count as good outcomes. People whom a layer represents alike lie close together (t-SNE). "
        "Only neighbourhoods can be interpreted: axes, distances between groups and sizes of "
        "groups have no meaning, and another seed gives another picture. The figure is an "
        "illustration, not evidence; the tables show how well classes are separated.",
        f"t-SNE of {n_people} tested people in {len(layers)} layers of the network",
        people,
    )
