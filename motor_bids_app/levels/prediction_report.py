"""What the page of a prediction run says."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from motor_bids_app.evaluation.crossvalidation import primary_metric
from motor_bids_app.levels.bundles import SavedModel
from motor_bids_app.levels.experiment_report import LABELS
from motor_bids_app.reports.prediction import PredictionReport


def cv_performance(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Primary metric of the model in cross-validation, over all training people."""
    metric = primary_metric(metadata["task"])
    rows: list[dict[str, Any]] = metadata["performance"]
    return next(row for row in rows if row["metric"] == metric and row["population"] == "all")


def build_prediction_report(
    model: SavedModel,
    table: pd.DataFrame,
    skipped: pd.DataFrame,
    warnings: tuple[str, ...],
    version: str,
) -> PredictionReport:
    """Collect what the page shows; `table` and `skipped` are those of the TSV files."""
    metadata = model.metadata
    target, training, inputs = metadata["target"], metadata["training"], metadata["inputs"]
    classify = metadata["classes"] is not None
    renamed = {"probability": "predicted", "predicted_score": "predicted", "notes": "warning"}
    predictions = table.rename(columns={**renamed, "class": "predicted_class"})
    shown = [
        "participant_id",
        "session_id",
        "predicted",
        "predicted_class",
        "warning",
        "low",
        "high",
    ]
    provenance: dict[str, str | int | float] = {
        "experiment": metadata["experiment"],
        "model": LABELS.get(metadata["model"], metadata["model"]),
        "training people": training["n_people"],
        "patients": training["n_patients"],
        "controls": training["n_controls"],
        "space": inputs["space"],
        "maps": ", ".join(inputs["maps"]) or "none",
        "trained with motor_bids_app": metadata["software"]["version"],
        "bundle hash": model.digest,
    }
    for name, span in training["ranges"].items():
        provenance[f"{name} in training"] = f"{span['min']:.3g} to {span['max']:.3g}"
    return PredictionReport(
        model=metadata["experiment"],
        model_label=LABELS.get(metadata["model"], metadata["model"]),
        task=metadata["task"],
        target=target["text"],
        positive="poor" if classify else None,
        negative="good" if classify else None,
        unit="" if classify else target["unit"],
        predictions=predictions[[name for name in shown if name in predictions]],
        skipped=skipped[["participant_id", "reason"]],
        performance=pd.DataFrame(metadata["performance"])[
            ["metric", "population", "value", "low", "high"]
        ],
        noise_floor=cv_performance(metadata)["noise_floor"],
        provenance=provenance,
        warnings=warnings,
        versions={"motor_bids_app": version},
    )
