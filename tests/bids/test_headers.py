import gzip
import struct

import nibabel as nib
import numpy as np
import pytest

from motor_bids_app.bids.files import load_image
from motor_bids_app.errors import ReadWriteError


def header(shape, kind=nib.Nifti1Image, offset=None):
    """Beginning of an image that declares a shape."""
    made = bytearray(kind(np.zeros((2, 2, 2), "i2"), np.eye(4)).to_bytes())
    dims = (len(shape), *shape, *(1,) * (7 - len(shape)))
    if kind is nib.Nifti2Image:
        made[16:80] = struct.pack("<8q", *dims)
    else:
        made[40:56] = struct.pack("<8h", *dims)
        if offset is not None:
            made[108:112] = struct.pack("<f", offset)
    return bytes(made)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((1500, 1500, 1400), nib.Nifti1Image),
        ((500, 500, 500), nib.Nifti1Image),
        ((200, 200, 200, 32000), nib.Nifti1Image),
        ((2**40, 2, 2), nib.Nifti2Image),
        ((100, 100, 100, 10**9), nib.Nifti2Image),
    ],
)
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_what_a_header_declares_is_refused_before_memory_is_taken(tmp_path, shape, kind, name):
    content = header(shape, kind)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    with pytest.raises(ReadWriteError, match=r"declares a grid of \d+x\d+"):
        load_image(path)


def test_more_voxels_than_a_head_has_are_refused_although_they_are_there(tmp_path):
    path = tmp_path / "bomb.nii.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(header((1000, 1000, 600)))
        for _ in range(12):
            file.write(bytes(10**6))

    with pytest.raises(ReadWriteError, match="more voxels than any scan"):
        load_image(path)


@pytest.mark.parametrize("offset", [1e12, -400, float("nan"), float("inf")])
def test_an_offset_that_cannot_be_is_refused(tmp_path, offset):
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(header((2, 2, 2), offset=offset)))

    with pytest.raises(ReadWriteError):
        load_image(path)
