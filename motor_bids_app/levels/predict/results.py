"""What the predict level writes: a table with its dictionary, who was left out, and the page."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from motor_bids_app import __version__
from motor_bids_app.bids.files import write_table, write_text
from motor_bids_app.bids.paths import own_folder
from motor_bids_app.errors import IncompatibleModelError
from motor_bids_app.evaluation.domain import Finding
from motor_bids_app.levels.bundles import SavedModel
from motor_bids_app.levels.predict.report import build_prediction_report, cv_performance
from motor_bids_app.levels.predict.safety import kind_of_limits
from motor_bids_app.reports.prediction import render_prediction
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model says about one scan.

    Parameters
    ----------
    participant, session : str, str or None
        'sub-01', 'ses-1'.
    value : float or None
        Probability of the poor class, or predicted score; None if refused.
    notes : tuple of str
        What to bear in mind, one sentence each.
    classes : tuple of str or None
        Classes in the conformal set, which may be none or both.
    interval : tuple of float or None
        Conformal interval of the score.
    answer : str
        "given"; or, for someone outside the domain of the model, "widened" or "refused".
    outside : tuple of Finding
        Where the person is outside, the farthest first.
    in_training : bool or None
        Whether the model was trained on an image of this scan; None if it cannot be told.
    """

    participant: str
    session: str | None
    value: float | None
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None
    interval: tuple[float, float] | None = None
    answer: str = "given"
    outside: tuple[Finding, ...] = ()
    in_training: bool | None = None

    @property
    def called(self) -> str | None:
        """Class at a probability of 0.5."""
        return None if self.value is None else "poor" if self.value >= 0.5 else "good"

    def nearest(self, ordered: Sequence[str]) -> str | None:
        """Name of the ordered class nearest to the expected number.

        Raises
        ------
        IncompatibleModelError
            There is none of that number.
        """
        if self.value is None:
            return None
        number = math.floor(self.value + 0.5)
        if not 0 <= number < len(ordered):
            raise IncompatibleModelError(
                f"The model predicts class {number}, and its bundle names {len(ordered)} classes "
                f"from 0 on ({', '.join(ordered)}): it was changed. Get it again."
            )
        return ordered[number]


def write_predictions(
    settings: Settings,
    model: SavedModel,
    predictions: list[Prediction],
    skipped: list[tuple[str, str | None, str]],
    warnings: tuple[str, ...],
) -> None:
    """Write predictions.tsv, skipped.tsv and report.html."""
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
    report = build_prediction_report(model, table, left, warnings, __version__)
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
    columns["distance"] = [max((f.distance for f in p.outside), default=None) for p in predictions]
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
    "reason": "Why there is no prediction",
}


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
        "that was never seen"
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
