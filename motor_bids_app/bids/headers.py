"""What the header of an image asks for, checked before any memory is taken.

A header of a few bytes can declare all memory, and a compressed file a thousand times its size.
"""

import os
import zlib
from math import prod
from pathlib import Path
from typing import cast

from isal import igzip_lib
from nibabel.filebasedimages import ImageFileError
from nibabel.nifti1 import Nifti1PairHeader
from nibabel.nifti2 import Nifti2PairHeader
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from motor_bids_app.errors import ReadWriteError

# What nibabel and zlib raise at a damaged image.
DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    AssertionError,
    ImageFileError,
    zlib.error,
    HeaderDataError,
    WrapStructError,
    cast(type[Exception], igzip_lib.IsalError),
)
HEADER_BYTES = 540  # of the longest header of an image
MOST_VOXELS = 2**29  # of one volume: 812 along each axis
_MOST_EXTENSION = 16 * 2**20  # bytes between the header and the data
_DEFLATE = 1040  # no gzip file is larger than this many times its compressed size


def check_header(path: Path, start: bytes, *, zipped: bool) -> None:
    """Raise unless an image with this beginning can be as large as its header says.

    Parameters
    ----------
    path : Path
        An ordinary file.
    start : bytes
        Its first `HEADER_BYTES`, decompressed. What is no header of NIfTI passes: reading it says
        so.
    zipped : bool
        Whether the file is compressed.

    Raises
    ------
    ReadWriteError
        It declares more voxels than any scan has, more bytes than the file can hold, or more than
        the memory of this machine.
    """
    header = _header(start)
    if header is None:
        return
    dims = [max(int(n), 1) for n in header["dim"][1 : 1 + min(int(header["dim"][0]), 7)]]
    shape, volume = "x".join(map(str, dims)), prod(dims[:3])
    if volume > MOST_VOXELS:
        raise ReadWriteError(
            f"{path} declares a grid of {shape}, more voxels than any scan of a head has. Its "
            "header is wrong: copy it again, or resample it."
        )
    wanted = prod(dims) * int(header["bitpix"]) / 8
    offset = float(header["vox_offset"])
    size, paired = path.stat().st_size, path.name.endswith((".hdr", ".hdr.gz"))
    held = size * _DEFLATE if zipped else size
    if not paired and (not 0 <= offset <= _MOST_EXTENSION or wanted > held):
        raise ReadWriteError(
            f"{path} declares a grid of {shape}, {wanted / 2**20:.4g} MiB, and the file is too "
            "short for it. It is truncated: copy it again."
        )
    memory = _memory()
    if prod(dims) * 4 > memory:  # what is read is worked on in 4 bytes per voxel
        raise ReadWriteError(
            f"{path} declares a grid of {shape}, and needs more than the {memory / 2**30:.3g} GiB "
            "of memory that there are. Use a larger machine, or leave volumes out."
        )


def _header(start: bytes) -> Nifti1PairHeader | None:
    """The fields of a header, unchecked; None for what is too short or no NIfTI."""
    for kind in (Nifti1PairHeader, Nifti2PairHeader):
        size = kind.template_dtype.itemsize
        sizes = {size.to_bytes(4, "little"), size.to_bytes(4, "big")}
        if len(start) >= size and start[:4] in sizes:
            header = kind(start[:size], check=False)
            return header if 1 <= int(header["dim"][0]) <= 7 else None
    return None


def _memory() -> float:
    """Bytes of memory of this machine."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, ValueError, AttributeError):
        return float("inf")
