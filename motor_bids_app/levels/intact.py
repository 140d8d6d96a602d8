"""Whether derivatives are as their step left them, by what its record says of each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motor_bids_app.bids.files import hash_file, read_json
from motor_bids_app.errors import MotorBidsAppError, ReadWriteError

_STEPS = {"anat": "anat", "dwi": "dwi", "func": "bold", "eeg": "eeg", "emg": "emg"}  # by folder


def record_of(output_dir: Path, prefix: str, step: str) -> Path:
    """File that says what a step of a participant and session read and wrote."""
    return output_dir / "logs" / "steps" / f"{prefix}_{step}.json"


def fingerprint(path: Path) -> dict[str, Any]:
    """Size and SHA-256 of a file, as records keep them."""
    return {"size": path.stat().st_size, "sha256": hash_file(path)}


def is_intact(path: Path, known: Mapping[str, Any], record: Path) -> bool:
    """Whether a file is what `record` says it was.

    The size is looked at first. A file of that size from before the record has not been written to
    since; another, as after a copy, is read whole and its hash compared. So a dataset that is done
    costs a look at each file and no reading.
    """
    try:
        now = path.stat()
        if now.st_size != known["size"]:
            return False
        if now.st_mtime_ns < record.stat().st_mtime_ns:
            return True
        return hash_file(path) == known["sha256"]
    except (OSError, KeyError, TypeError, MotorBidsAppError):
        return False


def check_intact(path: Path) -> None:
    """Raise ReadWriteError if a derivative of this app is not what the app wrote.

    Files of other tools, which have no record, pass.
    """
    person = next((folder for folder in path.parents if folder.name.startswith("sub-")), None)
    if person is None:
        return
    session = [folder.name for folder in path.parents if folder.name.startswith("ses-")]
    step = _STEPS.get(path.parent.name, "features")
    record = record_of(person.parent, "_".join([person.name, *session]), step)
    try:
        known = read_json(record)["written"][str(path.relative_to(person.parent))]
    except (MotorBidsAppError, KeyError, TypeError):
        return
    if not is_intact(path, known, record):
        raise ReadWriteError(
            f"{path} was truncated or changed after it was written. Run the participant level "
            "again to recompute it."
        )
