"""Derivatives of EEG and EMG: names, sidecars, tables; and reading them again."""

from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
from mne._fiff.write import get_machid
from numpy.typing import NDArray

from motor_bids_app.bids.edf import write_edf
from motor_bids_app.bids.files import read_json, replacing, write_json, write_table
from motor_bids_app.bids.recordings import RecordingFile
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import ReadWriteError
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.physiology.channels import STEP
from motor_bids_app.physiology.cleaning import Cleaned
from motor_bids_app.physiology.recording import Event, Recording
from motor_bids_app.physiology.windows import Windows
from motor_bids_app.reports.participant import signal_checks

BAD = "BAD_artefact"  # kind of the events that mark what cannot be trusted, as MNE has it
_MICRO = 1e6
_CHANNEL_COLUMNS = ("name", "type", "units", "status", "status_description")
_HEAD = 0.095  # m, radius of the sphere that places are saved on


def signal_path(
    outputs: Outputs, file: RecordingFile, suffix: str, extension: str, desc: str
) -> Path:
    """Path of a file made from a recording."""
    return outputs.path(
        suffix,
        file.kind,
        task=file.task,
        acq=file.acq,
        run=file.run,
        desc=desc,
        extension=extension,
    )


def save_recording(cleaned: Cleaned, file: RecordingFile, outputs: Outputs) -> None:
    """Save the cleaned signals with their sidecar, channels, places and events."""
    recording, kind = cleaned.recording, file.kind
    path = signal_path(outputs, file, kind, ".edf", "preproc")
    write_edf(path, recording.signals, recording.names, recording.rate)
    reference = "average" if kind == "eeg" else "as recorded"
    filters: dict[str, Any] = {
        "Butterworth": {
            "order": 4,
            "passes": 2,
            "low cutoff (Hz)": cleaned.band[0],
            "high cutoff (Hz)": cleaned.band[1],
        }
    }
    if cleaned.mains:
        filters["notches"] = {"mains (Hz)": cleaned.mains, "width (Hz)": 2, "harmonics": True}
    sidecar: dict[str, Any] = {
        "Sources": [outputs.uri(file.path)],
        "TaskName": file.task or "n/a",
        f"{kind.upper()}Reference": reference,
        "SamplingFrequency": recording.rate,
        "PowerLineFrequency": cleaned.mains or "n/a",
        "SoftwareFilters": filters,
        "RecordingType": "continuous",
        "RecordingDuration": recording.seconds,
        f"{kind.upper()}ChannelCount": len(recording.names),
    }
    if kind == "emg":
        sidecar |= {
            "EMGPlacementScheme": "Other",
            "EMGPlacementSchemeDescription": "as in the raw dataset",
        }
    write_json(path.with_suffix(".json"), sidecar)
    tables = [_save_channels(cleaned, file, outputs), _save_events(cleaned, file, outputs)]
    outputs.written.extend([path, path.with_suffix(".json"), *tables])


def _save_channels(cleaned: Cleaned, file: RecordingFile, outputs: Outputs) -> Path:
    recording = cleaned.recording
    reasons = [cleaned.bad.get(name, "") for name in recording.names]
    made = set(cleaned.interpolated)
    words = [
        f"{reason}; interpolated" if name in made else reason
        for name, reason in zip(recording.names, reasons, strict=True)
    ]
    table = pd.DataFrame(
        {
            "name": recording.names,
            "type": file.kind.upper(),
            "units": "uV",
            "status": ["bad" if name in recording.bad else "good" for name in recording.names],
            "status_description": [word or None for word in words],
        }
    )
    if file.kind == "emg":
        table["target_muscle"] = [muscle or None for muscle in recording.muscles]
    path = signal_path(outputs, file, "channels", ".tsv", "preproc")
    write_table(path, table)
    return path


def _save_events(cleaned: Cleaned, file: RecordingFile, outputs: Outputs) -> Path:
    """Save the events, and among them the stretches that cannot be trusted."""
    flags = np.concatenate([[0], cleaned.bad_segments.astype(int), [0]])
    bad = [
        Event(onset=first * STEP, duration=(last - first) * STEP, kind=BAD)
        for first, last in np.flatnonzero(np.diff(flags)).reshape(-1, 2)
    ]
    events = sorted([*cleaned.recording.events, *bad], key=lambda event: event.onset)
    table = pd.DataFrame(
        [(event.onset, event.duration, event.kind) for event in events],
        columns=["onset", "duration", "trial_type"],
    )
    path = signal_path(outputs, file, "events", ".tsv", "preproc")
    write_table(path, table)
    return path


def save_windows(windows: Windows, cleaned: Cleaned, file: RecordingFile, outputs: Outputs) -> None:
    """Save windows as epochs of MNE, with their onsets as events and their kinds as names."""
    recording = cleaned.recording
    info = mne.create_info([*recording.names], recording.rate, file.kind, verbose="ERROR")
    if recording.located.any():
        places = {
            name: _HEAD * place
            for name, place, known in zip(
                recording.names, recording.places, recording.located, strict=True
            )
            if known
        }
        info.set_montage(
            mne.channels.make_dig_montage(places, coord_frame="head"),
            on_missing="ignore",
            verbose="ERROR",
        )
    info["bads"] = [*recording.bad]
    codes = {kind: number for number, kind in enumerate(sorted(set(windows.kinds)), start=1)}
    starts = np.rint(windows.onsets * recording.rate).astype(int)
    events = np.column_stack(
        [starts, np.zeros_like(starts), [codes[kind] for kind in windows.kinds]]
    )
    epochs = mne.EpochsArray(
        windows.signals / _MICRO, info, events, event_id=codes, baseline=None, verbose="ERROR"
    )
    path = signal_path(outputs, file, "epo", ".fif", "windows")
    with replacing(path) as temporary:
        # MNE wants its ending, and puts what is too large in files of their own.
        epochs.save(temporary, fmt="single", overwrite=True, split_size="2GB", verbose="ERROR")
        _forget_machine(temporary)
    write_json(
        path.with_suffix(".json"),
        {
            "Sources": [outputs.uri(signal_path(outputs, file, file.kind, ".edf", "preproc"))],
            "Description": "Windows without overlap, those with artefacts left out; events name "
            "what most of a window was spent on",
            "SamplingFrequency": recording.rate,
            "WindowsRejected": windows.n_rejected,
        },
    )
    outputs.written.extend([path, path.with_suffix(".json")])


def _forget_machine(path: Path) -> None:
    """Take the address of this machine's network card out of a file of MNE, which puts it there."""
    number = get_machid().astype(">i4").tobytes()
    content = path.read_bytes()
    if number in content:
        path.write_bytes(content.replace(number, bytes(len(number))))


def save_figures(cleaned: Cleaned, windows: Windows, kind: str, outputs: Outputs) -> None:
    """Save the pictures of a recording for the report."""
    outputs.save_figure(signal_checks.spectra(cleaned, kind))
    outputs.save_figure(signal_checks.rejected(cleaned, windows, kind))
    if kind == "eeg" and cleaned.recording.located.any():
        outputs.save_figure(
            signal_checks.channel_map(cleaned.recording, cleaned.bad, cleaned.interpolated)
        )


def cleaned_path(outputs: Outputs, kind: str) -> Path | None:
    """Cleaned EEG or EMG that was saved; None if none was."""
    folder = outputs.path(kind, kind).parent
    return next(iter(sorted(folder.glob(f"{outputs.prefix}_*desc-preproc_{kind}.edf"))), None)


def load_cleaned(outputs: Outputs, kind: str) -> tuple[Recording, NDArray[np.bool_]] | None:
    """Cleaned EEG or EMG that was saved, and its samples that can be trusted; None if none was.

    Raises
    ------
    ReadWriteError
        A file is damaged.
    """
    path = cleaned_path(outputs, kind)
    if path is None:
        return None
    folder, stem = path.parent, path.name.removesuffix(f"_{kind}.edf")
    channels = read_table(folder / f"{stem}_channels.tsv")
    table = read_table(folder / f"{stem}_events.tsv")
    sidecar = read_json(path.with_suffix(".json"))
    try:
        raw = mne.io.read_raw_edf(path, preload=True, verbose="ERROR")
    except Exception as error:  # its reader raises whatever a damaged file leads it to
        raise ReadWriteError(f"{path} cannot be read: {error}. Run again with --overwrite.") from (
            error
        )
    length = round(float(sidecar["RecordingDuration"]) * float(sidecar["SamplingFrequency"]))
    signals = raw.get_data()[:, :length] * _MICRO
    events = tuple(
        Event(onset=float(onset), duration=float(duration), kind=str(trial))
        for onset, duration, trial in zip(
            table["onset"], table["duration"], table["trial_type"].fillna("n/a"), strict=True
        )
    )
    muscles = channels["target_muscle"].fillna("") if "target_muscle" in channels else ()
    recording = Recording(
        signals=signals,
        rate=float(raw.info["sfreq"]),
        names=tuple(channels["name"]),
        kinds=(kind,) * len(channels),
        muscles=tuple(muscles),
        places=_saved_places(folder / f"{stem.replace('preproc', 'windows')}_epo.fif"),
        events=events,
        bad=tuple(channels.loc[channels["status"] == "bad", "name"]),
    )
    usable = np.ones(signals.shape[1], dtype=bool)
    for event in events:
        if event.kind == BAD:
            start = round(event.onset * recording.rate)
            usable[start : round((event.onset + event.duration) * recording.rate)] = False
    return recording, usable


def _saved_places(epochs: Path) -> NDArray[np.float64]:
    """Places of channels on the unit sphere, NaN where unknown, as `save_windows` left them.

    EDF has no room for them, and names do not tell those that were measured.
    """
    try:
        info = mne.io.read_info(epochs, verbose="ERROR")
    except Exception as error:  # its reader raises whatever a damaged file leads it to
        raise ReadWriteError(
            f"{epochs} cannot be read: {error}. Run again with --overwrite."
        ) from (error)
    places = np.array([channel["loc"][:3] for channel in info["chs"]], dtype=np.float64)
    places[(places == 0).all(axis=1)] = np.nan
    return places / _HEAD
