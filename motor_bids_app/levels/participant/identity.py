"""Who and what the page of a participant is about: for its head, and for a second look at files."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from motor_bids_app.bids.dataset import dataset_name
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.tables.sources import participants_table
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.privacy import is_code, shown_age

_SHOWN = {"age": "Age (years)", "sex": "Sex", "group": "Group"}


def identity(scan: Scan, dataset: Path, features: Mapping[str, object]) -> dict[str, str]:
    """Facts that tell readers whose page it is, label to value; what nobody knows is left out.

    Age, sex and group are those of participants.tsv, as it has them; the age above 89 is "89+".
    """
    found = {"Dataset": dataset_name(dataset), **_told(scan, dataset)}
    side = features.get("lesion_side")
    if side not in (None, "none"):
        found["Side of the lesion"] = str(side)
    return {**found, "Report made on": date.today().isoformat()}


def _told(scan: Scan, dataset: Path) -> dict[str, str]:
    """What participants.tsv says of the person; nothing of a table that cannot be read."""
    try:
        table = participants_table(dataset)
    except MotorBidsAppError:  # the group level says what is wrong with it
        return {}
    if table is None:
        return {}
    rows = table[table["participant_id"] == f"sub-{scan.participant}"]
    if len(rows) != 1:
        return {}
    told = {}
    for name, label in _SHOWN.items():
        cell = rows.iloc[0].get(name)
        if not isinstance(cell, str) or cell == "n/a":
            continue
        years = pd.to_numeric(cell, errors="coerce") if name == "age" else None
        if years is not None and not pd.isna(years):
            told[label] = shown_age(float(years))
        elif years is None and (is_code(cell) or cell.lower() in _WORDS):
            told[label] = cell
    return told


_WORDS = frozenset({"female", "male", "patient", "control", "stroke", "healthy"})


def source_files(scan: Scan, folders: Sequence[Path]) -> tuple[str, ...]:
    """Input files, each relative to the dataset that it is in."""
    return tuple(dict.fromkeys(_relative(path, folders) for path in scan.paths))


def _relative(path: Path, folders: Sequence[Path]) -> str:
    for folder in folders:
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.name
