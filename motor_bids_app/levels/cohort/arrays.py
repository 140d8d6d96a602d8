"""Arrays in files of the work folder, as memory maps, with a sentence where there is no room."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import ReadWriteError


def new_array(path: Path, shape: tuple[int, ...]) -> "np.memmap[Any, np.dtype[np.float16]]":
    """Make a file of float16 zeros, as a memory map, whose room on the disk is taken at once.

    A file with holes would end the process by a signal when the disk is full.

    Raises
    ------
    ReadWriteError
        There is no room.
    """
    with saving(path):
        data = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
        if hasattr(os, "posix_fallocate"):  # not on macOS
            with path.open("r+b") as stream:
                os.posix_fallocate(stream.fileno(), 0, path.stat().st_size)
    return data


def save_array(path: Path, values: NDArray[Any]) -> NDArray[Any]:
    """Save an array in a folder of intermediate files; return it as a memory map.

    Raises
    ------
    ReadWriteError
        There is no room.
    """
    with saving(path):
        np.save(path, values)
        return np.load(path, mmap_mode="r") if values.size else values


@contextmanager
def saving(path: Path) -> Iterator[None]:
    """Turn errors of writing an intermediate file into a sentence."""
    try:
        yield
    except OSError as error:  # numpy's own has no number where the disk is full
        raise ReadWriteError(
            f"{path} could not be written: {error.strerror or error}. Free space there, or choose "
            "another folder for intermediate files (-w)."
        ) from error
