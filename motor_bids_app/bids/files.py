"""Reading and writing: whole files or none, and clear errors for damaged ones."""

import csv
import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from isal import igzip
from nibabel.openers import ImageOpener
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from motor_bids_app.bids.headers import DAMAGED, HEADER_BYTES, check_header
from motor_bids_app.bids.orientation import check_edges, oriented
from motor_bids_app.bids.tables.spreadsheets import as_text
from motor_bids_app.documents import parse_json
from motor_bids_app.errors import DataError, OutputError, ReadWriteError, check_space
from motor_bids_app.opening import check_file, read_text
from motor_bids_app.scratch import temporary_file

_NIFTI2 = {(540).to_bytes(4, "little"), (540).to_bytes(4, "big")}  # size of its header
_GZIP = b"\x1f\x8b"
_OTHER_FORMATS = {
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<?xml": "an XML file",
    b"pk\x03\x04": "a zip archive",
    b"\x89hdf": "an HDF5 file",
    b"\x89png": "a PNG picture",
    b"{": "a text",
}
_COMPRESSION = 0  # of 0 to 3; of the others, equal images now and then are other bytes


@contextmanager
def replacing(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """Give a temporary name to write to; rename it to `path` when all went well.

    What was written is on the disk before the name is: a machine that loses power has the file
    before or the file after, but none that is empty. `mode` is who may use it, less what the user
    forbids for all new files.

    Raises
    ------
    OutputError
        The folder cannot be made or written.
    DiskFullError, ReadWriteError
        The disk is full; it broke.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_file(path) as temporary:
            yield temporary
            temporary.chmod(mode & ~_umask())
            _sync(temporary)
            temporary.replace(path)
    except OSError as error:
        check_space(error, path)
        kind = ReadWriteError if error.errno in (errno.EFBIG, errno.EIO) else OutputError
        raise kind(
            f"{path} could not be written: {error.strerror or error}. "
            "Choose another output folder; then run again to continue."
        ) from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Mapping[str, Any] | list[Any]) -> None:
    """Write JSON with two spaces of indentation."""
    write_text(path, json.dumps(content, indent=2, default=_plain) + "\n")


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def write_table(
    path: Path, table: pd.DataFrame, dictionary: Mapping[str, Mapping[str, Any]] | None = None
) -> None:
    """Write a TSV (missing values as 'n/a') and, beside it, its data dictionary.

    Text that a spreadsheet would run as a formula is marked as text; `read_table` takes the mark
    away again. BIDS knows no quotation: in a cell, tabs and line breaks become blanks.
    """
    plain = table.rename(columns=as_text)
    for column in range(plain.shape[1]):
        if not pd.api.types.is_numeric_dtype(plain.dtypes.iloc[column]):
            plain.isetitem(column, plain.iloc[:, column].map(as_text).to_numpy(dtype=object))
    with replacing(path) as temporary:
        plain.to_csv(
            temporary,
            sep="\t",
            index=False,
            na_rep="n/a",
            float_format="%.6g",
            quoting=csv.QUOTE_NONE,
        )
    if dictionary is not None:
        content = {as_text(name): entry for name, entry in dictionary.items()}
        write_json(path.with_suffix(".json"), content)


def hash_file(path: Path) -> str:
    """SHA-256 of the content; for errors see `check_file`."""
    check_file(path)
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ReadWriteError(f"{path} could not be read: {error.strerror or error}.") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        content = parse_json(read_text(path))
    except ValueError as error:
        raise ReadWriteError(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(content, dict):
        raise ReadWriteError(f"{path} must hold a JSON object, not a {type(content).__name__}.")
    return content


def load_image(path: Path) -> nib.Nifti1Image:
    """Load a NIfTI image whole; scaled integers come as float32, others in their own type.

    Integers of 64 bits, which few programs read, come as int32, or as float32 where they are large.

    Raises
    ------
    InputMissingError, ReadWriteError
        There is no such file, or its content was not fetched; it is truncated or not an image.
    DataError
        Its values are colours or complex numbers, or its header leaves open where left is, or how
        large a voxel is.
    """
    with _open_image(path) as image:
        data = np.asanyarray(image.dataobj)
    data = data.astype(_plain_type(data), copy=False)
    header = image.header.copy()
    header.set_data_dtype(data.dtype)  # an integer header would round results on disk
    return _oriented(image, path, data, header)


def load_header(path: Path) -> nib.Nifti1Image:
    """Load an image without its values: shape, affine and header; for errors see `load_image`.

    What the values alone show, as of a file that was cut short, is not found.
    """
    with _open_image(path) as image:
        return _oriented(image, path, image.dataobj, image.header)


@contextmanager
def _open_image(path: Path) -> Iterator[nib.Nifti1Image]:
    """Open an image by what is in the file: some are called .nii.gz and are not compressed."""
    check_file(path)
    try:
        with _stream(path) as stream:
            if stream is None:
                image = nib.load(path)
                assert isinstance(image, nib.Nifti1Image)
            else:
                start = stream.read(4)
                stream.seek(0)
                kind = nib.Nifti2Image if start in _NIFTI2 else nib.Nifti1Image
                image = kind.from_stream(stream)
            _check_kind(image, path)
            yield image
    except MemoryError as error:
        raise ReadWriteError(
            f"{path} needs more memory than there is. Use a larger machine, or fewer processes."
        ) from error
    except DAMAGED as error:
        raise ReadWriteError(f"{path} cannot be read as NIfTI: {_cause(path, error)}") from error


@contextmanager
def _stream(path: Path) -> Iterator[Any]:
    """The bytes of a checked image; None of a pair, which nibabel must find itself."""
    if not path.name.endswith((".nii", ".nii.gz")):
        with ImageOpener(path) as stream:  # it may be compressed
            check_header(path, stream.read(HEADER_BYTES), zipped=path.suffix == ".gz")
        yield None
        return
    with path.open("rb") as raw:
        zipped = raw.read(2) == _GZIP
    with igzip.open(path) if zipped else path.open("rb") as stream:
        check_header(path, stream.read(HEADER_BYTES), zipped=zipped)
        stream.seek(0)
        yield stream


def _check_kind(image: nib.Nifti1Image, path: Path) -> None:
    kind = image.get_data_dtype().kind
    if kind not in "biuf":
        raise DataError(
            f"{path} holds {'complex numbers' if kind == 'c' else 'colours'}, not one "
            "brightness per voxel. Give the image that it was made from."
        )


def _oriented(image: nib.Nifti1Image, path: Path, data: Any, header: Any) -> nib.Nifti1Image:
    try:
        found = oriented(nib.Nifti1Image(data, image.affine, header), path)
        check_edges(found, path)
        return found
    except (HeaderDataError, ValueError) as error:
        raise ReadWriteError(
            f"{path} says of its place in space what cannot be: {error}. Copy it again, or correct "
            "its header."
        ) from error


def _plain_type(data: NDArray[Any]) -> np.dtype[Any]:
    """Type, in the byte order of this machine, that holds the values and that libraries know."""
    kind, size = data.dtype.kind, data.dtype.itemsize
    if kind == "f":  # float64 is also what nibabel makes of integers with a slope
        return np.dtype(np.float32)
    if kind != "b" and size == 8:
        limits = np.iinfo(np.int32)
        fits = not data.size or (data.min() >= limits.min and data.max() <= limits.max)
        return np.dtype(np.int32 if fits else np.float32)
    return data.dtype.newbyteorder("=")


def _cause(path: Path, error: Exception) -> str:
    """What is wrong with a file that is no readable image, and what to do."""
    with path.open("rb") as stream:
        start = stream.read(256)
    if not start:
        return "there is nothing in it. Copy it again."
    for beginning, kind in _OTHER_FORMATS.items():
        if start.lstrip().lower().startswith(beginning):
            return f"it is {kind}, whatever its name says. Give the image itself."
    return f"{error}. It may be truncated: copy it again."


def save_image(
    image: nib.Nifti1Image, path: Path, sidecar: Mapping[str, Any] | None = None
) -> None:
    """Write an image and its sidecar; of its header no remarks, which hold names and times."""
    header = image.header.copy()
    header.extensions = type(header.extensions)()
    for remark in {"descrip", "aux_file", "db_name"} & {*header.keys()}:
        header[remark] = b""
    image = type(image)(image.dataobj, image.affine, header)
    image.header.set_slope_inter(*header.get_slope_inter())  # which a new image forgets
    with replacing(path) as temporary:
        if path.suffix == ".gz":  # nibabel writes through zlib, which takes nine times as long
            with (
                temporary.open("wb") as raw,
                igzip.IGzipFile("", "wb", _COMPRESSION, raw, mtime=0) as stream,
            ):
                image.to_stream(stream)
        else:
            nib.save(image, temporary)
    if sidecar is not None:
        write_json(path.parent / (path.name.split(".")[0] + ".json"), sidecar)
