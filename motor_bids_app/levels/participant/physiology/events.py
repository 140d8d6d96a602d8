"""Events of a recording, and whether their times can be seconds."""

from typing import Any

import numpy as np
import pandas as pd

from motor_bids_app.bids.recordings import RecordingFile
from motor_bids_app.bids.tables.tsv import numeric_column, read_table
from motor_bids_app.physiology.muscles import is_code
from motor_bids_app.physiology.recording import Event

_SLACK = 1.0  # s, by which an event may end after the recording
_MOST_LATE = 0.5  # share of events that end after the recording, beyond which their unit is wrong


def read_events(raw: Any, file: RecordingFile) -> tuple[tuple[Event, ...], tuple[str, ...]]:
    """Events, in s since the first sample that is there, and what a reader should know."""
    seconds = raw.n_times / raw.info["sfreq"]
    late = _late(file, seconds)
    if late.size and late.mean() > _MOST_LATE:
        return (), (_wrong_unit(file, seconds, float(raw.info["sfreq"])),)
    notes = []
    if late.any():
        notes.append(
            f"{late.sum()} of {late.size} events begin or end after the end of the recording, at "
            f"{seconds:.0f} s: what lies after it is not used."
        )
    events = _annotated(raw)
    codes = sorted({event.kind for event in events if is_code(event.kind)})
    if codes and len(codes) == len({event.kind for event in events}):
        notes.append(
            f"Events are called {', '.join(codes[:6])}, which does not tell work from rest, so "
            "they are taken for neither. Name them in the column trial_type of events.tsv."
        )
    return events, tuple(notes)


def _times(file: RecordingFile) -> pd.DataFrame:
    """Onset and duration of each event of the table, as numbers; 0 where there is no duration."""
    path = file.table("events")
    table = read_table(path) if path else pd.DataFrame()
    times = pd.DataFrame({"onset": [], "duration": []}, dtype=float)
    if path and "onset" in table:
        times["onset"] = numeric_column(table, "onset", path)
        times["duration"] = 0.0
        if "duration" in table:
            times["duration"] = numeric_column(table, "duration", path).fillna(0)
    return times.dropna(subset=["onset"])


def _late(file: RecordingFile, seconds: float) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    times = _times(file)
    return np.asarray(times["onset"] + times["duration"] > seconds + _SLACK, dtype=bool)


def _wrong_unit(file: RecordingFile, seconds: float, rate: float) -> str:
    """Say that times are no seconds, and what they may be."""
    times = _times(file)
    last = float((times["onset"] + times["duration"]).max())
    fits = [
        unit
        for unit, factor in (("milliseconds", 1000.0), ("samples", rate), ("microseconds", 1e6))
        if 0.2 * seconds <= last / factor <= 1.05 * seconds + _SLACK
    ]
    guess = f"they look like {' or '.join(fits)}" if fits else "or they are of another recording"
    return (
        f"The events were left out: most begin or end after the end of the recording (at {last:g}, "
        f"where it lasts {seconds:.0f} s), so that onset and duration are not in seconds; {guess}. "
        "Correct events.tsv."
    )


def _annotated(raw: Any) -> tuple[Event, ...]:
    """Events that the reader found, in s since the first sample that is there."""
    # With a date, MNE counts from the start of the recording, even where its start was cut off.
    cut_off = raw.first_time if raw.annotations.orig_time is not None else 0.0
    found = [
        Event(onset=float(onset) - cut_off, duration=float(duration), kind=str(kind))
        for onset, duration, kind in zip(
            raw.annotations.onset,
            raw.annotations.duration,
            raw.annotations.description,
            strict=True,
        )
    ]
    return tuple(sorted(found, key=lambda event: event.onset))
