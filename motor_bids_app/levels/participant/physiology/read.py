"""Reading of EEG and EMG recordings with what their dataset says of them."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import mne_bids
import numpy as np
import pandas as pd

from motor_bids_app.bids.recordings import RecordingFile, check_parts
from motor_bids_app.bids.search import number_in, read_sidecars
from motor_bids_app.bids.tables.event_names import EventName
from motor_bids_app.bids.tables.tsv import check_for_libraries, numeric_column, read_table
from motor_bids_app.errors import DataError, ReadWriteError
from motor_bids_app.levels.participant.physiology.electrodes import read_places
from motor_bids_app.levels.participant.physiology.events import read_events
from motor_bids_app.physiology.montage import plain_name
from motor_bids_app.physiology.recording import Array, Recording

_KINDS = {"EEG": "eeg", "EMG": "emg", "EOG": "eog", "VEOG": "eog", "HEOG": "eog"}
_LEFT_OUT = (  # types that BIDS knows, and this app has no use for
    "AUDIO", "ECG", "EYEGAZE", "GSR", "MISC", "PPG", "PUPIL", "REF", "RESP", "SYSCLOCK", "TEMP",
    "TRIG", "DBS", "ECOG", "SEEG", "ACCEL", "ANGACCEL", "GYRO", "MAGN", "POS", "VEL", "LATENCY",
    "ORNT", "JNTANG",
)  # fmt: skip
_VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6, "μV": 1e-6, "nV": 1e-9}
_MICRO = 1e6
_MAINS = (45.0, 65.0)  # Hz; 50 and 60 in all countries
_SAME_RATE = 0.01  # share by which header and sidecar may differ in the sampling rate
_NUMERIC = {"onset", "duration", "x", "y", "z"}
_SIDECARS = ("eeg.json", "emg.json")


def read_recording(
    file: RecordingFile, event_names: Sequence[EventName] = ()
) -> tuple[Recording, tuple[str, ...]]:
    """Read a recording in microvolts; and what a reader should know of it.

    `event_names` are what the user calls events: task, name in the recording, name to take.

    Raises
    ------
    ReadWriteError
        The file is damaged, or contradicts the files that describe it.
    TableError
        One of these is no tab-separated table.
    DataError
        No channel can be used.
    """
    channels, sidecar = _channels(file), _sidecar(file)
    raw = _read(file)
    notes: list[str] = []
    kinds = _kinds(raw, file, channels, notes)
    kept = [k for k, kind in enumerate(kinds) if kind]
    if not kept:
        raise DataError(
            f"{file.path.name} has no channel of type EEG, EMG or EOG. Give the types in "
            "channels.tsv."
        )
    names = [raw.ch_names[k] for k in kept]
    signals = raw.get_data(picks=kept) * _MICRO
    signals *= _unit_factors(raw, names, channels, notes)[:, None]
    muscles = channels["target_muscle"] if "target_muscle" in channels else pd.Series(dtype=str)
    own_kinds = [kinds[k] for k in kept]
    places, about_places = read_places(raw, file, names, own_kinds)
    events, about_events = read_events(raw, file, event_names)
    shown = tuple(map(_shown_name, names, own_kinds))
    bad = _declared_bad(raw, channels)
    notes += [*about_places, *about_events, *_another_rate(raw, sidecar)]
    recording = Recording(
        signals=signals,
        rate=float(raw.info["sfreq"]),
        names=shown,
        kinds=tuple(own_kinds),
        muscles=tuple(_text(muscles.get(name)) for name in names),
        places=places,
        events=events,
        mains=_mains(raw, sidecar),
        bad=tuple(own for own, name in zip(shown, names, strict=True) if name in bad),
    )
    if len(set(recording.names)) < len(names):
        raise DataError(f"{file.path.name} has two channels of one name. Rename one of them.")
    return recording, tuple(notes)


def _channels(file: RecordingFile) -> pd.DataFrame:
    """The table of channels by name, empty where there is none; all other tables are checked."""
    for described in file.described:
        if described.suffix == ".tsv":
            check_for_libraries(described)
            found = read_table(described)
            for name in _NUMERIC & {*found}:
                numeric_column(found, name, described)
            if described.name.endswith("events.tsv") and not {"onset", "duration"} <= {*found}:
                raise ReadWriteError(
                    f"{described} needs the columns onset and duration, in seconds; it has "
                    f"{', '.join(map(str, found))}."
                )
    table = file.table("channels")
    channels = read_table(table) if table else pd.DataFrame(columns=["name", "type", "units"])
    if "name" not in channels:
        raise ReadWriteError(f"{table} has no column name. Name the channels of {file.path.name}.")
    channels = channels.drop_duplicates()
    twice = channels["name"][channels["name"].duplicated()]
    if len(twice):
        raise ReadWriteError(
            f"{table} has the channel {twice.iloc[0]} twice, with different entries. Keep one."
        )
    return channels.set_index("name")


def _sidecar(file: RecordingFile) -> dict[str, Any]:
    """What the JSON files say of a recording; its frequencies are numbers, or not there."""
    sidecar = read_sidecars([path for path in file.described if path.name.endswith(_SIDECARS)])
    for key in ("PowerLineFrequency", "SamplingFrequency"):
        if sidecar.get(key) != "n/a":
            number_in(sidecar, key)
    return sidecar


def _read(file: RecordingFile) -> Any:
    """The recording as mne-bids reads it."""
    check_parts(file.path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters in them is checked here
            place = mne_bids.get_bids_path_from_fname(file.path, check=False, verbose="ERROR")
            place.update(root=file.root)
            # Types, units and status are matched by name here, whatever the order of channels.tsv.
            raw = mne_bids.read_raw_bids(place, on_ch_mismatch="warn", verbose="ERROR")
            return raw.load_data(verbose="ERROR")
    except Exception as error:  # its readers raise whatever a damaged file leads them to
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise ReadWriteError(
            f"{file.path} cannot be read with what describes it: {said}. Repair or replace the "
            "file, or correct its channels.tsv."
        ) from error


def _kinds(raw: Any, file: RecordingFile, channels: pd.DataFrame, notes: list[str]) -> list[str]:
    """Kind of each channel, '' for those left out; types come from channels.tsv, else the file."""
    types = channels["type"].fillna("").str.upper() if "type" in channels else pd.Series(dtype=str)
    own_folder = file.path.parent.name
    kinds: list[str] = []
    unknown: dict[str, list[str]] = {}
    for name, by_file in zip(raw.ch_names, raw.get_channel_types(), strict=True):
        kind = types.get(name, "")
        if not kind:
            # A file format that knows no types makes everything EEG.
            guess = by_file.upper()
            kind = own_folder.upper() if guess == "EEG" and own_folder == "emg" else guess
            kind = _by_name(name, kind)
        elif kind not in _KINDS and kind not in _LEFT_OUT:
            unknown.setdefault(kind, []).append(name)
        kinds.append(_KINDS.get(kind, ""))
    absent = [name for name in types.index if name not in raw.ch_names]
    if len(types) and 2 * len(absent) > len(types):
        raise ReadWriteError(
            f"{file.path} has channels {_some(raw.ch_names)}, and most of those in channels.tsv "
            f"({_some(absent)}) are not among them: replace it, or correct its channels.tsv."
        )
    if absent:
        notes.append(f"channels.tsv lists {_some(absent)}, which the recording does not have.")
    for kind, names in unknown.items():
        notes.append(
            f"channels.tsv calls {_some(names)} {kind}, a type that BIDS does not have: left out."
        )
    return kinds


def _shown_name(name: str, kind: str) -> str:
    """Name without what exporters add to that of an electrode; of a muscle, 're' is the right."""
    return name.strip() if kind == "emg" else plain_name(name)


def _declared_bad(raw: Any, channels: pd.DataFrame) -> set[str]:
    """Channels that the recording or channels.tsv calls bad."""
    bad = set(raw.info["bads"])
    if "status" in channels:
        bad |= set(channels.index[channels["status"].fillna("").str.lower() == "bad"])
    return bad


def _by_name(name: str, kind: str) -> str:
    """Type of a channel that is EEG by default, where its name tells another."""
    if kind != "EEG":
        return kind
    upper = name.upper()
    for ending in ("EOG", "ECG", "EKG", "EMG", "STATUS", "TRIG", "RESP", "GSR", "EVENT"):
        if ending in upper:
            return ending
    return kind


def _unit_factors(
    raw: Any, names: Sequence[str], channels: pd.DataFrame, notes: list[str]
) -> Array:
    """Factor of each channel that the file's header has no unit for, shape (C,)."""
    units = channels["units"] if "units" in channels else pd.Series(dtype=str)
    factors, differing = np.ones(len(names)), []
    for k, name in enumerate(names):
        header, table = str(raw._orig_units.get(name, "")), _text(units.get(name))
        if table not in _VOLTS:
            continue
        if header not in _VOLTS:
            known = header == "" and file_has_units(raw)
            factors[k] = 1.0 if known else _VOLTS[table]
        elif _VOLTS[header] != _VOLTS[table]:
            differing.append(name)
    if differing:
        notes.append(
            f"channels.tsv gives another unit than the recording for {_some(differing)}; that of "
            "the recording was used."
        )
    return factors


def file_has_units(raw: Any) -> bool:
    """Whether the format stores volts by definition, so that no unit is needed."""
    return not raw._orig_units


def _another_rate(raw: Any, sidecar: Mapping[str, Any]) -> list[str]:
    """Say where the sidecar tells another sampling rate than the recording."""
    told, own = sidecar.get("SamplingFrequency"), float(raw.info["sfreq"])
    if not isinstance(told, int | float) or abs(told - own) <= _SAME_RATE * own:
        return []
    return [
        f"The sidecar says {told:g} samples per second, and the recording itself {own:g}, which "
        "was used: if that is wrong, all times and frequencies are. Correct SamplingFrequency, or "
        "the header of the recording."
    ]


def _mains(raw: Any, sidecar: Mapping[str, Any]) -> float | None:
    """Frequency of the mains, Hz, as sidecars of all levels tell it, else the file.

    What is that of no country is not believed: the mains is then looked for in the signals.
    """
    told = sidecar.get("PowerLineFrequency", raw.info["line_freq"])
    known = isinstance(told, int | float) and _MAINS[0] <= told <= _MAINS[1]
    return float(told) if known else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
