"""The gate that every input passes: ordinary files alone, of a size that can be.

A named pipe waits for ever, and a device has no end. What images declare, see `headers`.
"""

import stat
from pathlib import Path

from motor_bids_app.errors import InputMissingError, ReadWriteError

MOST_TEXT = 256 * 2**20  # bytes of a table, a sidecar or a recording in text
# Datasets that came by DataLad or git have links, or small files, in place of what was not fetched.
_FETCH = "Fetch it first, as with datalad get or git annex get"
_POINTERS = (b"/annex/objects/", b".git/annex/objects/", b"version https://git-lfs")
_LONGEST_POINTER = 32_768  # bytes, as git-annex has it
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def check_file(path: Path) -> int:
    """Return the size of an ordinary file in bytes.

    Raises
    ------
    InputMissingError
        The file does not exist, or is a link to content that was never fetched.
    ReadWriteError
        It is something else than a file, or cannot be reached.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputMissingError(_not_there(path)) from error
    except (OSError, ValueError) as error:  # a link to itself, no permission, a NUL in the name
        raise ReadWriteError(f"{path} cannot be opened: {_reason(error)}.") from error
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no file")
        raise ReadWriteError(f"{path} is {kind}, not a file. Put the file itself there.")
    if found.st_size <= _LONGEST_POINTER and _start(path).startswith(_POINTERS):
        raise InputMissingError(
            f"{path} is a pointer to content that is not here. {_FETCH}, or git lfs pull."
        )
    return found.st_size


def _not_there(path: Path) -> str:
    if path.is_symlink():
        return f"{path} is a broken link: its content is not here. {_FETCH}."
    return f"{path} does not exist."


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(64)
    except OSError as error:
        raise ReadWriteError(f"{path} could not be read: {_reason(error)}.") from error


def read_bytes(path: Path, most: int = MOST_TEXT) -> bytes:
    """Content of an ordinary file of at most this many bytes.

    Raises
    ------
    InputMissingError, ReadWriteError
        See `check_file`; it is longer, or the disk refused.
    """
    size = check_file(path)
    if size <= most:
        try:
            with path.open("rb") as stream:
                content = stream.read(most + 1)  # a file of the system may have no size
        except OSError as error:
            raise ReadWriteError(f"{path} could not be read: {_reason(error)}.") from error
        if len(content) <= most:
            return content
    raise ReadWriteError(
        f"{path} is longer than {most / 2**20:.0f} MiB, which no such file is. Check what it holds."
    )


def read_text(path: Path, most: int = MOST_TEXT) -> str:
    """UTF-8 text with plain line ends; for errors see `read_bytes`."""
    try:
        text = read_bytes(path, most).decode("utf-8-sig")
    except ValueError as error:
        raise ReadWriteError(f"{path} is not readable text: {error}.") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
