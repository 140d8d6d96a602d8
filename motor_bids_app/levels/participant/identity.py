"""Who and what the page of a participant is about: for its head, and for a second look at files."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from motor_bids_app.bids.dataset import dataset_name
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.tables.cells import read_variable
from motor_bids_app.bids.tables.column import Column
from motor_bids_app.bids.tables.scores_map import ScoresMap, load_scores_map
from motor_bids_app.bids.tables.sources import Source, read_source
from motor_bids_app.errors import MotorBidsAppError, TableError
from motor_bids_app.privacy import OLDEST, shown_age

_SHOWN = {"age": "Age (years)", "sex": "Sex", "group": "Group"}
_SEXES = {0.0: "female", 1.0: "male"}


def identity(
    scan: Scan, dataset: Path, features: Mapping[str, object], scores_map: Path | None = None
) -> dict[str, str]:
    """Facts that tell readers whose page it is, label to value; what nobody knows is left out.

    Age, sex and group are what models read in participants.tsv, with its JSON file and the scores
    map: an age in months is told in years, and one above 89 as "89+".
    """
    found = {"Dataset": dataset_name(dataset), **_told(scan, dataset, scores_map)}
    side = features.get("lesion_side")
    if side not in (None, "none"):
        found["Side of the lesion"] = str(side)
    return {**found, "Report made on": date.today().isoformat()}


def _told(scan: Scan, dataset: Path, scores_map: Path | None) -> dict[str, str]:
    """What participants.tsv says of the person; nothing of a table that cannot be read."""
    try:
        table, declared = read_source(dataset / "participants.tsv"), load_scores_map(scores_map)
    except MotorBidsAppError:  # the group level says what is wrong with it
        return {}
    rows = [row for row, (who, _) in table.keys.items() if who == f"sub-{scan.participant}"]
    if len(rows) != 1:
        return {}
    found = {label: _said(name, table, rows[0], declared) for name, label in _SHOWN.items()}
    return {label: words for label, words in found.items() if words}


def _said(name: str, table: Source, row: str, declared: ScoresMap) -> str:
    """A quantity of a person in words; empty where it is missing or not understood."""
    if name not in table.table:
        return ""
    cells = table.table[name]
    column = Column.described(table.file, name, cells, table.describes(name))
    try:
        value = read_variable(name, column, declared.get(name)).series[row]
    except TableError:
        return ""
    if pd.isna(value):
        return ""
    if name == "age":
        return f"{OLDEST}+" if "+" in cells[row] else shown_age(float(value))
    return _SEXES[value] if name == "sex" else str(value)


def source_files(scan: Scan, folders: Sequence[Path]) -> tuple[str, ...]:
    """Input files, each relative to the dataset that it is in."""
    return tuple(dict.fromkeys(_relative(path, folders) for path in scan.paths))


def _relative(path: Path, folders: Sequence[Path]) -> str:
    for folder in folders:
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.name
