import importlib.util
import json
import re
import shlex
from pathlib import Path

import boutiques
import pytest
import yaml

from motor_bids_app import __version__
from motor_bids_app.bids.index import index_dataset
from motor_bids_app.bids.search import read_sidecars
from motor_bids_app.cli.parse import parse_settings
from motor_bids_app.settings import Selection

ROOT = Path(__file__).parents[2]
NIPOPPY = ROOT / "platforms" / "nipoppy" / f"motor_bids_app-{__version__}"


@pytest.fixture(scope="module")
def app():
    path = ROOT / "platforms" / "brainlife" / "app.py"
    spec = importlib.util.spec_from_file_location("brainlife_app", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def config(tmp_path):
    files = {
        "t1": "t1.nii.gz",
        "lesion": "mask.nii.gz",
        "dwi": "dwi.nii.gz",
        "bvals": "dwi.bvals",
        "bvecs": "dwi.bvecs",
    }
    (tmp_path / "input").mkdir()
    for name in files.values():
        (tmp_path / "input" / name).write_text(name)
    meta = {"subject": "A-1", "session": "post", "PhaseEncodingDirection": "j"}
    inputs = [
        {"id": "t1", "keys": ["t1"], "meta": {"subject": "A-1", "session": "post"}},
        {"id": "dwi", "keys": ["dwi", "bvals", "bvecs"], "meta": meta},
    ]
    return {key: str(tmp_path / "input" / name) for key, name in files.items()} | {
        "_inputs": inputs
    }


def test_files_of_brainlife_become_a_dataset_that_the_app_finds_everything_in(
    app, config, tmp_path
):
    prefix = app.build_dataset(config, tmp_path / "bids")
    (scan,) = index_dataset(tmp_path / "bids", Selection())

    assert prefix == scan.prefix == "sub-A1_ses-post"
    assert scan.t1w.read_text() == "t1.nii.gz"
    assert scan.lesion.path.read_text() == "mask.nii.gz"
    assert [path.read_text() for path in (scan.dwi, scan.bval, scan.bvec)] == [
        "dwi.nii.gz", "dwi.bvals", "dwi.bvecs",
    ]  # fmt: skip
    assert read_sidecars(scan.dwi_sidecars) == {"PhaseEncodingDirection": "j"}


@pytest.mark.parametrize(("key", "value"), [("t1", "/nowhere/t1.nii.gz"), ("t1", None)])
def test_inputs_that_are_not_there_are_named(app, config, tmp_path, key, value):
    config = {"_inputs": config["_inputs"], key: value}
    with pytest.raises(SystemExit, match="t1"):
        app.build_dataset(config, tmp_path / "bids")


def test_options_of_brainlife_are_those_of_a_configuration_file(app, tmp_path):
    options = {"skip_bids_validation": True, "nprocs": 1, "modalities": ["anat"], "scrub": 0.5}
    options["motion_limit"] = None  # not given
    (tmp_path / "options.toml").write_text(app.toml_of(options))

    settings = parse_settings(
        ["in", "out", "participant", "--config-file", str(tmp_path / "options.toml")]
    )

    assert settings.skip_bids_validation
    assert settings.selection.modalities == ("anat",)
    assert settings.processing.bold.scrub == 0.5


def test_brainlife_is_shown_the_report_the_maps_and_the_pictures(app, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "derivatives" / "sub-1"
    for name in (
        "figures/sub-1_tissue.png",
        "dwi/sub-1_model-tensor_param-fa_dwimap.nii.gz",
        "dwi/sub-1_space-MNI152NLin2009aSym_res-2_model-tensor_param-md_dwimap.nii.gz",
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    (tmp_path / "derivatives" / "sub-1.html").write_text("page")

    product = app.collect("sub-1")

    assert [picture["name"] for picture in product["brainlife"]] == ["tissue"]
    assert (tmp_path / "report" / "index.html").read_text() == "page"
    assert [path.name for path in (tmp_path / "tensor").iterdir()] == ["fa.nii.gz"]


def filled(text):
    """The text of a file of Nipoppy with values for what it replaces."""
    values = {"PARTICIPANT_ID": "01", "SESSION_ID": "1", "DPATH_BIDS": "."}
    return re.sub(r"\[\[NIPOPPY_(\w+)\]\]", lambda match: values.get(match[1], "out"), text)


def test_the_command_of_nipoppy_is_understood(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "values.json").write_text(filled((NIPOPPY / "invocation.json").read_text()))

    done = boutiques.execute("simulate", str(NIPOPPY / "descriptor.json"), "-i", "values.json")
    settings = parse_settings(shlex.split(done.stdout.strip().splitlines()[-1])[1:])

    assert settings.selection.participants == ("01",)
    assert settings.selection.sessions == ("1",)
    assert settings.skip_bids_validation


def test_files_of_nipoppy_name_each_other_and_this_version():
    config = json.loads((NIPOPPY / "config.json").read_text())
    tracker = json.loads((NIPOPPY / "tracker.json").read_text())
    (step,) = config["STEPS"]

    # Its validator asks for these, and for files that lie in the folder itself.
    assert config["SCHEMA_VERSION"] == tracker["SCHEMA_VERSION"] == "1.0"
    assert not any(path.is_symlink() for path in NIPOPPY.iterdir())

    assert config["VERSION"] == __version__
    assert all((NIPOPPY / name).is_file() for key, name in step.items() if key.endswith("_FILE"))
    assert (NIPOPPY / "descriptor.json").read_text() == (ROOT / "boutiques.json").read_text(), (
        f"run: cp boutiques.json {(NIPOPPY / 'descriptor.json').relative_to(ROOT)}"
    )


def test_the_arguments_of_babs_are_understood():
    content = yaml.safe_load((ROOT / "platforms" / "babs" / "motor_bids_app.yaml").read_text())
    words = []
    for option, value in content["bids_app_args"].items():
        flag, value = (value, "sub-01") if option == "$SUBJECT_SELECTION_FLAG" else (option, value)
        words += [flag, *([value] if value else [])]

    settings = parse_settings(["in", "out", "participant", *words])

    assert settings.selection.participants == ("01",)
    assert settings.skip_bids_validation
    lesions = content["input_datasets"]["lesions"]["path_in_babs"]
    assert content["bids_app_args"]["--derivatives"] == f"lesions=${{PWD}}/{lesions}"
    assert content["zip_foldernames"] == {"motor_bids_app": __version__.replace(".", "-")}


def test_the_entry_for_the_list_of_bids_apps_says_what_the_list_knows():
    text = (ROOT / "platforms" / "bids-apps" / "apps.yml").read_text()
    (entry,) = yaml.safe_load(text)["apps"]

    assert {"gh", "dh", "status", "description"} <= entry.keys()
    assert entry["status"] in ("active", "unmaintained")
    assert entry["ci"] in ("gh", "travis", "circleci", "none")
    assert set(entry["ds_type"]) <= {"raw", "derivative"}
    assert set(entry["datatype"]) == {"anat", "dwi", "fmap", "func", "eeg", "emg"}
