"""Who and what the page of a participant is about: for its head, and for a second look at files."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from motor_bids_app.bids.dataset import dataset_name
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.tables.cells import read_variable
from motor_bids_app.bids.tables.column import Column
from motor_bids_app.bids.tables.meanings import meaning_of
from motor_bids_app.bids.tables.scores import Score
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
_KEPT = 32  # tables


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
    person = f"sub-{scan.participant}"
    keys = [(person, None), *([(person, f"ses-{scan.session}")] if scan.session else [])]
    found: dict[str, str] = {}
    for path in (dataset / "participants.tsv", *sorted((dataset / "phenotype").glob("*.tsv"))):
        files = (path, path.with_suffix(".json"), *([scores_map] if scores_map else []))
        states = tuple(one.stat().st_mtime_ns if one.is_file() else 0 for one in files)
        table = _said_by(path, scores_map, states)
        for key in keys:
            found |= table.get(key, {})
    return found


@lru_cache(_KEPT)
def _said_by(
    path: Path, scores_map: Path | None, _states: tuple[int, ...]
) -> dict[tuple[str, str | None], dict[str, str]]:
    """What a table says of each of its rows; nothing where it cannot be read.

    Read once for all people, unless a file changes. The group level says what is wrong with it.
    """
    try:
        declared, table = load_scores_map(scores_map), read_source(path)
    except MotorBidsAppError:
        return {}
    found: dict[tuple[str, str | None], dict[str, str]] = {key: {} for key in table.keys.values()}
    for column in map(str, table.table.columns):
        name, _ = meaning_of(column, table.describes(column), declared)
        score = declared.get(name or "").score
        if name is None or not (score or name in _SHOWN):
            continue
        for row, words in _column_in_words(name, column, table, declared).items():
            found[table.keys[row]][score.label if score else name] = words
    return found


def _column_in_words(name: str, column: str, table: Source, declared: ScoresMap) -> dict[str, str]:
    """A quantity in words, by row; nothing of cells that are missing or not understood."""
    cells = table.table[column]
    described = Column.described(table.file, column, cells, table.describes(column))
    try:
        values = read_variable(name, described, declared.get(name)).series.dropna()
    except TableError:
        return {}
    score = declared.get(name).score
    return {
        row: _in_words(name, score, value, cells[row])
        for row, value in zip(map(str, values.index), values, strict=True)
    }


def _in_words(name: str, score: Score | None, value: Any, cell: str) -> str:
    if score is not None:
        whole = f" of {score.maximum:g}" if score.unit == "points" else ""
        return f"{value:g}{whole} {score.unit}"
    if name == "age":
        return f"{OLDEST}+" if "+" in cell else shown_age(float(value))
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
