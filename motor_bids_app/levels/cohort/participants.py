"""Whose derivatives, demographics and scores there are: one row per scan."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from motor_bids_app.bids.derived import DerivedScan, index_derivatives
from motor_bids_app.bids.tables.columns import resolve_columns
from motor_bids_app.bids.tables.identifiers import near_miss, participant_id
from motor_bids_app.bids.tables.ratings import rated_exclude
from motor_bids_app.bids.tables.resolved import ResolvedTable
from motor_bids_app.bids.tables.scores import Score
from motor_bids_app.bids.tables.tsv import numeric_cell, read_row
from motor_bids_app.errors import DataError, InputMissingError, MotorBidsAppError, UsageError
from motor_bids_app.evaluation.splits import some
from motor_bids_app.features.columns import ATLAS, is_feature, is_text, of_earlier_regions
from motor_bids_app.levels.cohort.doubtful import doubtful_notes, without_doubtful
from motor_bids_app.levels.cohort.rated import Excluded, check_rated, without_rated
from motor_bids_app.levels.cohort.scan_row import row_of
from motor_bids_app.levels.intact import check_intact
from motor_bids_app.models.tables.columns import BASELINE
from motor_bids_app.settings import Selection, Settings

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
    doubtful : DataFrame
        Features that models must not read, in the rows of `table` that have some.
    tables : ResolvedTable or None
        All tables of the dataset as they are, with what became of each column.
    visits : DataFrame
        Scores by session, also of sessions without a scan: see `ResolvedTable`.
    """

    scans: tuple[DerivedScan, ...]
    table: pd.DataFrame
    scores: dict[str, Score]
    excluded: pd.DataFrame
    notes: tuple[str, ...] = ()
    doubtful: pd.DataFrame = field(default_factory=pd.DataFrame)
    tables: ResolvedTable | None = None
    visits: pd.DataFrame = field(default_factory=pd.DataFrame)


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
    UsageError
        A score is called like a column that models read.
    """
    scans = index_derivatives(
        settings.output_dir, settings.derivatives, settings.selection, settings.processing.space
    )
    resolved = _resolved(settings, scores_required)
    known = resolved.table
    _check_names(resolved.scores)
    rated = rated_exclude(settings.qc_file) if settings.qc_file and scores_required else []
    check_rated(rated, scans)
    scans, out, remarks = without_rated(scans, rated)
    if not scans:
        raise DataError(f"Everybody is rated exclude in {settings.qc_file}: nobody is left.")
    kept, rows, doubtful, excluded, conflicts = _join(
        scans, resolved, settings.allow, required=scores_required
    )
    if not kept:
        raise DataError(
            _nobody(scans, known, excluded, settings.bids_dir, required=scores_required)
        )
    if scores_required:
        unseen, said = _without_derivatives(scans, resolved, settings.selection, out)
        excluded, conflicts = [*excluded, *unseen], [*conflicts, *said]
    return Participants(
        scans=tuple(kept),
        table=pd.DataFrame(rows).reset_index(drop=True),
        scores=resolved.scores,
        excluded=pd.DataFrame([*out, *excluded], columns=[*KEYS, "reason"]),
        notes=(*remarks, *resolved.problems, *conflicts),
        doubtful=pd.DataFrame.from_dict(doubtful, orient="index"),
        tables=resolved,
        visits=resolved.visits,
    )


def _check_names(scores: Mapping[str, Score]) -> None:
    """Raise where a score has the name of a predictor: it would be taken for one."""
    taken = [name for name in scores if is_feature(name) or name in (*KEYS, BASELINE)]
    if taken:
        raise UsageError(
            f"--scores-map calls a score {taken[0]}, which is the name of a column that models "
            f"predict from. Give the score another name, such as score_{taken[0]}."
        )


def _nobody(
    scans: Sequence[DerivedScan],
    known: pd.DataFrame,
    excluded: Excluded,
    bids_dir: Path,
    *,
    required: bool,
) -> str:
    """Why no scan can be used: identifiers that differ, or what each of them lacks."""
    labels = set(known["participant_id"])
    if not required or labels & {scan.participant_id for scan in scans}:
        return f"None of the {len(scans)} scans with derivatives can be used. {excluded[0][2]}"
    near = {scan.participant_id: near_miss(scan.participant_id, labels) for scan in scans}
    cause = next((f" For {name}, {found}." for name, found in near.items() if found), "")
    return (
        f"None of the {len(scans)} scans with derivatives has a row in the tables of "
        f"{bids_dir}.{cause} Check that participant_id is spelled alike."
    )


def _without_derivatives(
    scans: Sequence[DerivedScan], resolved: ResolvedTable, selection: Selection, rated: Excluded
) -> tuple[Excluded, list[str]]:
    """List people of the tables who were asked for and have a score, but no derivatives."""
    if selection.shard != (1, 1):
        return [], []
    scored = resolved.table[list(resolved.scores)].notna().any(axis=1)
    people = dict.fromkeys(resolved.table.loc[scored, "participant_id"])
    seen = {scan.participant_id for scan in scans} | {participant for participant, _, _ in rated}
    chosen = {f"sub-{label}" for label in selection.participants} or set(people)
    chosen -= {f"sub-{label}" for label in selection.excluded}
    absent = [person for person in people if person in chosen - seen]
    if not absent:
        return [], []
    listed: Excluded = []
    for person in absent:
        near = near_miss(person, seen - set(people))
        listed.append((person, None, f"no derivatives ({near})" if near else "no derivatives"))
    note = (
        f"{len(absent)} of {len(people)} people with a score have no derivatives; they are listed "
        "in excluded.tsv."
    )
    return listed, [note]


def _resolved(settings: Settings, required: bool) -> ResolvedTable:
    """What the tables say; nothing where there are none and none are required."""
    try:
        return resolve_columns(settings.bids_dir, settings.scores_map, strict=required)
    except InputMissingError:
        if required:
            raise
    note = "There are no participant tables: age, sex and time are treated as missing."
    return ResolvedTable(pd.DataFrame(columns=[*KEYS, "group"]), {}, (), (note,))


_Rows = list[dict[str, object]]
_Joined = tuple[list[DerivedScan], _Rows, dict[int, dict[str, object]], Excluded, list[str]]


def _join(
    scans: Sequence[DerivedScan], resolved: ResolvedTable, allowed: Sequence[str], *, required: bool
) -> _Joined:
    """Put tables and features of each scan in one row; list those that cannot be used."""
    kept: list[DerivedScan] = []
    rows: _Rows = []
    lost: dict[int, dict[str, object]] = {}
    excluded: Excluded = []
    notes: list[str] = []
    others: set[str] = set()
    earlier: list[str] = []
    doubtful: dict[str, Sequence[str]] = {}
    known = resolved.table
    by_person = dict(list(known.groupby("participant_id")))
    for scan in scans:
        own = by_person.get(scan.participant_id)
        near = near_miss(scan.participant_id, known["participant_id"]) if own is None else ""
        if near and not required:
            notes.append(f"{scan.prefix} has no row in the tables, but {near}.")
        keys = {"participant_id": scan.participant_id, "session_id": scan.session_id}
        try:
            if own is None and required:
                raise DataError(_no_row(near))
            row = row_of(own, scan.session_id, resolved.visits)
            features, strange = _features(scan)
        except MotorBidsAppError as error:
            log.warning("%s is left out: %s", scan.prefix, error)
            excluded.append((scan.participant_id, scan.session_id, str(error)))
            continue
        if of_earlier_regions(strange):
            earlier.append(scan.prefix)
        notes += _side_conflict(scan, row, features)
        trusted, sound, doubtful[scan.prefix] = without_doubtful(scan, features, allowed)
        if doubtful[scan.prefix]:
            lost[len(kept)] = {name: features[name] for name in features.keys() - sound.keys()}
        kept.append(trusted)
        rows.append(row | sound | keys)
        others.update(strange - of_earlier_regions(strange))
    notes += doubtful_notes(doubtful)
    notes += _not_read(others, earlier)
    return kept, rows, lost, excluded, notes


def _not_read(others: set[str], earlier: Sequence[str]) -> list[str]:
    """Say what of features tables was left out: others' columns, and regions of another atlas."""
    notes = []
    if earlier:
        notes.append(
            f"Features of {len(earlier)} scans ({some(earlier)}) are of an earlier version, whose "
            f"regions were those of AAL and not of {ATLAS}: what was measured by region was left "
            "out. Run the participant level on them again."
        )
    if others:
        notes.append(
            "Columns of features tables that the participant level does not write are not "
            f"predictors and were left out: {some(sorted(others))}."
        )
    return notes


def _side_conflict(
    scan: DerivedScan, row: Mapping[str, object], features: Mapping[str, object]
) -> list[str]:
    """Say where the tables name another side of the lesion than its mask shows."""
    told, seen = row.get("lesion_side"), features.get("lesion_side")
    if {told, seen} != {"left", "right"}:
        return []
    return [f"{scan.prefix}: the lesion is {told} by the tables, but {seen} in its mask (used)."]


def _no_row(near: str) -> str:
    more = f" {near[0].upper()}{near[1:]}: correct participant_id." if near else ""
    return f"There is no row for this person in the tables.{more}"


def _features(scan: DerivedScan) -> tuple[dict[str, object], set[str]]:
    """The features of a scan, numbers as numbers, and the columns that are none of ours."""
    if scan.features is None:
        return {}, set()
    check_intact(scan.features)
    line, cells = read_row(scan.features)
    owner = cells.get("participant_id")
    if owner is not None and participant_id(owner) != scan.participant_id:
        raise DataError(f"{scan.features} is of {owner}, by its participant_id. Replace it.")
    columns = [column for column in cells if column not in KEYS]
    strange = {name for name in columns if not is_feature(name)} | of_earlier_regions(columns)
    features: dict[str, object] = {}
    for name in (column for column in columns if column not in strange):
        cell = cells[name]
        if cell is not None:
            number = None if is_text(name) else numeric_cell(cell, name, scan.features, line)
            features[name] = cell if number is None else number
    return features, strange
