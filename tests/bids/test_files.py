import errno
import gzip
import re
from io import BytesIO

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from isal import igzip

from motor_bids_app.bids.files import (
    hash_file,
    load_image,
    read_json,
    replacing,
    save_image,
    write_table,
    write_text,
)
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import (
    DataError,
    DiskFullError,
    InputMissingError,
    OutputError,
    ReadWriteError,
)


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    return nib.Nifti1Image(rng.random((8, 9, 10), dtype=np.float32), np.diag([2, 2, 2, 1]))


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "report.html"
    write_text(path, "old")

    with pytest.raises(KeyboardInterrupt), replacing(path):
        raise KeyboardInterrupt

    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    ("code", "error"),
    [(errno.ENOSPC, DiskFullError), (errno.EIO, ReadWriteError), (errno.EACCES, OutputError)],
)
def test_a_full_disk_is_told_from_a_folder_that_cannot_be_written(tmp_path, code, error):
    message = r"map\.nii\.gz could not be written"
    with pytest.raises(error, match=message), replacing(tmp_path / "map.nii.gz"):
        raise OSError(code, "no")


def test_an_image_comes_back_with_its_sidecar(tmp_path, image):
    path = tmp_path / "sub-01" / "anat" / "sub-01_T1w.nii.gz"

    save_image(image, path, {"SkullStripped": True})

    assert np.array_equal(load_image(path).get_fdata(), image.get_fdata())
    assert read_json(path.with_name("sub-01_T1w.json")) == {"SkullStripped": True}


def test_the_same_image_gives_the_same_bytes(tmp_path, image):
    save_image(image, tmp_path / "a.nii.gz")
    save_image(image, tmp_path / "b.nii.gz")

    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_images_are_packed_at_the_level_that_always_gives_the_same_bytes(tmp_path, image):
    """At others, about 2 in 1,000 became other bytes (docs/developing.md), too few for a test."""
    save_image(image, tmp_path / "map.nii.gz")
    raw = BytesIO()
    with igzip.IGzipFile("", "wb", 0, raw, mtime=0) as stream:
        load_image(tmp_path / "map.nii.gz").to_stream(stream)

    assert (tmp_path / "map.nii.gz").read_bytes() == raw.getvalue()


def test_scaled_integers_are_saved_again_without_rounding(tmp_path):
    scaled = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    scaled.header.set_slope_inter(0.01, 0)
    nib.save(scaled, tmp_path / "scaled.nii.gz")

    loaded = load_image(tmp_path / "scaled.nii.gz")
    save_image(loaded, tmp_path / "again.nii.gz")

    assert loaded.get_fdata().max() == pytest.approx(0.23)
    assert load_image(tmp_path / "again.nii.gz").get_fdata() == pytest.approx(loaded.get_fdata())


def test_a_truncated_image_is_explained(tmp_path, image):
    path = tmp_path / "sub-01_T1w.nii.gz"
    save_image(image, path)
    path.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(ReadWriteError, match=r"sub-01_T1w\.nii\.gz cannot be read.*copy it again"):
        load_image(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("zero.nii.gz", b""),
        ("zero.nii", b""),
        ("empty.nii.gz", gzip.compress(b"", mtime=0)),
        ("short.nii.gz", gzip.compress(b"x" * 100, mtime=0)),
        ("junk.nii.gz", gzip.compress(b"x" * 1000, mtime=0)),
        ("junk.nii", b"x" * 1000),
        ("other.nii.gz", b"x" * 1000),
    ],
)
def test_what_is_no_image_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ReadWriteError, match=f"{name} cannot be read as NIfTI"):
        load_image(tmp_path / name)


@pytest.mark.parametrize("extension", ["nii", "nii.gz"])
def test_the_second_version_of_nifti_is_read(tmp_path, image, extension):
    path = tmp_path / f"second.{extension}"
    nib.save(nib.Nifti2Image(np.asarray(image.dataobj), image.affine), path)

    loaded = load_image(path)

    assert np.array_equal(loaded.get_fdata(), image.get_fdata())
    assert np.array_equal(loaded.affine, image.affine)


def test_colours_are_refused(tmp_path):
    colours = np.zeros((4, 5, 6), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(colours, np.eye(4)), tmp_path / "colours.nii.gz")

    with pytest.raises(DataError, match="colours, not one brightness per voxel"):
        load_image(tmp_path / "colours.nii.gz")


def test_a_file_that_is_not_there_is_named(tmp_path):
    for read in (load_image, read_table, read_json):
        with pytest.raises(InputMissingError, match=r"lost\.x does not exist"):
            read(tmp_path / "lost.x")


def test_missing_cells_are_written_as_bids_wants_them(tmp_path):
    path = tmp_path / "participants.tsv"
    table = pd.DataFrame({"participant_id": ["sub-01"], "age": [np.nan], "site": ["a b"]})

    write_table(path, table, {"age": {"Units": "years"}})

    assert path.read_text() == "participant_id\tage\tsite\nsub-01\tn/a\ta b\n"
    assert read_table(path)["age"].isna().all()
    assert read_json(path.with_suffix(".json")) == {"age": {"Units": "years"}}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("code", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
def test_every_type_of_number_is_read_and_can_be_saved_again(tmp_path, code, order):
    values = np.arange(60).reshape(3, 4, 5).astype(order + code)
    (tmp_path / "mask.nii").write_bytes(
        nib.Nifti1Image(
            values, np.eye(4), nib.Nifti1Header(endianness=order), dtype=values.dtype
        ).to_bytes()
    )

    loaded = load_image(tmp_path / "mask.nii")
    made = nib.Nifti1Image(np.asarray(loaded.dataobj), loaded.affine)  # refuses 64 bits
    save_image(loaded, tmp_path / "again.nii.gz")

    assert np.array_equal(made.get_fdata(), values.astype(float))
    assert np.asarray(loaded.dataobj).dtype.isnative
    assert np.array_equal(load_image(tmp_path / "again.nii.gz").get_fdata(), values.astype(float))


@pytest.mark.parametrize("value", [2**40, -(2**40)])
def test_integers_that_need_64_bits_keep_their_size(tmp_path, value):
    values = np.full((3, 4, 5), value, dtype=np.int64)
    nib.save(nib.Nifti1Image(values, np.eye(4), dtype=np.int64), tmp_path / "large.nii.gz")

    assert load_image(tmp_path / "large.nii.gz").get_fdata() == pytest.approx(float(value))


def test_what_is_compressed_is_told_by_the_content_and_not_by_the_name(tmp_path, image):
    nib.save(image, tmp_path / "plain.nii")
    nib.save(image, tmp_path / "zipped.nii.gz")
    (tmp_path / "a.nii.gz").write_bytes((tmp_path / "plain.nii").read_bytes())
    (tmp_path / "b.nii").write_bytes((tmp_path / "zipped.nii.gz").read_bytes())

    for name in ("a.nii.gz", "b.nii"):
        assert np.array_equal(load_image(tmp_path / name).get_fdata(), image.get_fdata())


@pytest.mark.parametrize(
    "content",
    [
        b"/annex/objects/MD5E-s81234--0f1e2d3c.nii.gz\n",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    ],
)
def test_content_that_was_not_fetched_is_said_to_be_so(tmp_path, content):
    (tmp_path / "pointer.nii.gz").write_bytes(content)
    (tmp_path / "link.nii.gz").symlink_to(".git/annex/objects/lost")

    with pytest.raises(InputMissingError, match=r"pointer\.nii\.gz is a pointer.*datalad get"):
        load_image(tmp_path / "pointer.nii.gz")
    for read in (load_image, hash_file, read_json):
        with pytest.raises(InputMissingError, match=r"link\.nii\.gz is a broken link.*datalad get"):
            read(tmp_path / "link.nii.gz")


def test_a_web_page_in_place_of_an_image_is_called_one(tmp_path):
    (tmp_path / "got.nii.gz").write_text("<!DOCTYPE html><html>Please log in</html>")

    with pytest.raises(ReadWriteError, match="it is a web page"):
        load_image(tmp_path / "got.nii.gz")


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "@SUM(A1)",
        "+cmd|x",
        "-2+3",
        " =1",
        "'=1",
        "''=1",
        "'tis",
        "＝1",
        "-",
        "a=b",
        "-0.5",
        "1e5",
        "=",
    ],
)
def test_no_cell_begins_like_a_formula_and_every_cell_comes_back(tmp_path, cell):
    table = pd.DataFrame({"participant_id": ["sub-1", "sub-2"], cell: [cell, "x"]})

    write_table(tmp_path / "a.tsv", table, {cell: {"Description": cell}})

    cells = [c for line in (tmp_path / "a.tsv").read_text().splitlines() for c in line.split("\t")]
    assert not [c for c in cells if re.match(r"\s*[=+@\-＝]", c) and not is_number(c)]
    assert read_table(tmp_path / "a.tsv")[cell].tolist() == [cell, "x"]


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_the_scale_of_whole_numbers_is_kept(tmp_path):
    image = nib.Nifti1Image(np.arange(27, dtype=np.uint8).reshape(3, 3, 3), np.eye(4))
    image.header.set_slope_inter(0.5, 0)

    save_image(image, tmp_path / "image.nii.gz")

    assert np.asarray(nib.load(tmp_path / "image.nii.gz").dataobj).max() == 13
