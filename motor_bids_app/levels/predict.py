"""The predict level: apply a model bundle to people who have derivatives."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app import __version__
from motor_bids_app.bids.files import write_table, write_text
from motor_bids_app.bids.index import DerivedScan
from motor_bids_app.errors import (
    DataError,
    IncompatibleModelError,
    IncompleteRunError,
    MotorBidsAppError,
    UsageError,
)
from motor_bids_app.evaluation.conformal import Limits
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.volumes import Volumes, VolumeStore
from motor_bids_app.levels.bundles import SavedModel, check_derivatives, load_model
from motor_bids_app.levels.cohort import with_demographics
from motor_bids_app.levels.hardware import choose_device, limit_threads
from motor_bids_app.levels.maps import brain_grid, fill_store, mirror_features, to_flip
from motor_bids_app.levels.people import People, gather_people
from motor_bids_app.levels.prediction_report import build_prediction_report, cv_performance
from motor_bids_app.models.catalog import needs
from motor_bids_app.models.columns import DEMOGRAPHICS
from motor_bids_app.reports.prediction import render_prediction
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)
DIFFUSIVITIES = frozenset({"md", "rd", "ad"})
_LEAST_DIFFUSIVITY, _MOST_DIFFUSIVITY = 1e-4, 3e-3  # mm2/s, medians of any brain lie between


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model says about one scan.

    Parameters
    ----------
    participant, session : str, str or None
        'sub-01', 'ses-1'.
    value : float
        Probability of the poor class, or predicted score.
    notes : tuple of str
        What to bear in mind, one sentence each.
    classes : tuple of str or None
        Classes in the conformal set, which may be none or both.
    interval : tuple of float or None
        Conformal interval of the score.
    """

    participant: str
    session: str | None
    value: float
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None
    interval: tuple[float, float] | None = None


def run(settings: Settings) -> list[Prediction]:
    """Predict for every selected participant with derivatives, and write table and report.

    Raises
    ------
    UsageError
        No model was named.
    InputMissingError, IncompatibleModelError
        The model cannot be read, or was trained on differently processed derivatives.
    IncompleteRunError
        Some people lack what the model needs; predictions of the others are written.
    """
    if settings.model is None:
        raise UsageError("The predict level needs --model: the folder 'model' of an experiment.")
    limit_threads(settings.processing.omp_nthreads)
    model = load_model(settings.model, choose_device(settings.resources.device))
    people = gather_people(settings, scores_required=False)
    warnings = (*people.notes, *_check_sources(settings, model, people))
    for warning in warnings:
        log.warning("%s", warning)
    predictions: list[Prediction] = []
    skipped: list[tuple[str, str | None, str]] = list(
        people.excluded.itertuples(index=False, name=None)
    )
    for row, scan in enumerate(people.scans):
        try:
            predictions.append(_predict(model, scan, people.table.iloc[[row]]))
            log.info("%s: %.3g", scan.prefix, predictions[-1].value)
        except MotorBidsAppError as error:
            log.error("%s: %s", scan.prefix, error)
            session = f"ses-{scan.session}" if scan.session else None
            skipped.append((f"sub-{scan.participant}", session, str(error)))
    _write(settings, model, predictions, skipped, warnings)
    if skipped:
        named = "; ".join(f"{participant}: {reason}" for participant, _, reason in skipped[:3])
        more = f"; and {len(skipped) - 3} more" if len(skipped) > 3 else ""
        raise IncompleteRunError(
            f"{len(skipped)} of {len(predictions) + len(skipped)} scans have no prediction: {named}"
            f"{more}"
        )
    return predictions


def _check_sources(settings: Settings, model: SavedModel, people: People) -> list[str]:
    """Check each dataset that derivatives come from against the model."""
    used = {source for scan in people.scans for source in scan.sources}
    folders = {"output": settings.output_dir, **settings.derivatives}
    return [
        warning
        for name in folders
        if name in used
        for warning in check_derivatives(
            model.metadata, folders[name], settings.processing.space
        )
    ]  # fmt: skip


def _predict(model: SavedModel, scan: DerivedScan, table: pd.DataFrame) -> Prediction:
    """Predict one scan, from its row of the table and its maps.

    Raises
    ------
    DataError
        The scan lacks what the model needs.
    """
    inputs = model.metadata["inputs"]
    flip = to_flip(table, inputs["mirror_lesion_to"])
    row = with_demographics(mirror_features(table, flip)).reset_index(drop=True)
    needed = needs(model.metadata["model"])
    unmet = [name for name in needed.unmet(row) if name not in DEMOGRAPHICS]
    if unmet:
        raise DataError(f"The model needs {', '.join(unmet)}, which this scan does not have.")
    volumes = _volumes(inputs, scan, row, flip) if needed.volumes else None
    value = float(model.predict(Samples(row, volumes))[0])
    notes = _notes(model.metadata, row, needed.columns)
    healthy = bool((row["group"] == "control").iloc[0])
    if needed.volumes and "lesion" in inputs["maps"] and not healthy and "lesion" not in scan.maps:
        notes += ("no lesion mask: that map is taken as in the average training person",)
    if volumes is not None:
        notes += _unusual_units(volumes)
    classes, interval = _conformal(model.metadata, value)
    if classes is not None and len(classes) != 1:
        said = "both classes are possible" if classes else "neither class fits"
        notes += (f"{said} at {model.metadata['conformal']['level']:.0%}: undecided",)
    return Prediction(
        participant=str(row["participant_id"][0]), session=row["session_id"][0] or None,
        value=value, notes=notes, classes=classes, interval=interval,
    )  # fmt: skip


def _conformal(
    metadata: Mapping[str, Any], value: float
) -> tuple[tuple[str, ...] | None, tuple[float, float] | None]:
    """Set of classes, or interval of the score; neither for a bundle without limits."""
    known = metadata.get("conformal")
    if known is None:
        return None, None
    if metadata["classes"] is not None:
        return Limits(known["level"], known["poor"], known["good"]).classes(value), None
    half = known["half_width"]  # null where there were too few people
    return None, None if half is None else (value - half, value + half)


def _volumes(
    inputs: Mapping[str, Any], scan: DerivedScan, row: pd.DataFrame, flip: NDArray[np.bool_]
) -> Volumes:
    """Read the maps that the model was trained on, on its grid."""
    grid = brain_grid(inputs["resolution"])
    if list(grid.shape) != inputs["grid"]["shape"] or not np.allclose(
        grid.affine, inputs["grid"]["affine"]
    ):
        raise IncompatibleModelError(
            f"The model works on a grid of {inputs['grid']['shape']}, this version on "
            f"{list(grid.shape)}. Use the version that trained it."
        )
    maps = tuple(inputs["maps"])
    missing = [name for name in maps if name not in scan.maps and name != "lesion"]
    if missing:
        raise DataError(
            f"The model needs the maps {', '.join(maps)}, and this scan lacks {', '.join(missing)}."
        )
    store = VolumeStore.empty(1, maps, grid)
    fill_store(store, [scan], row, flip)
    return store.volumes()


def _unusual_units(volumes: Volumes) -> tuple[str, ...]:
    """Say which diffusivities cannot be in mm2/s: maps of other tools may be scaled."""
    notes = []
    for name in DIFFUSIVITIES.intersection(volumes.maps):
        values = volumes.read()[0, volumes.maps.index(name)]
        if not (values > 0).any():
            continue
        median = float(np.median(values[values > 0])) / 1e3  # stored in um2/ms
        if not _LEAST_DIFFUSIVITY < median < _MOST_DIFFUSIVITY:
            notes.append(
                f"{name} has a median of {median:.2g}, which is no diffusivity of brain in mm2/s: "
                "do not trust this prediction, and scale the map"
            )
    return tuple(sorted(notes))


def _notes(
    metadata: Mapping[str, Any], row: pd.DataFrame, columns: tuple[str, ...]
) -> tuple[str, ...]:
    """Say which demographics were filled in, and what lies outside the training range."""
    notes = []
    for name in columns:
        if name in DEMOGRAPHICS and row[name].isna().iloc[0]:
            notes.append(f"{name} is missing, and taken as in the average training person")
    for name, span in metadata["training"]["ranges"].items():
        value = float(row[name].iloc[0]) if name in row else np.nan
        below, above = value < span["min"], value > span["max"]  # a missing value is neither
        if name != metadata["target"]["score"] and (below or above):
            limits = f"{span['min']:.3g} to {span['max']:.3g}"
            notes.append(f"{name} {value:.3g} is outside the training range, {limits}")
    return tuple(notes)


def _write(
    settings: Settings,
    model: SavedModel,
    predictions: list[Prediction],
    skipped: list[tuple[str, str | None, str]],
    warnings: tuple[str, ...],
) -> None:
    """Write predictions.tsv, skipped.tsv and report.html."""
    metadata = model.metadata
    folder = settings.output_dir / "predictions" / str(metadata["experiment"])
    classify = metadata["classes"] is not None
    performance = cv_performance(metadata)
    table = pd.DataFrame(
        {
            "participant_id": [p.participant for p in predictions],
            "session_id": [p.session for p in predictions],
            "probability" if classify else "predicted_score": [p.value for p in predictions],
        }
    )
    if classify:
        table["class"] = ["poor" if p.value >= 0.5 else "good" for p in predictions]
        table["conformal_set"] = [
            None if p.classes is None else " or ".join(p.classes) or "none" for p in predictions
        ]
    else:
        for side, name in enumerate(("low", "high")):
            table[name] = [None if p.interval is None else p.interval[side] for p in predictions]
    table["model"] = f"{metadata['experiment']}/{metadata['model']}"
    table["n_training_people"] = metadata["training"]["n_people"]
    for key in ("metric", "value", "low", "high"):
        table[f"cv_{key}"] = performance[key]
    table["bundle"] = model.digest
    table["notes"] = ["; ".join(p.notes) or None for p in predictions]
    described = _dictionary(metadata)
    write_table(
        folder / "predictions.tsv", table, {str(name): described[str(name)] for name in table}
    )
    left = pd.DataFrame(skipped, columns=["participant_id", "session_id", "reason"])
    columns = {name: {"Description": text} for name, text in _SKIPPED.items()}
    write_table(folder / "skipped.tsv", left, columns)
    report = build_prediction_report(model, table, left, warnings, __version__)
    write_text(folder / "report.html", render_prediction(report))
    log.info("saved %s", folder / "report.html")


_SKIPPED = {
    "participant_id": "Participant",
    "session_id": "Session",
    "reason": "Why there is no prediction",
}


def _dictionary(metadata: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    target = metadata["target"]
    return {
        "participant_id": {"Description": "Participant"},
        "session_id": {"Description": "Session; n/a where there are no sessions"},
        "probability": {"Description": f"Probability of a poor outcome, {target['text']}"},
        "predicted_score": {"Description": target["title"], "Units": target["unit"]},
        "class": {"Description": "Class at a probability of 0.5", "Levels": {
            "poor": target["text"], "good": "otherwise"}},
        "conformal_set": {"Description": "Classes that cannot be left out at 90 %, calibrated on "
                          "people the model had not seen; n/a for a model without such limits"},
        "low": {"Description": "Lower limit of the conformal interval, which holds the score of 9 "
                "of 10 people", "Units": target["unit"]},
        "high": {"Description": "Upper limit of that interval", "Units": target["unit"]},
        "model": {"Description": "Experiment and model"},
        "n_training_people": {"Description": "People the model was trained on"},
        "cv_metric": {"Description": "How the model was judged in cross-validation"},
        "cv_value": {"Description": "That metric, for the training people"},
        "cv_low": {"Description": "Lower limit of its 95 % interval"},
        "cv_high": {"Description": "Upper limit of its 95 % interval"},
        "bundle": {"Description": "Hash of the model bundle"},
        "notes": {"Description": "What to bear in mind for this prediction"},
    }  # fmt: skip
