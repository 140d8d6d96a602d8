"""Events of a recording, and whether their times can be seconds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from motor_bids_app.bids.recordings import RecordingFile
from motor_bids_app.bids.tables.event_names import EventName, plain
from motor_bids_app.bids.tables.scores_map import line_to_add
from motor_bids_app.bids.tables.tsv import numeric_column, read_table
from motor_bids_app.physiology.muscles import SHORTEST, is_code, is_rest, says_something
from motor_bids_app.physiology.recording import Event

_SLACK = 1.0  # s, by which an event may end after the recording
_MOST_LATE = 0.5  # share of events that end after the recording, beyond which their unit is wrong


def read_events(
    raw: Any, file: RecordingFile, names: Sequence[EventName] = ()
) -> tuple[tuple[Event, ...], tuple[str, ...]]:
    """Events, in s since the first sample that is there, and what a reader should know.

    `names` are what the user calls events: task, name in the recording, name to take.
    """
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
    events, about_names = _named(_annotated(raw), file, names)
    return events, (*notes, *about_names, *_unnamed(events, file), *_all_work(events, file))


def _named(
    events: tuple[Event, ...], file: RecordingFile, names: Sequence[EventName]
) -> tuple[tuple[Event, ...], list[str]]:
    """Call events as the user does; what is said of the task counts before what is said of all."""
    wanted = {code: name for task, code, name in names if not task}
    wanted |= {code: name for task, code, name in names if task and task == file.task}
    kinds = {event.kind: wanted.get(plain(event.kind), event.kind) for event in events}
    changed = [f"{kind} is {name}" for kind, name in sorted(kinds.items()) if kind != name]
    said = [f"Events were named as the scores map says: {', '.join(changed)}."] if changed else []
    return tuple(replace(event, kind=kinds[event.kind]) for event in events), said


def _unnamed(events: tuple[Event, ...], file: RecordingFile) -> list[str]:
    """Say which events are but codes, where that leaves open what was done, and how to name them.

    Among events with names, codes of no duration are markers, which nobody need name.
    """
    codes = {event.kind for event in events if is_code(event.kind)}
    if codes != {event.kind for event in events}:
        codes &= {event.kind for event in events if event.duration >= SHORTEST}
    if not codes:
        return []
    listed = sorted(codes)
    line = line_to_add(
        f"events.{file.task}" if file.task else "events", **dict.fromkeys(listed, "...")
    )
    return [
        f"Events are called {', '.join(listed[:6])}, which does not distinguish work from rest, so "
        f"they count as neither. Name them in the file of --scores-map: {line}, where rest or the "
        "movement stands for the dots; or in the column trial_type of events.tsv."
    ]


def _all_work(events: tuple[Event, ...], file: RecordingFile) -> list[str]:
    """Say where events of several names all count as work: one of them may be a word for rest."""
    kinds = sorted({event.kind for event in events if says_something(event)})
    if len(kinds) < 2 or any(map(is_rest, kinds)):
        return []
    line = line_to_add(f"events.{file.task}" if file.task else "events", **{kinds[0]: "rest"})
    return [
        f"Events called {', '.join(kinds[:6])} all count as work, as no name says rest. If one of "
        f"them is rest, name it in the file of --scores-map, such as {line}."
    ]


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
