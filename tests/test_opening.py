import os
import socket

import pytest

from motor_bids_app.bids.files import hash_file, load_image, read_json
from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import InputMissingError, ReadWriteError
from motor_bids_app.opening import read_bytes, read_text


def special(kind, path):
    """Something that is no ordinary file."""
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(os.path.relpath(path))  # the name of a socket must be short
    elif kind == "loop":
        path.symlink_to(path)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "socket", "loop"])
@pytest.mark.parametrize("read", [hash_file, load_image, read_json, read_table, read_text])
def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path, monkeypatch, kind, read):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sub-01_T1w.nii.gz"
    special(kind, path)

    with pytest.raises(ReadWriteError, match=r"sub-01_T1w\.nii\.gz (is|cannot be opened)"):
        read(path)


def test_a_link_to_content_that_was_not_fetched_is_named(tmp_path):
    path = tmp_path / "a.json"
    path.symlink_to("nowhere")

    with pytest.raises(InputMissingError, match=r"a\.json is a broken link"):
        read_json(path)


def test_a_file_beyond_the_limit_is_refused(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(bytes(11))

    assert read_bytes(path, 11) == bytes(11)
    with pytest.raises(ReadWriteError, match="longer than"):
        read_bytes(path, 10)


def test_ends_of_lines_become_those_of_unix(tmp_path):
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n")

    assert read_text(tmp_path / "a") == "a\nb\nc\n"
