"""Trainings that are done or were stopped, kept in the work folder so that they go on."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from motor_bids_app.errors import OutputError, ReadWriteError, check_space
from motor_bids_app.scratch import sweep, temporary_file

_FOLDER = "checkpoints"
_OURS = re.compile(r"[0-9a-f]{24}\.safetensors")  # names as of `models.training.snapshots.identify`


def checkpoints_of(work_dir: Path, experiment: str) -> "FolderCheckpoints":
    """Where the trainings of an experiment are kept."""
    return FolderCheckpoints(work_dir / _FOLDER / experiment)


def remove_all(work_dir: Path) -> None:
    """Delete the trainings of all experiments; nothing else in the folder is ours to delete.

    The work folder may be that of a project which has checkpoints of its own.
    """
    for folder in (work_dir / _FOLDER).glob("*"):
        _delete_ours(folder)
    with suppress(OSError):
        (work_dir / _FOLDER).rmdir()


@dataclass(frozen=True)
class FolderCheckpoints:
    """One file per training; see `models.training.snapshots.Checkpoints`.

    Parameters
    ----------
    folder : Path
        Made when the first is saved.
    """

    folder: Path

    def load(self, name: str) -> bytes | None:
        """Return what was saved under a name, or None."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ReadWriteError(f"{self._path(name)} cannot be read: {error.strerror}.") from error

    def save(self, name: str, content: bytes) -> None:
        """Keep `content`; a file that is there is replaced when the new one is on the disk.

        Processes and machines that save the same do not meet in a half-written file.
        """
        path = self._path(name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary_file(path) as temporary:
                with temporary.open("wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
                temporary.replace(path)
        except OSError as error:
            check_space(error, self.folder)
            raise OutputError(
                f"A checkpoint could not be written to {self.folder}: {error.strerror}. Free space "
                "there, or choose another work folder."
            ) from error

    def remove(self) -> None:
        """Delete all, once the experiment is done."""
        _delete_ours(self.folder)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"


def _delete_ours(folder: Path) -> None:
    """Delete trainings in a folder, and the folder where nothing else is in it."""
    with suppress(OSError):
        sweep(folder)
        for path in folder.iterdir():
            if _OURS.fullmatch(path.name):
                path.unlink(missing_ok=True)
        folder.rmdir()
