"""Logs of a run: lines for people, and JSON for programs."""

import json
import logging
from types import SimpleNamespace

import pytest

from motor_bids_app.levels.logs import log_files

log = logging.getLogger("motor_bids_app.test")


@pytest.fixture(autouse=True)
def everything(caplog):
    caplog.set_level(logging.DEBUG, "motor_bids_app")


def read(folder, ending):
    (path,) = (folder / "logs").glob(f"*_group_*.{ending}")
    return path.read_text().splitlines()


def test_every_line_stands_in_both_logs(tmp_path):
    with log_files(SimpleNamespace(output_dir=tmp_path, level="group")):
        log.warning("two\nlines")
        log.info("%s is done", "sub-01", extra={"event": {"participant": "sub-01", "seconds": 2.5}})

    first, second = (json.loads(line) for line in read(tmp_path, "jsonl"))
    assert (first["level"], first["message"]) == ("warning", "two\nlines")
    assert second["message"] == "sub-01 is done"
    assert (second["participant"], second["seconds"]) == ("sub-01", 2.5)
    assert second["time"].endswith("+00:00")
    assert "sub-01 is done" in "\n".join(read(tmp_path, "log"))


def test_an_error_leaves_its_traceback_and_nothing_is_logged_afterwards(tmp_path):
    with (
        pytest.raises(ValueError, match="lost"),
        log_files(SimpleNamespace(output_dir=tmp_path, level="group")),
    ):
        raise ValueError("lost")
    log.warning("later")

    (line,) = (json.loads(line) for line in read(tmp_path, "jsonl"))
    assert "ValueError: lost" in line["traceback"]
