"""The predict level: apply a model bundle to people who have derivatives."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from motor_bids_app.bids.index import DerivedScan
from motor_bids_app.errors import (
    DataError,
    IncompleteRunError,
    MotorBidsAppError,
    UsageError,
)
from motor_bids_app.evaluation.conformal import Limits
from motor_bids_app.features.samples import Samples
from motor_bids_app.levels.bundles import SavedModel, check_derivatives, load_model
from motor_bids_app.levels.cohort import with_demographics
from motor_bids_app.levels.hardware import choose_device, limit_threads
from motor_bids_app.levels.maps import mirror_features, to_flip
from motor_bids_app.levels.people import People, gather_people
from motor_bids_app.levels.prediction_maps import read_maps, unusual_units
from motor_bids_app.levels.prediction_results import Prediction, write_predictions
from motor_bids_app.models.catalog import needs
from motor_bids_app.models.columns import DEMOGRAPHICS
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)


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
    write_predictions(settings, model, predictions, skipped, warnings)
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
    volumes = read_maps(inputs, scan, row, flip) if needed.volumes else None
    value = float(model.predict(Samples(row, volumes))[0])
    notes = _notes(model.metadata, row, needed.columns)
    healthy = bool((row["group"] == "control").iloc[0])
    if needed.volumes and "lesion" in inputs["maps"] and not healthy and "lesion" not in scan.maps:
        notes += ("no lesion mask: that map is taken as in the average training person",)
    if volumes is not None:
        notes += unusual_units(volumes)
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
