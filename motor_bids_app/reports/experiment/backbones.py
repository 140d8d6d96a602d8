"""One row per network, in the form of tables 1 to 3 of Shi et al. (2025)."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from motor_bids_app.reports.experiment.charts import METRICS
from motor_bids_app.reports.pages import Table

BACKBONES_TEXT = (
    "In the form of Shi et al. (2025): recall, precision and F1 are means of both classes, as they "
    "must be in its tables (its ResNet50 has a recall of 0.5 and a precision of half its accuracy, "
    "which results from giving everyone the same class). The published accuracies are for the "
    "people used for early stopping, and the best of five networks was chosen afterwards; here the "
    "people tested were used for no choice. The best of several rows is best partly by chance."
)
_PRINTED = ("accuracy", "recall", "f1", "precision")
_NAMES = {
    "fbnet": "FBNet",
    "ghostnet": "GhostNet",
    "regnet": "RegNet",
    "shufflenet": "ShuffleNet",
    "resnet50": "ResNet50",
}
# Accuracies of the paper: of slices alone and fused, by network; of EEG and EMG.
_PUBLISHED = {
    "fbnet": (0.7138, 0.8),
    "ghostnet": (0.6338, 0.7754),
    "regnet": (0.6123, 0.76),
    "shufflenet": (0.7169, 0.8031),
    "resnet50": (0.5815, 0.6615),
}
_PUBLISHED_SIGNALS = 0.68


def backbone_table(printed: pd.DataFrame, metrics: pd.DataFrame) -> Table:
    """Show slices alone, EEG and EMG alone, then the fusion.

    Parameters
    ----------
    printed : DataFrame
        Columns model, backbone, metric, mean, min, max and n_test_sets.
    metrics : DataFrame
        The right numbers: columns model, population, metric, value, low, high.
    """
    found = {(row["model"], row["metric"]): row for row in printed.to_dict("records")}
    models = printed.drop_duplicates("model")[["model", "backbone"]].to_dict("records")
    order = {"slices": 0, "signals": 1, "shi2025": 2}
    place = list(_NAMES)
    models.sort(key=lambda row: (order[row["model"].split("-")[0]], _place(place, row)))
    rows = []
    for row in models:
        kind = row["model"].split("-")[0]
        rows.append(
            (
                _label(kind, row["backbone"]),
                _right(metrics, row["model"]),
                *(_spread(found.get((row["model"], name))) for name in _PRINTED),
                f"{_published(kind, row['backbone']):.3f}",
            )
        )
    return Table(
        caption="Networks of slices alone, the LSTM on EEG and EMG alone, and both fused, on the "
        f"same splits: mean [minimum to maximum] over {int(printed['n_test_sets'].max())} test "
        "sets with both classes. The AUC in patients is the correct result.",
        columns=(
            "Network",
            "Right: AUC in patients (95 % interval)",
            *(METRICS[name] for name in _PRINTED),
            "Accuracy as published",
        ),
        rows=tuple(rows),
        numeric=frozenset(range(1, 7)),
    )


def _place(order: list[str], row: Mapping[Hashable, Any]) -> int:
    return order.index(row["backbone"]) if row["backbone"] in order else 0


def _label(kind: str, backbone: str) -> str:
    if kind == "signals":
        return "LSTM on EEG and EMG"
    return f"{_NAMES[backbone]} on slices" if kind == "slices" else f"{_NAMES[backbone]} + LSTM"


def _published(kind: str, backbone: str) -> float:
    return _PUBLISHED_SIGNALS if kind == "signals" else _PUBLISHED[backbone][kind == "shi2025"]


def _spread(row: Mapping[Hashable, Any] | None) -> str:
    return "n/a" if row is None else f"{row['mean']:.3f} [{row['min']:.3f} {row['max']:.3f}]"


def _right(metrics: pd.DataFrame, model: str) -> str:
    rows = metrics[
        (metrics["model"] == model)
        & (metrics["metric"] == "roc_auc")
        & (metrics["population"] == "patients")
    ]
    if rows.empty or pd.isna(rows.iloc[0]["value"]):
        return "n/a"
    row = rows.iloc[0]
    return f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
