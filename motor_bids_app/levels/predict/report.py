"""What the page of a prediction run says."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from motor_bids_app.evaluation.crossvalidation import primary_metric
from motor_bids_app.evaluation.domain import Domain
from motor_bids_app.features.recordings import SIGNALS
from motor_bids_app.features.series import WINDOWS
from motor_bids_app.features.slices import SLICES
from motor_bids_app.levels.bundles import SavedModel
from motor_bids_app.levels.cohort.scoring import PATIENTS
from motor_bids_app.levels.cohort.signal_windows import SignalPlan
from motor_bids_app.levels.predict.safety import kind_of_limits
from motor_bids_app.models.catalog import needs
from motor_bids_app.privacy import shown
from motor_bids_app.reports.models import LABELS
from motor_bids_app.reports.prediction import PredictionReport

_UNITS = {"age": "years", "time_since_stroke": "months"}


def cv_performance(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Primary metric of the model in cross-validation, in the patients of its training."""
    metric = primary_metric(metadata["task"])
    rows: list[dict[str, Any]] = metadata["performance"]
    return next(row for row in rows if row["metric"] == metric and row["population"] == PATIENTS)


def _warning(row: "pd.Series[Any]") -> str | None:
    """What to look at for one person: notes, and why the answer is not to be taken as it is."""
    sentences = [] if pd.isna(row["notes"]) else [str(row["notes"])]
    if not pd.isna(row["outside"]):
        sentences.append(f"unlike the training people: {row['outside']}")
    if row["in_training"] == "yes":
        sentences.append(
            "the model was trained on this scan, so that the prediction is too good: take the one "
            "in predictions.tsv of the experiment"
        )
    return "; ".join(sentences) or None


def _read(metadata: Mapping[str, Any]) -> dict[str, str]:
    """What the model reads beside the tables."""
    inputs, instances = metadata["inputs"], needs(metadata["model"]).instances
    found = {"maps": ", ".join(inputs["maps"])} if inputs["maps"] else {}
    if WINDOWS in instances:
        found["bold"] = "connectivity of M1 in sliding windows"
    if SLICES in instances:
        found["bold"] = "axial slices of the mean series"
    if SIGNALS in inputs:
        plan = SignalPlan.from_json(inputs[SIGNALS])
        counts = [sum(name.startswith(kind) for name in plan.channels) for kind in plan.kinds]
        channels = " and ".join(
            f"{count} of {kind.upper()}" for count, kind in zip(counts, plan.kinds, strict=True)
        )
        found["EEG and EMG"] = (
            f"channels: {channels}; windows of {plan.n_samples / plan.rate:g} s at {plan.rate:g} Hz"
        )
    return found or {"maps": "none"}


_SHOWN = (
    "participant_id",
    "session_id",
    "predicted",
    "predicted_class",
    "conformal_set",
    "answer",
    "in_training",
    "warning",
    "low",
    "high",
)


def build_prediction_report(
    model: SavedModel,
    table: pd.DataFrame,
    skipped: pd.DataFrame,
    warnings: tuple[str, ...],
    version: str,
) -> PredictionReport:
    """Collect what the page shows; `table` and `skipped` are those of the TSV files."""
    metadata = model.metadata
    target = metadata["target"]
    classify = metadata["classes"] is not None
    renamed = {"probability": "predicted", "predicted_score": "predicted"}
    predictions = table.rename(columns={**renamed, "class": "predicted_class"})
    predictions["warning"] = [_warning(row) for _, row in table.iterrows()]
    return PredictionReport(
        model=metadata["experiment"],
        model_label=LABELS.get(metadata["model"], metadata["model"]),
        task=metadata["task"],
        target=target["text"],
        positive="poor" if classify else None,
        negative="good" if classify else None,
        unit="" if classify else target["unit"],
        predictions=predictions[[name for name in _SHOWN if name in predictions]],
        skipped=skipped[["participant_id", "reason"]],
        performance=pd.DataFrame(metadata["performance"])[
            ["metric", "population", "value", "low", "high"]
        ],
        noise_floor=cv_performance(metadata)["noise_floor"],
        provenance=provenance(model),
        warnings=warnings,
        versions={"motor_bids_app": version},
    )


def provenance(model: SavedModel) -> dict[str, str | int | float]:
    """Where the model is from, and whom it knows."""
    metadata = model.metadata
    training, inputs = metadata["training"], metadata["inputs"]
    facts: dict[str, str | int | float] = {
        **({"use": metadata["notice"]} if "notice" in metadata else {}),
        "experiment": metadata["experiment"],
        "model": LABELS.get(metadata["model"], metadata["model"]),
        "training people": training["n_people"],
        "patients": training["n_patients"],
        "controls": training["n_controls"],
        "space": inputs["space"],
        **_read(metadata),
        "limits": kind_of_limits(metadata),
        "trained with motor_bids_app": metadata["software"]["version"],
        "bundle hash": model.digest,
    }
    domain = Domain.from_json(training["domain"])
    for kind, spreads in domain.spreads.items():
        for name, spread in spreads.items():
            if kind == name:  # facts about people; there are many features and maps
                low, high = spread.limits()
                title = f"{name.replace('_', ' ')}, 99 of 100 like those of training"
                span = f"{shown(name, low)} to {shown(name, high)}"
                facts[title] = f"{span} {_UNITS.get(name, '')}".strip()
    return facts
