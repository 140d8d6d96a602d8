import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from motor_bids_app.cli.options import build_parser
from motor_bids_app.cli.other_apps import ELSEWHERE
from motor_bids_app.cli.parse import parse_settings
from motor_bids_app.errors import UnknownLevelError, UsageError

ROOT = Path(__file__).parents[2]


def parse(*words, levels=("participant",)):
    return parse_settings(["in", "out", *levels, *map(str, words)])


def test_the_table_of_command_lines_says_what_the_parser_does():
    command = [sys.executable, ROOT / "tools/commands.py"]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert len(re.findall(r"^\| `", written, re.MULTILINE)) >= 60
    assert written == (ROOT / "docs/commands.md").read_text(), (
        "run: python tools/commands.py > docs/commands.md"
    )


def test_options_that_are_answered_are_refused_with_their_answer():
    for option, answer in ELSEWHERE.items():
        with pytest.raises(UsageError) as caught:
            parse(option, "1")
        assert str(caught.value) == answer


def test_an_answer_names_no_option_that_is_not_there():
    known = {*build_parser()._option_string_actions, "--fd-thresh", "--float32"}
    named = {
        word
        for option, answer in ELSEWHERE.items()
        for word in re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", answer)
        if word != option
    }

    assert named <= known


def test_options_without_effect_change_nothing_and_say_so():
    actions = [action for action in build_parser()._actions if action.dest == "remarks"]
    for action in actions:
        words = [action.option_strings[0], *(["x"] if action.nargs else [])]
        settings = parse(*words)

        assert settings.remarks[0].startswith(f"{words[0]} does nothing here: ")
        assert replace(settings, remarks=()) == parse()
    assert len(actions) > 10


@pytest.mark.parametrize(
    ("text", "gib"), [("2000", 1.86), ("2G", 1.86), ("2GB", 1.86), ("1.5t", 1397), ("64000M", 59.6)]
)
def test_memory_has_the_units_of_fmriprep(text, gib):
    assert parse("--mem", text).resources.mem_gb == pytest.approx(gib, rel=1e-2)


@pytest.mark.parametrize("text", ["8", "999", "500M", "1K", "much", "16X", "-4G", "0G"])
def test_memory_that_cannot_be_meant_is_refused(text):
    with pytest.raises(UsageError, match="--mem"):
        parse(f"--mem={text}")


def test_several_levels_follow_each_other_with_the_same_options():
    first = parse("--experiment", "shi2025", "--quiet", levels=("participant", "group"))
    (second,) = first.followed_by

    assert (first.level, second.level) == ("participant", "group")
    assert replace(second, level="participant") == replace(first, followed_by=())
    assert second.experiments == ("shi2025",)


def test_the_work_folder_is_cleaned_once():
    words = ("--work-dir", "w", "--clean-workdir")
    first = parse(*words, levels=("participant", "group"))

    assert first.clean_work_dir
    assert not first.followed_by[0].clean_work_dir


def test_one_wrong_level_among_several_is_named():
    with pytest.raises(UnknownLevelError, match=r"'grop' is no .* Did you mean group"):
        parse(levels=("participant", "grop"))


@pytest.mark.parametrize(
    ("word", "meant"),
    [("--task", "task-"), ("--modality", "--modalities"), ("-n-cpus", "--n-cpus")],
)
def test_what_was_likely_meant_is_named(word, meant):
    with pytest.raises(UsageError, match=f"{word} is no option. Did you mean.*{meant}"):
        parse(word, "x")


def test_what_is_like_nothing_is_sent_to_the_help():
    with pytest.raises(UsageError, match=r"--xyzzy is no option\. See --help"):
        parse("--xyzzy")


@pytest.mark.parametrize(
    ("configured", "words", "n_procs"),
    [
        ("nprocs = 5", ["--nthreads", "4", "--omp-nthreads", "2", "--mem", "64G"], 2),
        ("nthreads = 8", ["--nprocs", "3"], 3),
    ],
)
def test_the_command_line_wins_over_its_rival_in_the_configuration_file(
    tmp_path, configured, words, n_procs
):
    path = tmp_path / "config.toml"
    path.write_text(configured)

    assert parse("--config-file", path, *words).resources.n_procs == n_procs


def test_the_configuration_file_may_hold_options_of_other_apps(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("low_mem = true\n")
    assert "--low-mem" in parse("--config-file", path).remarks[0]

    path.write_text("output_resolution = 2\n")
    with pytest.raises(UsageError, match="maps have 2 mm"):
        parse("--config-file", path)


def test_to_correct_and_to_ignore_distortion_contradict_each_other():
    assert parse("--ignore", "SDC").processing.susceptibility == "off"
    with pytest.raises(UsageError, match="contradict"):
        parse("--ignore", "sdc", "--susceptibility", "head")
