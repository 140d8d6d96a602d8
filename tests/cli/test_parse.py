import subprocess
import sys
from pathlib import Path

import pytest

from motor_bids_app import __version__
from motor_bids_app.cli import values as cli_values
from motor_bids_app.cli.options import build_parser
from motor_bids_app.cli.parse import parse_settings
from motor_bids_app.errors import EXIT_CODES, InputMissingError, UnknownLevelError, UsageError
from motor_bids_app.settings import SelfTest


def parse(*words, level="participant"):
    return parse_settings(["in", "out", level, *map(str, words)])


@pytest.mark.parametrize(
    "option",
    [
        "--participant-label",
        "--participant_label",
        "--subject-label",
        "--subject_label",
    ],
)
def test_labels_are_taken_in_every_spelling(option):
    assert parse(option, "sub-01", "02", "01").selection.participants == ("01", "02")


def test_underscores_in_values_stay():
    assert parse("--work_dir=a_b").work_dir == Path("a_b")
    assert parse("--experiment", "my_own.toml", level="group").experiments == ("my_own.toml",)


@pytest.mark.parametrize("code", ["utf-8-sig", "utf-16"])
def test_labels_are_read_as_in_tables(tmp_path, code):
    path = tmp_path / "participants.tsv"
    path.write_bytes("participant_id\tage\r\nSUB-01 \t5\r\n 02\t6\r\n".encode(code))
    assert parse("--participant-label", path, "Sub-03").selection.participants == ("01", "02", "03")


def test_labels_may_come_from_a_file(tmp_path):
    path = tmp_path / "people.txt"
    path.write_text("participant_id\nsub-01\n\n02\n")

    assert parse("--participant-label", path, "03").selection.participants == ("01", "02", "03")


@pytest.mark.parametrize(
    ("words", "level"),
    [
        (["--participant-label", "a_b"], "participant"),
        (["--mem-gb", "nan"], "participant"),
        (["--nprocs", "0"], "participant"),
        (["--shard", "3/2"], "participant"),
        (["--shard", "0/2"], "participant"),
        (["--engine", "slurm"], "participant"),
        (["--engine", "dask:"], "participant"),
        (["--device", "gpu"], "participant"),
        (["--modalities", "pet"], "participant"),
        (["--participant", "01"], "participant"),
        (["-d", "raw=/x"], "participant"),
        (["--random-seed", "-1"], "participant"),
        ([], "predict"),
        (["--selftest"], "participant"),
        (["--shard", "1/2"], "group"),
        (["--engine", "dask:tcp://a:1"], "group"),
        (["--shard", "2/2", "--model", "m"], "predict"),
        (["--shard", "1/2", "--work-dir", "w", "--clean-workdir"], "group"),
    ],
)
def test_wrong_usage_is_a_usage_error_of_one_line(words, level):
    with pytest.raises(UsageError) as caught:
        parse(*words, level=level)

    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 64


def test_missing_arguments_are_named():
    with pytest.raises(UsageError, match="output_dir, analysis_level"):
        parse_settings(["in"])


def test_unknown_level_has_its_own_exit_code():
    with pytest.raises(UnknownLevelError, match="participant, group, predict") as caught:
        parse_settings(["in", "out", "participants", "--nprocs", "1"])

    assert caught.value.exit_code == 17


def test_derivatives_add_up_and_may_be_unnamed():
    settings = parse("-d", "masks=/a", "/b/maps", "--derivatives", "c=/c")

    assert settings.derivatives == {"masks": Path("/a"), "maps": Path("/b/maps"), "c": Path("/c")}


def test_command_line_wins_over_the_configuration_file(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(
        'participant_label = ["01", "02"]\nnprocs = 3\nsloppy = true\noverwrite = false\n'
        'work-dir = "scratch"\n[derivatives]\nmasks = "/data"\n'
    )

    settings = parse("--config-file", path, "--participant-label", "03")

    assert settings.selection.participants == ("03",)
    assert settings.resources.n_procs == 3
    assert settings.processing.sloppy
    assert not settings.overwrite
    assert settings.work_dir == Path("scratch")
    assert settings.derivatives == {"masks": Path("/data")}


def test_configuration_file_may_name_the_model(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('model = "bundle"')

    assert parse("--config-file", path, level="predict").models == (Path("bundle"),)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("colour = 1", UsageError, "colour is no option"),
        ("nprocs = -2", UsageError, "at least 1"),
        ("nprocs", UsageError, "not readable TOML"),
        (None, InputMissingError, "no such file"),
    ],
)
def test_mistakes_in_the_configuration_file_are_explained(tmp_path, text, error, message):
    path = tmp_path / "config.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(error, match=message):
        parse("--config-file", path)


def test_bids_filter_file_is_read(tmp_path):
    path = tmp_path / "filter.json"
    path.write_text('{"t1w": {"acquisition": null}}')

    settings = parse("--bids-filter-file", path)

    assert settings.selection.bids_filter == {"t1w": {"acquisition": None}}


@pytest.mark.parametrize(
    ("text", "error"), [("{", UsageError), ("[]", UsageError), (None, InputMissingError)]
)
def test_unreadable_bids_filter_is_explained(tmp_path, text, error):
    path = tmp_path / "filter.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(error, match=r"filter\.json"):
        parse("--bids-filter-file", path)


@pytest.mark.parametrize(
    ("n_cpus", "memory", "words", "expected"),
    [
        (1, 64.0, [], (1, 1)),
        (16, 64.0, [], (8, 2)),
        (16, 8.0, [], (2, 2)),
        (16, 2.0, [], (1, 2)),
        (16, 64.0, ["--mem-gb", "12"], (3, 2)),
        (16, 64.0, ["--omp-nthreads", "8"], (2, 8)),
        (4, 1.0, ["--n-cpus", "4"], (4, 2)),
    ],
)
def test_processes_fit_cpus_and_memory(monkeypatch, n_cpus, memory, words, expected):
    monkeypatch.setattr(cli_values, "available_cpus", lambda: n_cpus)
    monkeypatch.setattr(cli_values, "available_memory", lambda: memory)

    settings = parse(*words)

    assert (settings.resources.n_procs, settings.processing.omp_nthreads) == expected


def test_limit_of_a_container_is_respected(monkeypatch, tmp_path):
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    (tmp_path / "memory.max").write_text(f"{2**31}\n")
    monkeypatch.setattr(cli_values, "_CGROUP", tmp_path)

    assert cli_values.available_cpus() == 1
    assert cli_values.available_memory() == 2

    for name in ("cpu.max", "memory.max"):
        (tmp_path / name).write_text("max\n")
    assert cli_values.available_cpus() >= 1
    assert cli_values.available_memory() > 0


@pytest.mark.parametrize(
    ("words", "folder"),
    [(["--selftest"], None), (["--selftest", "x"], Path("x")), (["--selftest=x"], Path("x"))],
)
def test_selftest_stands_alone(words, folder):
    assert parse_settings(words) == SelfTest(folder=folder)


def test_help_prints_all_exit_codes():
    text = build_parser().format_help()

    assert all(f"{code:3} {meaning}" in text for code, meaning in EXIT_CODES.items())


@pytest.mark.parametrize(
    ("option", "beginning"),
    [("--version", f"motor_bids_app {__version__}"), ("--bids_exec_spec", '{\n  "name": "motor')],
)
def test_information_is_printed_without_other_arguments(capsys, option, beginning):
    with pytest.raises(SystemExit) as caught:
        parse_settings([option])

    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(beginning)


def test_command_line_is_read_without_loading_libraries():
    code = (
        "import sys, motor_bids_app.__main__, motor_bids_app.cli.parse as cli; "
        "cli.parse_settings(['in', 'out', 'group']); "
        "print({'numpy', 'pandas', 'torch', 'bids', 'nilearn'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("words", "level", "used"),
    [
        (["--weights", "w"], "participant", "group"),
        (["--weights", "w"], "predict", "group"),
        (["--experiment", "shi2025"], "participant", "group"),
        (["--model", "m"], "participant", "predict or validate"),
        (["--outside", "refuse"], "group", "predict or validate"),
        (["--init-from", "m"], "participant", "group"),
        (["--qc-file", "q"], "predict", "group or validate"),
    ],
)
def test_an_option_of_another_level_is_refused(words, level, used):
    model = ["--model", "m"] if level == "predict" else []

    with pytest.raises(UsageError, match=f"{words[0]} is for the {used} level"):
        parse(*words, *model, level=level)


def test_a_configuration_file_may_serve_all_levels(tmp_path):
    path = tmp_path / "options.toml"
    path.write_text('experiment = ["shi2025"]\nweights = "w"\n')

    assert parse("--config-file", path).weights == Path("w")


def test_predict_reads_doubtful_measures_where_allowed_and_has_no_audit():
    assert parse("--model", "m", "--allow", "snr_b0", level="predict").allow == ("snr_b0",)

    with pytest.raises(UsageError, match="audit"):
        parse("--model", "m", "--allow", "two-folds", level="predict")
    with pytest.raises(UsageError, match="--allow is for the group, predict or validate level"):
        parse("--allow", "snr_b0", level="participant")


@pytest.mark.parametrize("option", ["--anonymise-labels", "--anonymize_labels"])
def test_the_key_of_pseudonyms_is_for_all_levels(option):
    settings = parse_settings(["bids", "out", "participant", "group", option, "key.json"])
    assert settings.key_file == Path("key.json").absolute()
    assert settings.followed_by[0].key_file == settings.key_file
