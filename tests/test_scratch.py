import signal
import subprocess
import sys
import time

import pytest

from motor_bids_app import scratch
from motor_bids_app.scratch import scratch_folder, sweep, temporary_file

HOLD = """
import sys, time
from pathlib import Path
from motor_bids_app.scratch import scratch_folder, temporary_file
place = Path(sys.argv[1])
with scratch_folder("maps", place) as folder, temporary_file(place / "image.nii.gz"):
    (folder / "large.npy").write_text("values")
    (place / "ready").touch()
    time.sleep(600)
"""


@pytest.fixture
def killed(tmp_path):
    """A folder in which a process made scratch; call it to kill that process."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path])
    while not (tmp_path / "ready").exists():
        assert process.poll() is None
        time.sleep(0.01)
    (tmp_path / "ready").unlink()

    def kill():
        process.send_signal(signal.SIGKILL)
        process.wait()

    yield kill
    kill()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_run_left_is_cleared_and_what_a_living_one_uses_is_not(tmp_path, killed):
    before = names(tmp_path)
    assert len(before) == 2

    with scratch_folder("maps", tmp_path):
        sweep(tmp_path)
    assert names(tmp_path) == before

    killed()
    assert names(tmp_path) == before
    with scratch_folder("maps", tmp_path):
        sweep(tmp_path)
    assert names(tmp_path) == []


def test_what_another_machine_left_is_not_touched(tmp_path, killed, monkeypatch):
    before = names(tmp_path)
    killed()
    monkeypatch.setattr(scratch, "_machine", lambda: "elsewhere_later")

    with scratch_folder("maps", tmp_path):
        sweep(tmp_path)

    assert names(tmp_path) == before


def test_files_of_other_programs_stay(tmp_path):
    for name in ("motor_bids_app-notes", "motor_bids_app-maps-1a2b3c_4d5e6f-x"):
        (tmp_path / name).mkdir()
    (tmp_path / ".tmp-of-an-editor").touch()
    before = names(tmp_path)

    with scratch_folder("maps", tmp_path):
        sweep(tmp_path)

    assert names(tmp_path) == before


def test_a_temporary_file_keeps_the_extension_and_is_gone_after_an_error(tmp_path):
    def fail():
        with temporary_file(tmp_path / "a.json") as temporary:
            temporary.write_text("half")
            raise OSError(temporary.suffix)

    with pytest.raises(OSError, match="json"):
        fail()
    assert names(tmp_path) == []
