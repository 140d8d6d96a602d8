"""What the user calls events whose names are codes: the table ``events`` of the scores map."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from motor_bids_app.errors import UsageError

EventName = tuple[str, str, str]
_NO_WORD = re.compile(r"[^\W\d]?[\W\d_]*")  # "", "...", "2", "T1"


def read_event_names(path: Path, entry: Any) -> tuple[EventName, ...]:
    """Task ('' for all), name of events, and name to take instead, of the table in a file.

    A text names events of all tasks, a table those of the task that it is called by.

    Raises
    ------
    UsageError
        Something in it is no name.
    """
    if not isinstance(entry, dict):
        raise UsageError(f'{path}: events must be a table, such as events = {{ T0 = "rest" }}.')
    found = tuple(_names(entry))
    for task, code, name in found:
        if not isinstance(name, str) or _NO_WORD.fullmatch(name):
            where = f"events.{task}" if task else "events"
            raise UsageError(
                f"{path}: {where}, {code} = {name!r}: this does not say what was done. Write rest, "
                "or the movement, such as grip."
            )
    return tuple((task, plain(code), plain(name)) for task, code, name in found)


def _names(entry: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for name, value in entry.items():
        if isinstance(value, dict):
            task = name.removeprefix("task-")
            yield from ((task, code, meaning) for code, meaning in value.items())
        else:
            yield "", name, value


def plain(name: str) -> str:
    """A name of events with single blanks, as BrainVision pads its numbers: 'S  1'."""
    return " ".join(name.split())
