import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from boutiques.validator import validate_descriptor

from motor_bids_app.bids.descriptor import boutiques_descriptor
from motor_bids_app.cli.options import build_parser
from motor_bids_app.cli.parse import parse_settings
from motor_bids_app.errors import EXIT_CODES

BOSH = Path(sys.executable).parent / "bosh"


@pytest.fixture
def descriptor():
    return boutiques_descriptor(build_parser())


def test_boutiques_accepts_the_descriptor(descriptor):
    assert validate_descriptor(descriptor)  # raises if not


def test_every_option_with_an_effect_is_offered(descriptor):
    offered = {entry["id"] for entry in descriptor["inputs"]}
    options = {action.dest for action in build_parser()._actions}

    assert options - offered == {"help", "version", "bids_exec_spec", "selftest", "notrack"}


def test_exit_codes_are_those_of_the_table(descriptor):
    codes = {entry["code"]: entry["description"] for entry in descriptor["error-codes"]}

    assert {0: EXIT_CODES[0], **codes} == EXIT_CODES


def test_command_that_boutiques_builds_is_understood(descriptor, tmp_path):
    (tmp_path / "tool.json").write_text(json.dumps(descriptor))
    wanted = {
        "bids_dir": str(tmp_path),
        "output_dir": "out",
        "level": "participant",
        "participant_label": ["01", "02"],
        "derivatives": ["masks=/data/masks"],
        "nprocs": 3,
        "mem_gb": 7.5,
        "dry_run": True,
        "shard": "1/2",
    }
    (tmp_path / "values.json").write_text(json.dumps(wanted))

    done = subprocess.run(
        [BOSH, "exec", "simulate", tmp_path / "tool.json", "-i", tmp_path / "values.json"],
        capture_output=True,
        text=True,
        check=True,
    )
    settings = parse_settings(shlex.split(done.stdout.strip().splitlines()[-1])[1:])

    assert settings.selection.participants == ("01", "02")
    assert settings.selection.shard == (1, 2)
    assert settings.derivatives == {"masks": Path("/data/masks")}
    assert (settings.resources.n_procs, settings.resources.mem_gb) == (3, 7.5)
    assert settings.dry_run


def test_file_in_the_repository_is_up_to_date(descriptor):
    path = Path(__file__).parents[2] / "boutiques.json"

    assert json.loads(path.read_text()) == descriptor, (
        "run: motor_bids_app --bids-exec-spec > boutiques.json"
    )
