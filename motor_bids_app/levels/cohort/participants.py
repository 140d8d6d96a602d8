"""Whose derivatives, demographics and scores there are: one row per scan."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from motor_bids_app.bids.columns import resolve_columns
from motor_bids_app.bids.derived import DerivedScan, index_derivatives
from motor_bids_app.bids.files import read_table
from motor_bids_app.bids.ratings import rated_exclude
from motor_bids_app.bids.scores import Score
from motor_bids_app.errors import DataError, InputMissingError, MotorBidsAppError
from motor_bids_app.levels.intact import check_intact
from motor_bids_app.settings import Settings

log = logging.getLogger(__name__)
KEYS = ("participant_id", "session_id")


@dataclass(frozen=True, kw_only=True)
class Participants:
    """Scans with derivatives, and what is known of the people.

    Parameters
    ----------
    scans : tuple of DerivedScan
        With readable features and, where tables are required, a row in them.
    table : DataFrame
        One row per scan, in the same order: participant_id ('sub-01'), session_id ('ses-1' or
        missing), group, demographics, scores and features.
    scores : dict of Score
        Scores that the tables hold, in the order of the registry.
    excluded : DataFrame
        Columns participant_id, session_id and reason.
    notes : tuple of str
        Remarks, one sentence each.
    """

    scans: tuple[DerivedScan, ...]
    table: pd.DataFrame
    scores: dict[str, Score]
    excluded: pd.DataFrame
    notes: tuple[str, ...] = ()


def gather_participants(settings: Settings, *, scores_required: bool = True) -> Participants:
    """Read features and tables of all selected participants who have derivatives.

    Parameters
    ----------
    settings : Settings
        Names the output with the derivatives, other derivatives, and the dataset with the tables.
    scores_required : bool
        Whether people without a row in the tables, and those rated exclude, are left out, as they
        must be for training.

    Raises
    ------
    InputMissingError, EmptySelectionError
        There are no derivatives, or no tables where they are required.
    DataError
        Nobody has both derivatives and a row in the tables.
    """
    scans = index_derivatives(
        settings.output_dir, settings.derivatives, settings.selection, settings.processing.space
    )
    try:
        resolved = resolve_columns(settings.bids_dir, settings.scores_map, strict=scores_required)
        known, scores, notes = resolved.table, resolved.scores, resolved.problems
    except InputMissingError:
        if scores_required:
            raise
        known, scores = pd.DataFrame(columns=[*KEYS, "group"]), {}
        notes = ("There are no tables of participants: age, sex and time are taken as missing.",)
    rated = rated_exclude(settings.qc_file) if settings.qc_file and scores_required else []
    scans, out, remarks = _without_rated(scans, rated)
    if not scans:
        raise DataError(f"Everybody is rated exclude in {settings.qc_file}: nobody is left.")
    kept, rows, excluded, conflicts = _join(scans, known, scores_required)
    if not kept:
        raise DataError(
            f"None of the {len(scans)} scans with derivatives has a row in the tables of "
            f"{settings.bids_dir}. Check that participant_id is spelled alike."
        )
    return Participants(
        scans=tuple(kept),
        table=pd.DataFrame(rows).reset_index(drop=True),
        scores=scores,
        excluded=pd.DataFrame([*out, *excluded], columns=[*KEYS, "reason"]),
        notes=(*remarks, *notes, *conflicts),
    )


_Excluded = list[tuple[str, str | None, str]]


def _without_rated(
    scans: Sequence[DerivedScan], rated: _Excluded
) -> tuple[list[DerivedScan], _Excluded, list[str]]:
    """Leave out scans that are rated exclude; a rating without session is for all of them."""
    by_scan = {(participant, session): rating for participant, session, rating in rated}
    kept, out = [], []
    for scan in scans:
        keys = ((scan.participant_id, scan.session_id), (scan.participant_id, None))
        rating = next((by_scan[key] for key in keys if key in by_scan), None)
        if rating is None:
            kept.append(scan)
        else:
            reason = f"Rated {rating} in the file of --qc-file."
            out.append((scan.participant_id, scan.session_id, reason))
    if not rated:
        return kept, out, []
    people = len({participant for participant, _, _ in out})
    remark = f"Left out by --qc-file: {len(out)} of {len(scans)} scans (people: {people})."
    unknown = len({participant for participant, _, _ in rated} - {s.participant_id for s in scans})
    if unknown:
        remark += f" People rated exclude who have no derivatives here: {unknown}."
    return kept, out, [remark]


_Joined = tuple[
    list[DerivedScan], list[dict[str, object]], list[tuple[str, str | None, str]], list[str]
]


def _join(scans: Sequence[DerivedScan], known: pd.DataFrame, required: bool) -> _Joined:
    """Put tables and features of each scan in one row; list those that cannot be used."""
    kept: list[DerivedScan] = []
    rows: list[dict[str, object]] = []
    excluded: list[tuple[str, str | None, str]] = []
    notes: list[str] = []
    by_person = dict(list(known.groupby("participant_id")))
    for scan in scans:
        participant = f"sub-{scan.participant}"
        session = f"ses-{scan.session}" if scan.session else None
        try:
            row = _row_of(by_person.get(participant), session, required)
            features = _features(scan)
        except MotorBidsAppError as error:
            log.warning("%s is left out: %s", scan.prefix, error)
            excluded.append((participant, session, str(error)))
            continue
        keys = {"participant_id": participant, "session_id": session}
        notes += _side_conflict(scan, row, features)
        kept.append(scan)
        rows.append(row | features | keys)
    return kept, rows, excluded, notes


def _side_conflict(
    scan: DerivedScan, row: Mapping[str, object], features: Mapping[str, object]
) -> list[str]:
    """Say where the tables name another side of the lesion than its mask shows."""
    told, seen = row.get("lesion_side"), features.get("lesion_side")
    if {told, seen} != {"left", "right"}:
        return []
    return [f"{scan.prefix}: the lesion is {told} by the tables, but {seen} in its mask (used)."]


def _row_of(rows: pd.DataFrame | None, session: str | None, required: bool) -> dict[str, object]:
    """Demographics and scores of one scan."""
    if rows is None:
        if required:
            raise DataError("There is no row for this person in the tables.")
        return {"group": None}
    same = rows[rows["session_id"] == session] if session else rows[rows["session_id"].isna()]
    if same.empty:  # one side has sessions, the other has none
        same = rows[rows["session_id"].isna()] if session else rows
    if len(same) != 1:
        raise DataError(
            f"The tables have {len(same)} rows that may belong to this scan, so that its score is "
            "unknown. Name the session in the tables and in the images alike."
        )
    return {str(key): value for key, value in same.iloc[0].items()}


def _features(scan: DerivedScan) -> dict[str, object]:
    """The features table of a scan, numbers as numbers."""
    if scan.features is None:
        return {}
    check_intact(scan.features)
    table = read_table(scan.features)
    if len(table) != 1:
        raise DataError(f"{scan.features} has {len(table)} rows instead of one.")
    features: dict[str, object] = {}
    for name in (str(column) for column in table.columns if column not in KEYS):
        cell = table[name].iloc[0]
        number = pd.to_numeric(cell, errors="coerce")
        if not pd.isna(cell):
            features[name] = cell if pd.isna(number) else float(number)
    return features
