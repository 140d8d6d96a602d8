"""Temporary files and folders that do not stay for ever, even if their run is killed.

Each is locked by the process that made it. The system lets go of the lock when that process ends,
however it ends: who finds one without a lock may delete it. The name says on which machine it was
made, because a lock is not always seen from another one that shares the disk.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

_FOLDER, _FILE = "motor_bids_app-", ".tmp-"
_LOCK = ".lock"
_UNLOCKED_SECONDS = 600  # between making a folder and locking it pass microseconds


@contextmanager
def scratch_folder(kind: str, parent: Path | None = None) -> Iterator[Path]:
    """Give a folder that is deleted at the end; first delete those that killed runs left.

    Parameters
    ----------
    kind : str
        For its name.
    parent : Path, optional
        By default the system's folder for temporary files.
    """
    parent = parent or Path(tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    for path in parent.glob(f"{_FOLDER}*"):
        if _is_of_this_machine(path) and path.is_dir() and not path.is_symlink():
            _delete_if_left(path)
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{kind}-{_machine()}-", dir=parent))
    try:
        with _held(folder / _LOCK):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """Give the name of an empty file beside `path`, with its extension; deleted if still there."""
    # The extension stays last: nibabel and others choose the format by it.
    handle, name = tempfile.mkstemp(
        prefix=f"{_FILE}{_machine()}-", suffix=f"-{path.name}", dir=path.parent
    )
    try:
        _lock(handle)
        yield Path(name)
    finally:
        os.close(handle)
        Path(name).unlink(missing_ok=True)


def sweep(folder: Path, *, deep: bool = False) -> None:
    """Delete temporary files that killed runs left in a folder; `deep`: in those inside too."""
    for path in folder.rglob(f"{_FILE}*") if deep else folder.glob(f"{_FILE}*"):
        if _is_of_this_machine(path):
            _unlink_if_left(path)


def _delete_if_left(folder: Path) -> None:
    lock = folder / _LOCK
    try:
        handle = os.open(lock, os.O_RDWR)
    except OSError:  # its process may be about to make it
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _UNLOCKED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        if _lock(handle):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)


def _unlink_if_left(path: Path) -> None:
    with suppress(OSError):
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if _lock(handle):
                path.unlink()
        finally:
            os.close(handle)


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    """Lock an open file for this process; False if another has it, or the disk knows no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_of_this_machine(path: Path) -> bool:
    """Whether it was made since this machine was started, in any container, or under this name."""
    marks = _machine().split("_")
    return any(f"{mark}_" in path.name or f"_{mark}-" in path.name for mark in marks)


@cache
def _machine() -> str:
    """Marks of the name of this machine and of its last start."""
    start = platform.node()
    with suppress(OSError):  # elsewhere than on Linux
        start = Path("/proc/sys/kernel/random/boot_id").read_text()
    marks = (hashlib.sha256(text.encode()).hexdigest()[:6] for text in (platform.node(), start))
    return "_".join(marks)
