"""The EEG and the EMG of a participant and session, chosen among those that are there."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from motor_bids_app.bids.listing import Found
from motor_bids_app.bids.search import choose, inherited
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import MotorBidsAppError, ReadWriteError
from motor_bids_app.opening import check_file, read_bytes

EXTENSIONS = (".edf", ".bdf", ".vhdr", ".set", ".fif")
_LONGEST_HEADER = 2**24  # bytes, of BrainVision
_NAMED_PARTS = re.compile(
    r"^[ \t]*(DataFile|MarkerFile)[ \t]*=[ \t]*(\S.*?)[ \t]*\r?$", re.M | re.I
)
_COMPANIONS = {".vhdr": (".eeg", ".vmrk", ".dat"), ".set": (".fdt",)}
_DESCRIBED = (
    ("channels", ".tsv"),
    ("events", ".tsv"),
    ("electrodes", ".tsv"),
    ("coordsystem", ".json"),
)


@dataclass(frozen=True, kw_only=True)
class RecordingFile:
    """A recording and what describes it.

    Parameters
    ----------
    path, root : Path
        The file, and the dataset it is in.
    kind : str
        'eeg' or 'emg': which of its channels are meant. Their datatype is that of the folder.
    task, acq, run : str or None
        Labels, for the names of what is made from it.
    described : tuple of Path
        Sidecars, channels, events, electrodes and coordinate systems that apply to it.
    """

    path: Path
    root: Path
    kind: str
    task: str | None = None
    acq: str | None = None
    run: str | None = None
    described: tuple[Path, ...] = ()

    @property
    def files(self) -> dict[str, Path]:
        """All files that a step reads of it, by what they are."""
        extensions = _COMPANIONS.get(self.path.suffix.lower(), ())
        parts = [self.path.with_suffix(extension) for extension in extensions]
        numbered = [*(part for part in parts if part.is_file()), *self.described]
        return {self.kind: self.path} | {
            f"{self.kind}_{number}": path for number, path in enumerate(numbered)
        }

    def table(self, suffix: str) -> Path | None:
        """The 'channels' or 'events' table that applies to it."""
        ending = f"_{suffix}.tsv"
        named = [path for path in self.described if path.name.endswith(ending)]
        top = [path for path in self.described if path.name == ending[1:]]
        found = named or top
        return found[-1] if found else None


def choose_recordings(
    files: Sequence[Found], tasks: Sequence[str], root: Path
) -> tuple[RecordingFile | None, RecordingFile | None, tuple[str, ...]]:
    """Take one EEG and one EMG, of the same task where there is one, and say which.

    Where there is no EMG file, channels of the EEG that are typed EMG are taken for it.

    Parameters
    ----------
    files : sequence of Found
        Recordings of one participant and session.
    tasks : sequence of str
        Labels to choose from; empty: any.
    root : Path
        The dataset, up to which sidecars are inherited.

    Returns
    -------
    eeg, emg : RecordingFile or None
    notes : tuple of str
    """
    notes: list[str] = []
    by_kind = {
        kind: [file for file in files if str(file.get("suffix")).lower() == kind]
        for kind in ("eeg", "emg")
    }
    if tasks:
        for kind, here in by_kind.items():
            by_kind[kind] = [file for file in here if file.get("task") in tasks]
            if here and not by_kind[kind]:
                notes.append(f"{kind} left out: its tasks are {_tasks(here)}")
    shared = _task_set(by_kind["eeg"]) & _task_set(by_kind["emg"])
    chosen: dict[str, RecordingFile | None] = {}
    for kind, here in by_kind.items():
        kept = [file for file in here if file.get("task") in shared] or here
        if kind == "emg" and chosen["eeg"] is not None:
            kept = [file for file in kept if at_once(file.path, chosen["eeg"].path)] or kept
        best, remarks = choose(kept, kind)
        notes += [remark.replace(" images", " recordings") for remark in remarks]
        chosen[kind] = _described(best, kind, root) if best else None
    eeg, emg = chosen["eeg"], chosen["emg"]
    if eeg and emg is None and "EMG" in _types(eeg):
        emg = replace(eeg, kind="emg")
    if eeg and emg and not at_once(eeg.path, emg.path):
        notes.append(
            f"{eeg.path.name} and {emg.path.name} are of different times: not set in relation"
        )
    return eeg, emg, tuple(notes)


def check_parts(path: Path) -> None:
    """Raise unless a recording, and the files that its header names, are files in one folder.

    Readers follow the header of BrainVision wherever it leads.

    Raises
    ------
    InputMissingError, ReadWriteError
        A part is missing, is no file, or is named as one of another folder.
    """
    check_file(path)
    parts = [path.with_suffix(extension) for extension in _COMPANIONS.get(path.suffix.lower(), ())]
    parts = [part for part in parts if os.path.lexists(part)]
    if path.suffix.lower() == ".vhdr":
        header = read_bytes(path, _LONGEST_HEADER).decode("latin-1")
        for key, name in _NAMED_PARTS.findall(header):
            if name != Path(name).name or "\\" in name:
                raise ReadWriteError(
                    f"{path} names {name!r:.80} as its {key}, which is not a file beside it. "
                    "Correct the name in the header."
                )
            parts.append(path.with_name(name.replace("$b", path.stem)))
    for part in parts:
        check_file(part)


def at_once(one: Path, other: Path) -> bool:
    """Whether two recordings, by their names, are of one task and run, and so of the same time."""
    return all(
        _in_name(one.name, key) == _in_name(other.name, key)
        for key in ("sub", "ses", "task", "run")
    )


def _described(file: Found, kind: str, root: Path) -> RecordingFile:
    path = file.path
    tables = [
        found
        for suffix, extension in _DESCRIBED
        for found in inherited(path, extension, root, suffix=suffix)
    ]
    return RecordingFile(
        path=path,
        root=root,
        kind=kind,
        task=_label(file, "task"),
        acq=_label(file, "acq"),
        run=_label(file, "run"),
        described=(*inherited(path, ".json", root), *tables),
    )


def _types(recording: RecordingFile) -> set[str]:
    """Types of channels that channels.tsv names."""
    table = recording.table("channels")
    try:
        channels = read_table(table) if table else None
    except MotorBidsAppError:
        return set()  # reading the recording says what is wrong
    if channels is None or "type" not in channels:
        return set()
    return set(channels["type"].dropna().str.upper())


def _label(file: Found, key: str) -> str | None:
    """Label as it is in the name: pybids makes numbers of some."""
    return _in_name(file.path.name, key)


def _in_name(file_name: str, key: str) -> str | None:
    pairs = (pair.partition("-") for pair in file_name.split("_"))
    return next((label for name, _, label in pairs if name == key), None)


def _task_set(files: Sequence[Found]) -> set[str]:
    return {file.get("task") for file in files} - {None}


def _tasks(files: Sequence[Found]) -> str:
    return ", ".join(sorted({f"task-{file.get('task')}" for file in files}))
