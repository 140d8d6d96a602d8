import logging

import pytest

from motor_bids_app import __main__
from motor_bids_app.bids.dataset import check_output
from motor_bids_app.errors import (
    DataError,
    IncompleteRunError,
    InputMissingError,
    OutputError,
    UsageError,
)
from motor_bids_app.levels import run as runs
from motor_bids_app.settings import Resources, Settings


@pytest.fixture
def dataset(tmp_path):
    root = tmp_path / "raw"
    (root / "sub-1" / "anat").mkdir(parents=True)
    (root / "sub-1" / "anat" / "sub-1_T1w.nii.gz").touch()
    (root / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.9.0"}')
    return root


@pytest.fixture
def settings(dataset, tmp_path):
    """Return a function that makes settings of levels that follow each other."""

    def make(*levels, **others):
        first, *later = (
            Settings(bids_dir=dataset, output_dir=tmp_path / "out", level=level, **others)
            for level in levels
        )
        return Settings(**{**vars(first), "followed_by": tuple(later)})

    return make


@pytest.fixture
def levels_that_ran(monkeypatch):
    """Levels in the order in which they ran, in place of their work, and errors by level."""
    ran = []

    def run_level(settings):
        ran.append(settings.level)
        if settings.level in failing:
            raise failing[settings.level]
        return ()

    failing = {}
    monkeypatch.setattr(runs, "run_level", run_level)
    return ran, failing


def test_levels_run_in_their_order(settings, levels_that_ran):
    sentence = runs.run(settings("participant", "group", "predict"))

    assert levels_that_ran[0] == ["participant", "group", "predict"]
    assert sentence.count(" level is done in ") == 3


def test_people_who_fail_do_not_stop_the_next_level_but_are_told_at_the_end(
    settings, levels_that_ran
):
    ran, failing = levels_that_ran
    failing["participant"] = IncompleteRunError("1 of 9 failed.")

    with pytest.raises(IncompleteRunError, match=r"1 of 9 failed\."):
        runs.run(settings("participant", "group"))
    assert ran == ["participant", "group"]


@pytest.mark.parametrize(
    ("error", "options"),
    [(DataError("unusable"), {}), (IncompleteRunError("1"), {"stop_on_first_crash": True})],
)
def test_what_stops_a_level_stops_those_behind_it(settings, levels_that_ran, error, options):
    ran, failing = levels_that_ran
    failing["participant"] = error

    with pytest.raises(type(error)):
        runs.run(settings("participant", "group", **options))
    assert ran == ["participant"]


def test_a_dry_run_foretells_each_level_and_checks_where_it_would_write(settings, capsys):
    sentence = runs.run(settings("participant", "group", dry_run=True))
    shown = capsys.readouterr().out

    assert sentence == "Nothing was computed or written."
    assert "(can be written)" in shown
    assert "1 to process" in shown
    assert "No network would be trained." in shown


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"resources": Resources(device="cuda:99")}, UsageError, "cuda:99 is not there"),
        ({"resources": Resources(engine="dask-file:none")}, InputMissingError, "no scheduler file"),
        ({"work_dir": "in the dataset"}, OutputError, "work folder"),
        ({"derivatives": "the output"}, UsageError, "is the output folder itself"),
    ],
)
def test_a_dry_run_finds_places_that_a_run_would_fail_in(
    monkeypatch, settings, dataset, tmp_path, options, error, message
):
    monkeypatch.setattr("motor_bids_app.engine.CONNECT_SECONDS", 0)
    if "work_dir" in options:
        options = {"work_dir": dataset / "work"}
    if "derivatives" in options:
        options = {"derivatives": {"mine": tmp_path / "out"}}

    with pytest.raises(error, match=message):
        runs.run(settings("participant", dry_run=True, **options))
    assert not (tmp_path / "out").exists()


def test_a_dry_run_finds_an_output_that_cannot_be_made(dataset, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file is a file"):
        check_output(dataset, tmp_path / "file" / "out")

    check_output(dataset, tmp_path / "new" / "out")
    assert not (tmp_path / "new").exists()


def test_remarks_on_the_command_line_are_warnings(settings, levels_that_ran, caplog):
    with caplog.at_level(logging.WARNING, "motor_bids_app"):
        runs.run(settings("participant", remarks=("--low-mem does nothing here",)))

    assert "--low-mem does nothing here" in caplog.text


@pytest.mark.parametrize(("verbosity", "lowest"), [(-1, "WARNING"), (0, "INFO"), (2, "DEBUG")])
def test_the_terminal_has_what_was_asked_for(monkeypatch, verbosity, lowest):
    logger = logging.getLogger("motor_bids_app")
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logger.level)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)

    __main__._log_to_terminal(verbosity)
    logging.captureWarnings(False)

    assert logging.getLevelName(logger.handlers[0].level) == lowest
