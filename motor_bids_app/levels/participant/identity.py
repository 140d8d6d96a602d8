"""Who and what the page of a participant is about: for its head, and for a second look at files."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

import pandas as pd

from motor_bids_app.bids.dataset import dataset_name
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.tables.cells import read_variable
from motor_bids_app.bids.tables.column import Column
from motor_bids_app.bids.tables.meanings import meaning_of
from motor_bids_app.bids.tables.scores_map import ScoresMap, load_scores_map
from motor_bids_app.bids.tables.sources import Source, read_source
from motor_bids_app.errors import MotorBidsAppError, TableError
from motor_bids_app.levels.intact import record_of
from motor_bids_app.privacy import OLDEST, shown_age

_SHOWN = {
    "age": "Age (years)",
    "sex": "Sex",
    "group": "Group",
    "time_since_stroke": "Months since stroke",
}
_SEXES = {0.0: "female", 1.0: "male"}


def identity(
    scan: Scan, dataset: Path, features: Mapping[str, object], scores_map: Path | None = None
) -> dict[str, str]:
    """Facts that tell readers whose page it is, label to value; what nobody knows is left out.

    Age, sex, group, time since stroke and scores are what models read in participants.tsv and
    phenotype/, with their JSON files and the scores map: an age in months is told in years, and one
    above 89 as "89+". The date of a scan is not told: it identifies.
    """
    told = _told(scan, dataset, scores_map)
    found = {label: told.pop(name) for name, label in _SHOWN.items() if name in told}
    side = features.get("lesion_side")
    if side not in (None, "none"):
        found["Side of the lesion"] = str(side)
    return {"Dataset": dataset_name(dataset), **found, **told}


def processed_on(output_dir: Path, prefix: str) -> dict[str, str]:
    """Day of the last step before the report, labelled: the same until one of them runs again."""
    records, report = record_of(output_dir, prefix, "*"), record_of(output_dir, prefix, "report")
    days = [path.stat().st_mtime for path in records.parent.glob(records.name) if path != report]
    return {"Processed on": date.fromtimestamp(max(days)).isoformat()} if days else {}


def _told(scan: Scan, dataset: Path, scores_map: Path | None) -> dict[str, str]:
    """What tables say of the person, by the name of the quantity or the label of the score."""
    try:
        declared = load_scores_map(scores_map)
    except MotorBidsAppError:  # the group level says what is wrong with it
        return {}
    found: dict[str, str] = {}
    for table in _tables(dataset):
        for column in map(str, table.table.columns):
            name, _ = meaning_of(column, table.describes(column), declared)
            score = declared.get(name or "").score
            if name is None or not (score or name in _SHOWN):
                continue
            said = [_said(name, column, table, row, declared) for row in _rows(table, scan)]
            if any(said):
                found[score.label if score else name] = [words for words in said if words][-1]
    return found


def _tables(dataset: Path) -> Iterator[Source]:
    """Tables that can be read; the group level says what is wrong with others."""
    for path in (dataset / "participants.tsv", *sorted((dataset / "phenotype").glob("*.tsv"))):
        with suppress(MotorBidsAppError):
            yield read_source(path)


def _rows(table: Source, scan: Scan) -> list[str]:
    """Rows of the person, that of the session last."""
    person = f"sub-{scan.participant}"
    keys = [(person, None)] + ([(person, f"ses-{scan.session}")] if scan.session else [])
    places = {key: row for row, key in table.keys.items()}
    return [places[key] for key in keys if key in places]


def _said(name: str, column: str, table: Source, row: str, declared: ScoresMap) -> str:
    """A quantity of a person in words; empty where it is missing or not understood."""
    cells, score = table.table[column], declared.get(name).score
    described = Column.described(table.file, column, cells, table.describes(column))
    try:
        value = read_variable(name, described, declared.get(name)).series[row]
    except TableError:
        return ""
    if pd.isna(value):
        return ""
    if score is not None:
        whole = f" of {score.maximum:g}" if score.unit == "points" else ""
        return f"{value:g}{whole} {score.unit}"
    if name == "age":
        return f"{OLDEST}+" if "+" in cells[row] else shown_age(float(value))
    if name == "time_since_stroke":
        return f"{value:.3g}"
    return _SEXES[value] if name == "sex" else str(value)


def source_files(scan: Scan, folders: Sequence[Path]) -> tuple[str, ...]:
    """Input files, each relative to the dataset that it is in."""
    return tuple(dict.fromkeys(_relative(path, folders) for path in scan.paths))


def _relative(path: Path, folders: Sequence[Path]) -> str:
    for folder in folders:
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.name
