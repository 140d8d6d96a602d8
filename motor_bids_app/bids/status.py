"""The table of states: how each step of each participant and session ended."""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from motor_bids_app.bids.dataset import locked
from motor_bids_app.bids.files import write_table
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import MotorBidsAppError

log = logging.getLogger(__name__)
_LEAST_PAUSE = 20  # times as long as writing took
_STATUS_COLUMNS: dict[str, dict[str, Any]] = {
    "participant_id": {"Description": "Participant"},
    "session_id": {"Description": "Session; n/a where the dataset has none"},
    "modality": {
        "Description": "What was processed: anat, dwi, bold, eeg, emg, features or report"
    },
    "state": {
        "Description": "How it ended",
        "Levels": {
            "done": "computed in this run",
            "kept": "done by an earlier run and still valid",
            "skipped": "no input for it",
            "failed": "stopped by an error, see reason",
            "outdated": "made by an earlier run with another anatomy, and deleted",
            "stopped": "the run was stopped before it was done",
        },
    },
    "reason": {"Description": "Why it failed or was skipped, and notes"},
    "seconds": {"Description": "Wall time", "Units": "s"},
    "peak_memory": {"Description": "Peak memory of the process", "Units": "MB"},
}


@dataclass(frozen=True, kw_only=True)
class StatusRow:
    """How one modality of one participant and session ended.

    Parameters
    ----------
    participant, session : str, str or None
        Labels without prefix.
    modality, state, reason : str
        See the data dictionary of participants_status.tsv.
    seconds, peak_memory : float
        Wall time in s, memory in MB.
    """

    participant: str
    session: str | None = None
    modality: str
    state: str
    reason: str = ""
    seconds: float = 0.0
    peak_memory: float = 0.0

    @property
    def prefix(self) -> str:
        """'sub-01_ses-1'."""
        session = f"_ses-{self.session}" if self.session else ""
        return f"sub-{self.participant}{session}"

    def adding(self, sentences: Sequence[str]) -> "StatusRow":
        """Return this with what is doubtful too; a failure stands alone."""
        if self.state == "failed":
            return self
        return replace(self, reason=" ".join(filter(None, (self.reason, *sentences))))


def update_status(output_dir: Path, rows: Sequence[StatusRow]) -> None:
    """Replace the rows of these participants, sessions and modalities, and keep the others."""
    path = output_dir / "logs" / "participants_status.tsv"
    keys = ["participant_id", "session_id", "modality"]
    with locked(output_dir):
        table = pd.DataFrame([_as_record(row) for row in rows], columns=list(_STATUS_COLUMNS))
        if path.is_file():
            table = pd.concat([_earlier_status(path), table.astype(object)], ignore_index=True)
        table = table.drop_duplicates(keys, keep="last").sort_values(keys, kind="stable")
        write_table(path, table, _STATUS_COLUMNS)


class StatusKeeper:
    """Takes rows as participants end, and writes them so that this takes little of the time.

    The table is written as a whole: for thousands of people that takes as long as some of their
    steps. What is not written yet when a run is killed is in the records of steps.

    Parameters
    ----------
    output_dir : Path
    """

    def __init__(self, output_dir: Path) -> None:
        self._output_dir = output_dir
        self._rows: list[StatusRow] = []
        self._next = 0.0  # when it may write again

    def add(self, rows: Sequence[StatusRow]) -> None:
        """Write these rows, now or with others later."""
        self._rows += rows
        if time.monotonic() >= self._next:
            self.flush()

    def flush(self) -> None:
        """Write what is left to write."""
        if not self._rows:
            return
        start = time.monotonic()
        update_status(self._output_dir, self._rows)
        self._rows = []
        end = time.monotonic()
        self._next = end + _LEAST_PAUSE * (end - start)


def read_status(output_dir: Path) -> pd.DataFrame:
    """Read participants_status.tsv; empty if no run has written it."""
    path = output_dir / "logs" / "participants_status.tsv"
    if not path.is_file():
        return pd.DataFrame(columns=list(_STATUS_COLUMNS))
    return _earlier_status(path)


def _earlier_status(path: Path) -> pd.DataFrame:
    """Read the table; one that is damaged is made again from the records of finished steps."""
    with suppress(MotorBidsAppError):
        table = read_table(path)
        if set(_STATUS_COLUMNS) <= set(table) and table[["participant_id", "modality"]].notna().all(
            axis=None
        ):
            return table
    log.warning("%s was damaged: it is made again from the records of steps", path)
    records = sorted((path.parent / "steps").glob("sub-*.json"))
    rows = [
        StatusRow(
            participant=words[0].removeprefix("sub-"),
            session=words[1].removeprefix("ses-") if len(words) == 3 else None,
            modality=words[-1],
            state="done",
        )
        for words in (record.stem.split("_") for record in records)
    ]
    return pd.DataFrame([_as_record(row) for row in rows], columns=list(_STATUS_COLUMNS))


def _as_record(row: StatusRow) -> dict[str, Any]:
    content = asdict(row)
    session = content.pop("session")
    return {
        **content,
        "participant_id": f"sub-{content.pop('participant')}",
        "session_id": f"ses-{session}" if session else None,
        "reason": " ".join(row.reason.split()) or None,
        "seconds": f"{row.seconds:.1f}",
        "peak_memory": f"{row.peak_memory:.0f}",
    }
