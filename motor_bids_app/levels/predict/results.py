"""What the predict level writes: a table with its dictionary, who was left out, and the page."""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from motor_bids_app import __version__
from motor_bids_app.bids.files import write_table, write_text
from motor_bids_app.bids.paths import own_folder
from motor_bids_app.levels.bundles import SavedModel
from motor_bids_app.levels.predict.drivers import CONTRIBUTIONS
from motor_bids_app.levels.predict.prediction import Prediction
from motor_bids_app.levels.predict.report import build_prediction_report, cv_performance
from motor_bids_app.levels.predict.safety import kind_of_limits
from motor_bids_app.models.opened.contributions import Term
from motor_bids_app.privacy import OLDEST
from motor_bids_app.reports.prediction.page import render_prediction
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)


def write_predictions(
    settings: Settings,
    model: SavedModel,
    predictions: list[Prediction],
    skipped: list[tuple[str, str | None, str]],
    warnings: tuple[str, ...],
) -> None:
    """Write predictions.tsv, contributions.tsv, skipped.tsv and report.html."""
    metadata = model.metadata
    folder = own_folder(settings.output_dir, "predictions", metadata["experiment"])
    table = predictions_table(model, predictions)
    described = predictions_dictionary(metadata)
    write_table(
        folder / "predictions.tsv", table, {str(name): described[str(name)] for name in table}
    )
    left = pd.DataFrame(skipped, columns=["participant_id", "session_id", "reason"])
    columns = {name: {"Description": text} for name, text in _SKIPPED.items()}
    write_table(folder / "skipped.tsv", left, columns)
    contributions = contributions_table(predictions)
    if not contributions.empty:
        write_table(folder / "contributions.tsv", contributions, CONTRIBUTIONS)
    report = build_prediction_report(model, predictions, left, warnings, __version__)
    write_text(folder / "report.html", render_prediction(report))
    log.info("saved %s", folder / "report.html")


def predictions_table(model: SavedModel, predictions: Sequence[Prediction]) -> pd.DataFrame:
    """One row per scan: columns as in the data dictionary."""
    metadata, performance = model.metadata, cv_performance(model.metadata)
    classify = metadata["classes"] is not None
    columns: dict[str, list[Any]] = {
        "participant_id": [p.participant for p in predictions],
        "session_id": [p.session for p in predictions],
        "probability" if classify else "predicted_score": [p.value for p in predictions],
    }
    if classify:
        columns["class"] = [p.called for p in predictions]
        columns["conformal_set"] = [
            None if p.classes is None else " or ".join(p.classes) or "none" for p in predictions
        ]
    else:
        ordered = metadata["target"].get("ordered_classes")
        if ordered:
            columns["class"] = [p.nearest(ordered) for p in predictions]
        for side, name in enumerate(("low", "high")):
            columns[name] = [None if p.interval is None else p.interval[side] for p in predictions]
    columns["answer"] = [p.answer for p in predictions]
    columns["outside"] = ["; ".join(f.text for f in p.outside) or None for p in predictions]
    columns["distance"] = [max((f.told for f in p.outside), default=None) for p in predictions]
    columns["in_training"] = [
        "unknown" if p.in_training is None else "yes" if p.in_training else "no"
        for p in predictions
    ]
    table = pd.DataFrame(columns)
    table["model"] = f"{metadata['experiment']}/{metadata['model']}"
    table["n_training_people"] = metadata["training"]["n_people"]
    for key in ("metric", "value", "low", "high"):
        table[f"cv_{key}"] = performance[key]
    table["bundle"] = model.digest
    table["notes"] = ["; ".join(p.notes) or None for p in predictions]
    return table


_SKIPPED = {
    "participant_id": "Participant",
    "session_id": "Session",
    "reason": "Reason for the missing prediction",
}


def contributions_table(predictions: Sequence[Prediction]) -> pd.DataFrame:
    """One row per scan and input of a model that is a sum; columns as in `CONTRIBUTIONS`."""
    rows = [
        (one.participant, one.session, term.name, _kept(term), term.mean, term.amount)
        for one in predictions
        if one.parts and one.value is not None
        for term in one.parts.terms
    ]
    return pd.DataFrame(rows, columns=list(CONTRIBUTIONS))


def _kept(term: Term) -> float:
    """Value that a table may give: no age that identifies."""
    return math.nan if term.name == "age" and term.value > OLDEST else term.value


def predictions_dictionary(metadata: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Dictionary of all columns, in the words of the target."""
    target = metadata["target"]
    ordered, title = target.get("ordered_classes"), target["title"]
    nearest: dict[str, Any] = {
        "Description": "Class at a probability of 0.5",
        "Levels": {"poor": target["text"], "good": "otherwise"},
    }
    if ordered:
        nearest = {"Description": f"Class of {title} nearest to the expected number"}
        named = "; ".join(f"{k}: {name}" for k, name in enumerate(ordered))
        title = f"Expected class number of {title} ({named})"
    limits = kind_of_limits(metadata)
    return {
        **_COLUMNS,
        "probability": {"Description": f"Probability of a poor outcome, {target['text']}"},
        "predicted_score": {"Description": title, "Units": target["unit"]},
        "class": nearest,
        "low": {
            "Description": f"Lower limit of the conformal interval ({limits}), which holds the "
            "score of 9 of 10 people; widened where answer says so, n/a if there were too few "
            "people",
            "Units": target["unit"],
        },
        "high": {"Description": "Upper limit of that interval", "Units": target["unit"]},
        "conformal_set": {
            "Description": f"Classes that cannot be left out ({limits}), by people the models had "
            "not seen; widened where answer says so"
        },
    }


_COLUMNS: dict[str, dict[str, Any]] = {
    "participant_id": {"Description": "Participant"},
    "session_id": {"Description": "Session; n/a where there are no sessions"},
    "answer": {
        "Description": "What --outside did",
        "Levels": {
            "given": "nothing",
            "widened": "set or interval widened, calibrated at 97.5 % and stretched by distance",
            "refused": "no number is given",
        },
    },
    "outside": {
        "Description": "In what the person is unlike the training people, "
        "with the range of 99 of 100 people like them; n/a for nothing"
    },
    "distance": {
        "Description": "Greatest distance from the mean of the training people, in "
        "multiples of what 99 of 100 people like them have at most; 1 for a site "
        "that was never seen; ages above 89 count as 90"
    },
    "in_training": {
        "Description": "Whether the model was trained on a map of this scan",
        "Levels": {
            "yes": "the prediction is too good, and is to be left out of any performance",
            "no": "no map of the scan was",
            "unknown": "there is no map to tell by",
        },
    },
    "model": {"Description": "Experiment and model"},
    "n_training_people": {"Description": "People the model was trained on"},
    "cv_metric": {"Description": "How the model was judged in cross-validation"},
    "cv_value": {"Description": "That metric, for the training people"},
    "cv_low": {"Description": "Lower limit of its 95 % interval"},
    "cv_high": {"Description": "Upper limit of its 95 % interval"},
    "bundle": {"Description": "Hash of the model bundle"},
    "notes": {"Description": "What to bear in mind for this prediction"},
}
