import os

import pytest

from motor_bids_app.bids.recordings import check_parts
from motor_bids_app.errors import InputMissingError, ReadWriteError


def header(folder, data="a.eeg", marker="a.vmrk"):
    """A header of BrainVision, with the files that lie beside it."""
    path = folder / "a.vhdr"
    path.write_text(f"[Common Infos]\nDataFile={data}\nMarkerFile = {marker}\r\n")
    for name in ("a.eeg", "a.vmrk"):
        (folder / name).touch()
    return path


def test_parts_beside_the_header_are_taken(tmp_path):
    check_parts(header(tmp_path))
    check_parts(header(tmp_path, data="$b.eeg"))


@pytest.mark.parametrize("name", ["/dev/zero", "../a.eeg", "sub/a.eeg", "..\\a.eeg"])
def test_a_header_that_names_files_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(ReadWriteError, match="not a file beside it"):
        check_parts(header(tmp_path, data=name))


@pytest.mark.parametrize(("first", "second"), [("a.vhdr", "a.eeg"), ("a.set", "a.fdt")])
def test_a_pipe_in_place_of_a_part_is_refused(tmp_path, first, second):
    header(tmp_path)
    (tmp_path / first).touch()
    (tmp_path / second).unlink(missing_ok=True)
    os.mkfifo(tmp_path / second)

    with pytest.raises(ReadWriteError, match="named pipe"):
        check_parts(tmp_path / first)


def test_a_part_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputMissingError, match=r"b\.eeg"):
        check_parts(header(tmp_path, data="b.eeg"))
