"""Places of electrodes as the dataset or the recording itself gives them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from motor_bids_app.bids.files import read_json
from motor_bids_app.bids.recordings import RecordingFile
from motor_bids_app.bids.tables.tsv import numeric_column, read_table
from motor_bids_app.physiology.montage import plain_name
from motor_bids_app.physiology.placement import declared_axes, names_that_fit, place_electrodes
from motor_bids_app.physiology.recording import Array

_MISSING = np.full(3, np.nan)


def read_places(
    raw: Any, file: RecordingFile, names: Sequence[str], kinds: Sequence[str]
) -> tuple[Array, tuple[str, ...]]:
    """Places of channels on the unit sphere, NaN where unknown, and what a reader should know.

    Measured places are of electrodes.tsv, else of the recording; else they go by names.
    """
    points, system = _from_tables(file)
    if not points:
        montage = raw.get_montage()
        points = dict(montage.get_positions()["ch_pos"]) if montage else {}
        system = {"EEGCoordinateSystem": "CapTrak"}  # what MNE turns places into
    measured = np.array([_of(name, points) for name in names], dtype=float)
    measured[(measured == 0).all(axis=1)] = np.nan
    landmarks = system.get("AnatomicalLandmarkCoordinates")
    placed = place_electrodes(
        measured,
        names,
        declared_axes(
            str(system.get("EEGCoordinateSystem", "")),
            str(system.get("EEGCoordinateSystemDescription", "")),
        ),
        landmarks if isinstance(landmarks, dict) else None,
        [k for k, kind in enumerate(kinds) if kind == "eog"],
    )
    return placed.places, (*filter(None, [placed.note]), *_misnamed(names, placed.places))


def _from_tables(file: RecordingFile) -> tuple[dict[str, Array], dict[str, Any]]:
    """Points by name, and their coordinate system; empty where there is no table of them."""
    path = file.table("electrodes")
    if path is None:
        return {}, {}
    table = read_table(path)
    if not {"name", "x", "y", "z"} <= set(table):
        return {}, {}
    values = np.stack([numeric_column(table, axis, path) for axis in "xyz"], axis=1)
    known = np.isfinite(values).all(axis=1)
    points = dict(zip(table["name"][known], values[known], strict=True))
    systems = [path for path in file.described if path.name.endswith("coordsystem.json")]
    return points, read_json(systems[-1]) if systems else {}


def _of(name: str, points: Mapping[str, Array]) -> Array:
    """Place of a channel, whatever exporters added to its name."""
    return points.get(name, points.get(plain_name(name), _MISSING))


def _misnamed(names: Sequence[str], places: Array) -> tuple[str, ...]:
    fits = names_that_fit(names, places)
    wrong = [name for name, fit in zip(names, fits, strict=True) if not fit]
    if not wrong:
        return ()
    return (
        f"The names of {len(wrong)} electrodes ({', '.join(wrong[:4])}) are not those of the 10-20 "
        "system: they lie elsewhere by their measured places, which decide.",
    )
