"""Bring EEG or EMG in columns of plain text into a BIDS dataset."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from motor_bids_app.bids.dataset import BIDS_VERSION
from motor_bids_app.bids.edf import write_edf
from motor_bids_app.bids.files import write_json, write_table
from motor_bids_app.bids.paths import DerivativePath
from motor_bids_app.errors import DataError, OutputError
from motor_bids_app.opening import read_text
from motor_bids_app.physiology.text_columns import TextColumns, parse_columns

MICROVOLTS = {"V": 1e6, "mV": 1e3, "uV": 1.0, "nV": 1e-3}


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """One file to convert, and what its header does not say.

    Parameters
    ----------
    source, dataset : Path
        The text, and the dataset, which is begun where there is none.
    kind : str
        'eeg' or 'emg'.
    participant, session, task : str
        Labels; session may be None.
    channels : tuple of str
        Names of the columns; empty: those of the header. Columns named as those that count rows
        (nSeq, time, ...) are left out.
    rate : float or None
        Samples per second; None: as in the header.
    unit : str or None
        One of `MICROVOLTS`; None: as in the header.
    per_count : float or None
        Microvolts of one count of a converter, instead of a unit.
    mains : float or None
        Hz, if known.
    """

    source: Path
    dataset: Path
    kind: str
    participant: str
    session: str | None = None
    task: str
    channels: tuple[str, ...] = ()
    rate: float | None = None
    unit: str | None = None
    per_count: float | None = None
    mains: float | None = None


def convert(conversion: Conversion) -> Path:
    """Write the recording as EDF with its sidecars, and return its path.

    Raises
    ------
    DataError
        The text cannot be understood, or something is not told.
    OutputError
        There is such a recording already.
    """
    columns = parse_columns(read_text(conversion.source), conversion.channels)
    names = columns.labels
    if len(names) != len(columns.values):
        raise DataError(
            f"{conversion.source.name} has {len(columns.values)} columns of signals, but "
            f"{len(names)} names. Give one name for each with --channels."
        )
    if len(set(names)) < len(names):
        raise DataError(f"Two columns have one name ({', '.join(names)}). Give each its own.")
    rate = conversion.rate or columns.rate
    if rate is None:
        raise DataError(
            f"{conversion.source.name} does not state its sampling rate. Give it with --rate."
        )
    path = _path(conversion, conversion.kind, ".edf")
    if path.exists():
        raise OutputError(f"{path} exists already. Remove it, or choose another label or task.")
    write_edf(path, _factor(conversion, columns) * columns.values, names, rate)
    _describe(conversion, names, rate)
    return path


def _factor(conversion: Conversion, columns: TextColumns) -> float:
    """Microvolts of one unit of the text."""
    if conversion.per_count is not None:
        return conversion.per_count
    unit = conversion.unit or (columns.unit or "").replace("µ", "u").replace("μ", "u")
    if unit not in MICROVOLTS:
        raise DataError(
            f"{conversion.source.name} does not state its unit. Give --unit "
            f"{'|'.join(MICROVOLTS)}, or --microvolts-per-count where it holds counts of a "
            "converter."
        )
    return MICROVOLTS[unit]


def _describe(conversion: Conversion, names: tuple[str, ...], rate: float) -> None:
    kind = conversion.kind
    description = conversion.dataset / "dataset_description.json"
    if not description.exists():
        write_json(
            description,
            {
                "Name": conversion.dataset.name,
                "BIDSVersion": BIDS_VERSION,
                "DatasetType": "raw",
            },
        )
    sidecar: dict[str, Any] = {
        "TaskName": conversion.task,
        "SamplingFrequency": rate,
        "PowerLineFrequency": conversion.mains or "n/a",
        "SoftwareFilters": "n/a",
        "RecordingType": "continuous",
        f"{kind.upper()}Reference": "n/a",
        f"{kind.upper()}ChannelCount": len(names),
    }
    if kind == "emg":
        sidecar |= {
            "EMGPlacementScheme": "Other",
            "EMGPlacementSchemeDescription": "not told by the file that was converted",
        }
    write_json(_path(conversion, kind, ".json"), sidecar)
    channels = pd.DataFrame({"name": names, "type": kind.upper(), "units": "uV"})
    write_table(_path(conversion, "channels", ".tsv"), channels)


def _path(conversion: Conversion, suffix: str, extension: str) -> Path:
    name = DerivativePath(
        sub=conversion.participant,
        ses=conversion.session,
        task=conversion.task,
        datatype=conversion.kind,
        suffix=suffix,
        extension=extension,
    )
    return conversion.dataset / str(name)
