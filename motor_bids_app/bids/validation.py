"""Validation by the BIDS validator, which runs offline and writes nothing to HOME."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from motor_bids_app.bids.files import read_json, write_json
from motor_bids_app.bids.lesion_names import is_lesion_name
from motor_bids_app.errors import (
    InputMissingError,
    MotorBidsAppError,
    ReadWriteError,
    ValidationError,
)
from motor_bids_app.scratch import scratch_folder
from motor_bids_app.settings import MODALITIES

# Errors that do not stop a run: who is not in participants.tsv just has no score, and a dwi
# without gradients (a clinical trace image) still serves as an image.
_HARMLESS = ("PARTICIPANT_ID_MISMATCH", "DWI_MISSING_BVAL", "DWI_MISSING_BVEC")
_FOLDERS = {"bold": "func"}  # of modalities that have another name than their folder
_NOT_READ = ("events", "physio", "stim")  # tables beside a bold
_SHOWN = 5
_RUN = "from bids_validator_deno import cli; cli()"


def check_description(dataset: Path) -> None:
    """Raise unless a folder is a dataset: it exists, with a dataset_description.json.

    Raises
    ------
    InputMissingError
        The folder or the file is not there.
    ReadWriteError
        The file is not JSON.
    """
    if not dataset.is_dir():
        raise InputMissingError(f"{dataset} does not exist, or is not a folder. Check BIDS_DIR.")
    path = dataset / "dataset_description.json"
    if not path.is_file():
        raise InputMissingError(
            f"{dataset} has no dataset_description.json, so it is not a BIDS dataset. Check the "
            'path, or add the file with at least {"Name": "...", "BIDSVersion": "1.10.0"}.'
        )
    read_json(path)


def validate(
    dataset: Path,
    participants: Sequence[str] = (),
    datatypes: Sequence[str] = MODALITIES,
    kept: Path | None = None,
) -> list[str]:
    """Validate a dataset, and return what was tolerated, one sentence for each kind.

    Parameters
    ----------
    dataset : Path
        Dataset to check.
    participants : sequence of str
        Labels; errors in the folders of others are ignored. Empty: all count.
    datatypes : sequence of str
        Modalities that are read, such as 'anat'; errors in the folders of others are tolerated.
    kept : Path, optional
        File with what the validator found; it runs again when any file of the dataset has another
        size or time, or when there is a file more or less.

    Raises
    ------
    InputMissingError
        There is no dataset_description.json.
    ValidationError
        The dataset has errors; the message names one of each kind, with its file.
    """
    check_description(dataset)
    issues = _errors_of(dataset) if kept is None else _kept_errors(dataset, kept)
    errors = issues["issues"]
    relevant = [error for error in errors if _concerns(error, participants)]
    fatal = [error for error in relevant if not _is_harmless(error, datatypes)]
    texts = issues.get("codeMessages", {})
    if fatal:
        kinds = _one_of_each(fatal)
        listed = "\n".join(f"  {_sentence(error, texts, n)}" for error, n in kinds[:_SHOWN])
        more = f"\n  and {len(kinds) - _SHOWN} kinds more" if len(kinds) > _SHOWN else ""
        raise ValidationError(
            f"{dataset} breaks the BIDS standard in {len(fatal)} places:\n{listed}{more}\nCorrect "
            "them (bids-validator-deno lists all), exclude files by .bidsignore, or skip this "
            "check with --skip-bids-validation."
        )
    return [_sentence(error, texts, n) for error, n in _one_of_each(relevant)]


def _kept_errors(dataset: Path, kept: Path) -> dict[str, Any]:
    """Return what the validator found when it saw the same files, or let it look at them."""
    seen = _fingerprint(dataset)
    with _alone(kept.parent):  # of jobs that begin together, the others read what the first found
        try:
            found = read_json(kept)
        except MotorBidsAppError:  # there is none yet, or it is damaged
            found = {}
        if found.get("seen") != seen or not {"issues", "codeMessages"} <= set(found):
            found = {"seen": seen, **_errors_of(dataset)}
            write_json(kept, found)
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time do what is inside; all, on a disk that knows no locks."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _errors_of(dataset: Path) -> dict[str, Any]:
    issues = run_validator(dataset)
    errors = [issue for issue in issues["issues"] if issue.get("severity") == "error"]
    return {"issues": errors, "codeMessages": issues.get("codeMessages", {})}


def _fingerprint(dataset: Path) -> str:
    """Hash of name, size and time of all files, and of the version of the validator.

    Derivatives are left out: the validator does not look at them, and runs may be writing there.
    """
    found = hashlib.sha256(version("bids-validator-deno").encode())
    for line in sorted(_files(str(dataset), "", ("derivatives",))):
        found.update(line.encode(errors="surrogateescape"))
    return found.hexdigest()


def _files(folder: str, inside: str, left_out: Sequence[str] = ()) -> Iterator[str]:
    """Lines on the files in a folder; what cannot be looked at has its name alone."""
    try:
        with os.scandir(folder) as opened:
            entries = [entry for entry in opened if entry.name not in left_out]
    except OSError:  # it may not be read, or is gone meanwhile
        yield f"{inside}\0\n"
        return
    for entry in entries:
        name = f"{inside}/{entry.name}"
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path, name)
            else:
                yield f"{name}\0{_state(entry)}\n"
        except OSError:
            yield f"{name}\0\n"


def _state(entry: "os.DirEntry[str]") -> str:
    """Size and time of a file."""
    try:
        state = entry.stat()
    except OSError:  # a link that leads nowhere
        state = entry.stat(follow_symlinks=False)
    return f"{state.st_size} {state.st_mtime_ns}"


def run_validator(dataset: Path) -> dict[str, Any]:
    """Run the validator and return its issues: 'issues' (a list) and 'codeMessages'.

    Raises
    ------
    ReadWriteError
        The validator did not answer; the message holds its last line.
    """
    with scratch_folder("validator") as scratch:
        environment = {
            **os.environ,
            "DENO_DIR": str(scratch),
            "DENO_NO_UPDATE_CHECK": "1",
            "NO_COLOR": "1",
        }
        done = subprocess.run(
            [sys.executable, "-c", _RUN, "--format", "json", str(dataset.resolve())],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    try:
        answer = json.loads(done.stdout.decode(errors="replace"))
        issues: dict[str, Any] = answer["issues"]
    except (ValueError, KeyError, TypeError) as error:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
        raise ReadWriteError(
            f"The BIDS validator could not read {dataset}; it said: {said[-1]}. Check that all "
            "files can be read, or use --skip-bids-validation."
        ) from error
    return issues


def _concerns(error: dict[str, Any], participants: Sequence[str]) -> bool:
    """Whether an error is about the whole dataset or one of the participants."""
    first = str(error.get("location", "")).lstrip("/").split("/")[0]
    if not participants or not first.startswith("sub-"):
        return True
    return first.removeprefix("sub-") in participants


def _is_harmless(error: dict[str, Any], datatypes: Sequence[str]) -> bool:
    """Whether it is about unlisted people, files not read, or a lesion mask we accept."""
    if error.get("code") in _HARMLESS:
        return True
    datatypes = [_FOLDERS.get(datatype, datatype) for datatype in datatypes]
    *folders, name = str(error.get("location", "")).strip("/").split("/")
    datatype = folders[-1] if folders and folders[0].startswith("sub-") else ""
    if datatype.isalpha() and datatype not in datatypes:  # 'sub-1' and 'ses-1' are no datatypes
        return True
    *pairs, suffix = name.split(".")[0].split("_")
    if suffix in _NOT_READ:
        return True
    entities = dict(pair.split("-", 1) for pair in pairs if "-" in pair)
    return is_lesion_name({**entities, "suffix": suffix})


def _one_of_each(errors: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], int]]:
    """Take the first error of each kind, by file, with the number of its kind."""
    ordered = sorted(errors, key=lambda error: str(error.get("location")))
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for error in ordered:
        kinds.setdefault((str(error.get("code")), str(error.get("subCode"))), []).append(error)
    return [(same[0], len(same)) for same in kinds.values()]


def _sentence(error: dict[str, Any], texts: dict[str, str], n_alike: int) -> str:
    """'/sub-01/anat/x.nii.gz (and 2 alike): NOT_INCLUDED, Files with such naming ...'."""
    code = str(error.get("code", "UNKNOWN"))
    part = f" {error['subCode']}" if error.get("subCode") else ""
    text = error.get("issueMessage") or texts.get(code) or ""
    first = " ".join(str(text).split()).split(". ")[0][:160]
    where = error.get("location") or "dataset"
    others = f" (and {n_alike - 1} alike)" if n_alike > 1 else ""
    return f"{where}{others}: {code}{part}" + (f", {first}" if first else "")
