"""Every command that README and docs show is one that its program understands.

Those of the participant level are run on a simulated head. Recipes of docs/cluster.md and
docs/predictors.md are run as they stand by tests of their own. Programs of platforms are not among
the packages of a developer: docs/platforms.md says when which of their commands was run.
"""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from motor_bids_app.__main__ import main
from motor_bids_app.__main__ import simulate as run_simulator
from motor_bids_app.cli.convert import build_parser as converter
from motor_bids_app.cli.parse import parse_settings
from motor_bids_app.cli.simulate import parse_simulation
from motor_bids_app.errors import UsageError
from motor_bids_app.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
ELSEWHERE = ("commands.md", "cluster.md")  # tests/cli/test_other_apps, tests/levels/test_cluster
PROGRAMS = (
    "motor_bids_app", "motor_bids_simulate", "motor_bids_convert", "make", "docker", "apptainer",
    "python", "pip",
)  # fmt: skip
START = rf"(?:\.venv/bin/)?(?:{'|'.join(PROGRAMS)}) \S"


def commands_of(text):
    """Commands in code blocks, lines joined, and in code spans that begin with a program."""
    text = text.replace("\\\n", " ")
    blocks = re.findall(rf"^(?: {{4}})?({START}.*?)(?:  +#.*)?$", text, re.MULTILINE)
    spans = re.findall(rf"(?<!`)`({START}[^`]*)`", text)
    return [" ".join(command.split()) for command in (*blocks, *spans)]


COMMANDS = sorted(
    {
        (page.name, command)
        for page in PAGES
        if page.name not in ELSEWHERE
        for command in commands_of(page.read_text())
    }
)


def words_of(command):
    """Words as a shell sees them, without what stands for 'and so on'."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split, lexer.commenters = True, "#"
    words = [word for word in lexer if word not in ("...", "[MODEL", "...]")]
    return [words[0].removeprefix(".venv/bin/"), *words[1:]]


def after(words, image):
    """What an engine hands to the app: all words after the name of the image."""
    return words[words.index(image) + 1 :]


def understand(words):
    """Raise unless the program of a command understands it."""
    match words:
        case ["motor_bids_app", "--bids-exec-spec" | "--version" | "--help"]:
            with pytest.raises(SystemExit, match="0"):
                parse_settings(words[1:])
        case ["motor_bids_app", *rest]:
            parse_settings(rest)
        case ["motor_bids_simulate", *rest]:
            parse_simulation(rest)
        case ["motor_bids_convert", *rest]:
            converter().parse_args(rest)
        case ["make", target, *_] if target[:1].islower():
            subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, check=True, capture_output=True)
        case ["docker", "run", *_]:
            parse_settings(after(words, "motor_bids_app"))
        case ["apptainer", "run", *_]:
            parse_settings(after(words, "motor_bids_app.sif"))
        case ["apptainer", "build", "motor_bids_app.sif", source]:
            assert source.startswith("docker-daemon://") or (ROOT / source).is_file()
        case ["docker", "build", *options]:
            target = options[options.index("--target") + 1] if "--target" in options else "app"
            assert f" AS {target}\n" in (ROOT / "Dockerfile").read_text()
        case ["docker", "image", "inspect"]:  # of Docker alone
            pass
        case ["python", script, *_]:
            assert (ROOT / script).is_file() or script == "-m"
        case ["pip", "install", *names]:
            assert names
        case _:
            pytest.fail(f"no program of this project understands {words}")


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_a_command_is_understood(page, command):
    understand(words_of(command))


def test_commands_are_found_wherever_they_stand():
    found = commands_of(
        "Run `make env` first.\n\n    motor_bids_app IN OUT participant   # a remark\n\n"
        "```bash\nmotor_bids_app IN OUT group \\\n    --experiment baselines\n```\n"
    )
    assert found == [
        "motor_bids_app IN OUT participant",
        "motor_bids_app IN OUT group --experiment baselines",
        "make env",
    ]
    assert len(COMMANDS) > 60


@pytest.mark.parametrize("command", ["motor_bids_app IN OUT group --experimant x", "make nothing"])
def test_a_command_that_does_not_exist_fails(command):
    with pytest.raises((UsageError, subprocess.CalledProcessError)):
        understand(words_of(command))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("documents")
    words = ["--participants", "1", "--controls", "0", "--modalities", "anat", "--voxel-size", "5"]
    assert run_simulator([str(folder / "bids"), *words]) == 0
    return folder


RUN = sorted(
    {
        command
        for _, command in COMMANDS
        if re.match(r"motor_bids_app BIDS(_DIR)? OUT(PUT_DIR)? participant(?! group)", command)
    }
)


@pytest.mark.parametrize("command", RUN)
def test_commands_of_the_participant_level_run_on_a_dataset(command, dataset, tmp_path):
    shutil.copytree(dataset / "bids", tmp_path / "bids")
    words = ["001" if word == "01" else word for word in words_of(command)[1:]]
    words[:2] = [str(tmp_path / "bids"), str(tmp_path / "out")]
    once = [word for word in ("--dry-run",) if word not in words]
    assert isinstance(parse_settings(words), Settings)
    assert main([*words, *once]) == 0
