"""The predict level: apply a model bundle to people who have derivatives."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from motor_bids_app.bids.derived import DerivedScan
from motor_bids_app.errors import DataError, IncompleteRunError, UsageError
from motor_bids_app.evaluation.domain import Domain, map_levels
from motor_bids_app.features.connectivity import CONNECTIVITY
from motor_bids_app.features.instances import Instances
from motor_bids_app.features.recordings import SIGNALS
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS
from motor_bids_app.features.slices import SLICES
from motor_bids_app.features.volumes import Volumes
from motor_bids_app.levels.bundles import SavedModel, check_derivatives, load_model
from motor_bids_app.levels.cohort.baseline import EARLIER, with_known_baseline
from motor_bids_app.levels.cohort.cohort import with_demographics
from motor_bids_app.levels.cohort.completeness import wrong_seed
from motor_bids_app.levels.cohort.course import of_session
from motor_bids_app.levels.cohort.instances import (
    doubtful_images,
    instance_images,
    instances_of_scan,
)
from motor_bids_app.levels.cohort.maps import mirror_features, to_flip
from motor_bids_app.levels.cohort.own import check_table_is_read, with_own_of
from motor_bids_app.levels.cohort.participants import Participants, gather_participants
from motor_bids_app.levels.cohort.training_people import person_values
from motor_bids_app.levels.cohort.windows import windows_of_scan
from motor_bids_app.levels.failures import failure_of
from motor_bids_app.levels.hardware import choose_device, set_up_process
from motor_bids_app.levels.predict.drivers import told_sum
from motor_bids_app.levels.predict.gaps import (
    filled_in,
    kept_gaps,
    not_harmonised,
    own_gaps,
    with_all_columns,
)
from motor_bids_app.levels.predict.maps import impossible_units, model_mask, read_maps
from motor_bids_app.levels.predict.prediction import Prediction
from motor_bids_app.levels.predict.results import write_predictions
from motor_bids_app.levels.predict.safety import (
    ANSWERS,
    conformal_answer,
    too_few,
    was_in_training,
)
from motor_bids_app.models.catalog import Needs, needs
from motor_bids_app.models.tables.columns import BASELINE, DEMOGRAPHICS
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
    if len(settings.models) != 1:
        raise UsageError(
            "The predict level needs one --model: the folder 'model' of an experiment."
        )
    set_up_process(settings.processing.omp_nthreads)
    model = load_model(settings.models[0], choose_device(settings.resources.device))
    inputs, target = model.metadata["inputs"], model.metadata["target"]
    check_table_is_read(settings.predictors, [inputs])
    people = gather_participants(settings, scores_required=False)
    people, left = of_session(people, inputs.get("session"))
    people = with_known_baseline(
        people,
        inputs["baseline_score"],
        target.get("outcome", target)["score"],
        linked="session" in target,
    )
    people, said = with_own_of(people, inputs, settings.predictors)
    notice = (model.metadata["notice"],) if "notice" in model.metadata else ()
    said = (*notice, *people.notes, *left, *said)
    warnings = (*said, *check_sources(settings, model, people))
    for warning in warnings:
        log.warning("%s", warning)
    predictions: list[Prediction] = []
    skipped: list[tuple[str, str | None, str]] = list(
        people.excluded.itertuples(index=False, name=None)
    )
    for row, scan in enumerate(people.scans):
        try:
            one = predict_scan(model, scan, people.table.iloc[[row]], settings.outside)
            predictions.append(one)
            log.info("%s: %s", scan.prefix, "refused" if one.value is None else f"{one.value:.3g}")
        except Exception as error:  # a bug must not take the other people down
            name = f"{scan.prefix}_predict"
            reason = str(failure_of(error, settings.output_dir, name))
            if row in people.doubtful.index:
                reason += " What depends on doubtful measures was left out: see the warnings."
            log.error("%s: %s", scan.prefix, reason)
            session = f"ses-{scan.session}" if scan.session else None
            skipped.append((f"sub-{scan.participant}", session, reason))
    write_predictions(settings, model, predictions, skipped, warnings)
    if skipped:
        named = "; ".join(f"{participant}: {reason}" for participant, _, reason in skipped[:3])
        more = f"; and {len(skipped) - 3} more" if len(skipped) > 3 else ""
        raise IncompleteRunError(
            f"{len(skipped)} of {len(predictions) + len(skipped)} scans have no prediction: {named}"
            f"{more}"
        )
    return predictions


def check_sources(settings: Settings, model: SavedModel, people: Participants) -> list[str]:
    """Check each dataset that derivatives come from against the model."""
    used = {source for scan in people.scans for source in scan.sources}
    folders = {"output": settings.output_dir, **settings.derivatives}
    return [
        warning
        for name in folders
        if name in used
        for warning in check_derivatives(model.metadata, folders[name], settings.processing.space)
    ]


@dataclass(frozen=True, eq=False)
class _Given:
    """What a model is given of one scan.

    Parameters
    ----------
    samples : Samples
        Of one row.
    flip : bool array, shape (1,)
        Whether it was mirrored.
    levels : DataFrame
        One row: the level of each map.
    notes : tuple of str
        What is missing and was set to the average of the training people.
    """

    samples: Samples
    flip: NDArray[np.bool_]
    levels: pd.DataFrame
    notes: tuple[str, ...]


def _given(model: SavedModel, scan: DerivedScan, table: pd.DataFrame, outside: str) -> _Given:
    """Read what the model needs of a scan.

    Raises
    ------
    DataError
        The scan lacks what the model needs, or has maps in impossible units.
    """
    metadata, inputs = model.metadata, model.metadata["inputs"]
    flip = to_flip(table, inputs["mirror_lesion_to"])
    needed = needs(metadata["model"])
    table, unknown = with_all_columns(model.members[0], table, needed.columns)
    row = with_demographics(mirror_features(table, flip)).reset_index(drop=True)
    _check_columns(metadata, row)
    _check_seed(inputs, needed, scan, row)
    notes = (
        filled_in(row, needed.columns, metadata)
        + own_gaps(row, metadata["model"])
        + unknown
        + not_harmonised(model.members, row)
        + kept_gaps(model.members, row, needed.columns)
    )
    volumes, levels = None, pd.DataFrame(index=row.index)
    if needed.volumes:
        volumes = read_maps(inputs, scan, row, flip)
        levels = map_levels(volumes, model_mask(inputs["mask"], inputs["resolution"]))
        notes += _units(volumes, outside) + _without_lesion(inputs, scan, row)
    instances = _instances(inputs, scan) if WINDOWS in needed.instances else {}
    if {SIGNALS, SLICES} & set(needed.instances):
        instances, lacking = instances_of_scan(inputs, needed.instances, scan, flip)
        notes += lacking
    return _Given(Samples(row, volumes, instances), flip, levels, notes)


def predict_scan(
    model: SavedModel, scan: DerivedScan, table: pd.DataFrame, outside: str
) -> Prediction:
    """Predict one scan, from its row of the table and its maps.

    Raises
    ------
    DataError
        The scan lacks what the model needs, or has maps in impossible units.
    """
    metadata, given = model.metadata, _given(model, scan, table, outside)
    row, notes = given.samples.table, given.notes
    value = float(model.predict(given.samples)[0])
    site = row["site"].dropna().astype(str).tolist() if "site" in row else []
    findings = Domain.from_json(metadata["training"]["domain"]).findings(
        person_values(row, metadata["model"], given.levels), site[0] if site else None
    )
    answer = ANSWERS[outside] if findings else "given"
    told = model.ask_folds(given.samples)[:, 0] if model.folds else np.empty(0)
    widen = findings if answer == "widened" else ()
    classes, interval = conformal_answer(metadata, value, told, widen)
    if answer == "refused":
        classes, interval = None, None
    else:
        if classes is not None and len(classes) > 1:
            notes += ("undecided: both classes are possible",)
        notes += too_few(metadata)
    images = instance_images(given.samples.instances) + doubtful_images(
        metadata["inputs"], needs(metadata["model"]).instances, scan, given.flip
    )
    return Prediction(
        participant=str(row["participant_id"][0]),
        session=row["session_id"][0] or None,
        value=None if answer == "refused" else value,
        notes=notes,
        classes=classes,
        interval=interval,
        answer=answer,
        outside=findings,
        control=bool((row["group"] == "control").iloc[0]),
        parts=told_sum(model, given.samples),
        in_training=was_in_training(metadata, scan, row, given.flip, given.samples.volumes, images),
    )


def _check_seed(
    inputs: Mapping[str, Any], needed: Needs, scan: DerivedScan, row: pd.DataFrame
) -> None:
    """Refuse connectivity of M1 of the healthy side, as training does."""
    mapped = needed.volumes and set(CONNECTIVITY) & set(inputs["maps"])
    if "lesion_side" not in row or not (WINDOWS in needed.instances or mapped):
        return
    if reason := wrong_seed(scan, row["lesion_side"].iloc[0]):
        raise DataError(f"{reason[0].upper()}{reason[1:]}.")


def _instances(inputs: Mapping[str, Any], scan: DerivedScan) -> dict[str, Instances]:
    """Windows of the bold, without which there is no prediction."""
    windows = windows_of_scan(scan, inputs["resolution"], inputs["mirror_lesion_to"])
    if not windows.size:
        raise DataError(
            "The model reads sliding windows of the bold, and this scan has no connectivity of M1. "
            "Run the participant level on its bold first; its report says why there is none."
        )
    return {WINDOWS: windows}


def _check_columns(metadata: Mapping[str, Any], row: pd.DataFrame) -> None:
    """Refuse a scan without a feature or score that the model reads."""
    lacking = [n for n in needs(metadata["model"]).unmet(row) if n not in DEMOGRAPHICS]
    baseline, score = metadata["inputs"]["baseline_score"], metadata["target"]["score"]
    if BASELINE not in lacking:
        if lacking:
            raise DataError(f"The model needs {', '.join(lacking)}, which this scan does not have.")
        return
    if baseline != EARLIER:
        raise DataError(f"The model predicts from {baseline}, which the tables do not give.")
    raise DataError(
        f"The model predicts from the {score} of an earlier session, and none is known. Add that "
        "session with its time since stroke to the tables."
    )


def _without_lesion(
    inputs: Mapping[str, Any], scan: DerivedScan, row: pd.DataFrame
) -> tuple[str, ...]:
    healthy = bool((row["group"] == "control").iloc[0])
    if "lesion" not in inputs["maps"] or healthy or "lesion" in scan.maps:
        return ()
    return ("no lesion mask: that map is set to the average of the training people",)


def _units(volumes: Volumes, outside: str) -> tuple[str, ...]:
    """Refuse maps in impossible units; with "ignore", only say so."""
    wrong = impossible_units(volumes)
    if wrong and outside != "ignore":
        raise DataError(f"{' '.join(wrong)} Scale the map, or give the right one.")
    return wrong
