import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import boutiques
import nibabel as nib
import numpy as np
import pytest
from boutiques.invocationSchemaHandler import InvocationValidationError
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

    assert options - offered == {
        "help", "version", "bids_exec_spec", "selftest", "notrack", "remarks",
    }  # fmt: skip
    assert len(offered) == len(descriptor["inputs"])


def test_exit_codes_are_those_of_the_table(descriptor):
    codes = {entry["code"]: entry["description"] for entry in descriptor["error-codes"]}

    assert {0: EXIT_CODES[0], **codes} == EXIT_CODES


EXAMPLES = {  # of texts that are not taken as they are
    "participant_label": ["01", "02"],
    "exclude_participant_label": ["03"],
    "session_label": ["1"],
    "task_label": ["rest"],
    "shard": "1/2",
    "derivatives": ["masks=/data/masks"],
    "experiment": ["baselines", "mine.toml"],
    "trust_orientation": ["las=sub-01_*", "sform"],
    "output_spaces": ["MNI152NLin2009aSym"],
    "window": "44s",
    "window_taper": "3TR",
    "engine": "dask:tcp://127.0.0.1:1",
    "device": "cuda:1",
    "seed_mni": [-38.5, -22, 56.25],
}


def example(entry):
    """A value that an input of the descriptor takes; the smallest or a fraction of a number."""
    if entry["id"] in EXAMPLES:
        return EXAMPLES[entry["id"]]
    value = {"Flag": True, "String": "x", "File": "file"}.get(entry["type"])
    if entry["type"] == "Number":
        value = entry["minimum"] if entry["integer"] else 120.5
    value = entry["value-choices"][0] if "value-choices" in entry else value
    if entry.get("list") and entry["type"] == "Number":
        return [value + place for place in range(entry.get("min-list-entries", 1))]
    return [value] if entry.get("list") else value


def command_of(descriptor, values, tmp_path):
    """Words after the name of the program, of the command line that Boutiques builds."""
    (tmp_path / "values.json").write_text(json.dumps(values))
    done = boutiques.execute(
        "simulate", json.dumps(descriptor), "-i", str(tmp_path / "values.json")
    )
    return shlex.split(done.stdout.strip().splitlines()[-1])[1:]


RIVALS = {"nthreads", "seed_mask", "quiet"}  # of nprocs, seed_mni and verbose


@pytest.mark.parametrize("rivals", [False, True])
def test_boutiques_passes_on_a_value_of_every_input(descriptor, tmp_path, monkeypatch, rivals):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    needed = {"bids_dir": str(tmp_path), "output_dir": "out", "level": ["participant"]}
    entries = [entry for entry in descriptor["inputs"] if (entry["id"] in RIVALS) == rivals]
    values = {entry["id"]: example(entry) for entry in entries} | needed

    read = vars(build_parser().parse_args(command_of(descriptor, values, tmp_path)))

    assert read.keys() == values.keys()
    for entry in entries:
        name = entry["id"]
        if entry["type"] == "Number" or name in ("experiment", "session_label", "engine"):
            assert read[name] == values[name]


def test_several_options_pass_boutiques_together(descriptor, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = {
        "bids_dir": str(tmp_path),
        "output_dir": "out",
        "level": ["participant", "group"],
        "participant_label": ["01", "02"],
        "derivatives": ["masks=/data/masks"],
        "nprocs": 3,
        "mem_gb": 7.5,
        "scrub": 0.5,
        "emg_band": [20, 150.5],
        "dry_run": True,
    }

    settings = parse_settings(command_of(descriptor, wanted, tmp_path))

    assert settings.selection.participants == ("01", "02")
    assert settings.derivatives == {"masks": Path("/data/masks")}
    assert (settings.resources.n_procs, settings.resources.mem_gb) == (3, 7.5)
    assert settings.processing.bold.scrub == 0.5
    assert settings.processing.physiology.emg_band == (20, 150.5)
    assert settings.dry_run
    assert settings.followed_by[0].level == "group"


@pytest.mark.parametrize(
    "wrong",
    [{"scrub": 0}, {"nprocs": 1.5}, {"seed_mni": [1, 2]}, {"level": ["groups"]}, {"emg_band": 20}],
)
def test_boutiques_refuses_what_the_parser_would(descriptor, tmp_path, monkeypatch, capsys, wrong):
    monkeypatch.chdir(tmp_path)
    values = {"bids_dir": str(tmp_path), "output_dir": "out", "level": ["participant"], **wrong}

    with pytest.raises(InvocationValidationError):
        command_of(descriptor, values, tmp_path)


@pytest.mark.slow
def test_the_tests_of_the_descriptor_pass_where_there_is_a_dataset(descriptor, tmp_path):
    anat = tmp_path / "bids" / "sub-01" / "anat"
    anat.mkdir(parents=True)
    nib.save(
        nib.Nifti1Image(np.zeros((4, 4, 4), np.float32), np.eye(4)), anat / "sub-01_T1w.nii.gz"
    )
    description = '{"Name": "x", "BIDSVersion": "1.10.0"}'
    (tmp_path / "bids" / "dataset_description.json").write_text(description)
    alone = {key: value for key, value in descriptor.items() if key != "container-image"}
    (tmp_path / "tool.json").write_text(json.dumps(alone))

    environment = {**os.environ, "PATH": f"{BOSH.parent}:{os.environ['PATH']}"}
    environment["HOME"] = str(tmp_path)
    command = [BOSH, "test", "tool.json"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert f"{len(descriptor['tests'])} passed" in done.stdout, done.stdout


def test_file_in_the_repository_is_up_to_date(descriptor):
    path = Path(__file__).parents[2] / "boutiques.json"

    assert json.loads(path.read_text()) == descriptor, (
        "run: motor_bids_app --bids-exec-spec > boutiques.json"
    )
