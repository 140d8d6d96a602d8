import copy
import importlib.util
import json
import sys
from pathlib import Path

import pytest

from motor_bids_app.errors import IncompatibleModelError
from motor_bids_app.levels.bundle_schema import check_index, check_metadata
from motor_bids_app.models.store import KINDS


@pytest.fixture(scope="module")
def model():
    """What the ``model.json`` of a small model says."""
    spec = importlib.util.spec_from_file_location(
        "fuzz_model", Path(__file__).parents[2] / "benchmarks" / "fuzz.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_model"] = module
    spec.loader.exec_module(module)
    return module.MODEL


def test_what_a_model_says_is_taken(model):
    check_index(model, "m:")
    check_metadata(model["metadata"], "m:")


@pytest.mark.parametrize("kind", KINDS)
def test_settings_of_every_kind_of_model_are_taken(model, kind):
    settings = KINDS[kind]().get_params(deep=False)
    for name in ("device", "checkpoints", "start", "weights", "mask"):
        settings.pop(name, None)
    settings = json.loads(json.dumps(settings))

    check_index({**model, "kind": kind, "settings": settings}, "m:")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("members", 100_000_000),
        ("members", 0),
        ("members", "2"),
        ("members", True),
        ("members", 2.0),
        ("experiment", "../../x"),
        ("experiment", "/etc/x"),
        ("experiment", ""),
        ("experiment", "a/b"),
        ("experiment", None),
        ("model", "nonsense"),
        ("task", "clustering"),
        ("classes", None),
        ("classes", ["yes", "no"]),
        ("performance", []),
        ("performance", [{}]),
        ("performance", {"metric": "roc_auc"}),
        ("training.n_people", -1),
        ("training.n_people", "many"),
        ("training.domain.spreads", {"age": {"age": {"n": 12, "mean": 1, "sd": 0}}}),
        ("training.domain.sites", "A"),
        ("training.images.hashes", [5]),
        ("training.images.key", "zz"),
        ("conformal.level", "x"),
        ("conformal.level", 1.5),
        ("conformal_outside.poor", None),
        ("inputs.resolution", 0),
        ("inputs.resolution", 1_000_000),
        ("inputs.maps", ["../x"]),
        ("inputs.mask", "/x"),
        ("inputs.grid", {"shape": [10**9] * 3, "affine": [[0] * 4] * 4}),
        ("processing", {"settings": []}),
        ("target", "fma_ue"),
        ("target.title", "x" * 100_000),
        ("software", {}),
    ],
)
def test_a_value_that_no_model_has_is_refused(model, place, value):
    metadata = copy.deepcopy(model["metadata"])
    *folders, name = place.split(".")
    part = metadata
    for folder in folders:
        part = part[folder]
    part[name] = value

    with pytest.raises(IncompatibleModelError, match=name if name != "classes" else "classes|poor"):
        check_metadata(metadata, "m:")


@pytest.mark.parametrize("name", ["training", "conformal", "inputs", "performance", "members"])
def test_what_is_not_said_is_named(model, name):
    metadata = {key: value for key, value in model["metadata"].items() if key != name}

    with pytest.raises(IncompatibleModelError, match=f"says nothing about {name}"):
        check_metadata(metadata, "m:")


@pytest.mark.parametrize(
    "settings",
    [
        {"widths": [4, 4, 4, 10**9]},
        {"widths": [4] * 10**4},
        {"n_residuals": 10**9},
        {"hidden": "256"},
        {"hidden": 10**9},
        {"dropout": float("nan")},
        {"pattern": "(a+)+$"},
        {"device": "cuda:99"},
        {"unknown": 1},
        {"bounds": [0]},
        {"columns": "lesion_volume"},
    ],
)
def test_a_setting_that_no_network_has_is_refused(model, settings):
    with pytest.raises(IncompatibleModelError):
        check_index({**model, "settings": settings}, "m:")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(model, text):
    values = json.loads(f'{{"rate": {text}}}')

    with pytest.raises(IncompatibleModelError, match="finite"):
        check_index({**model, "values": values}, "m:")


@pytest.mark.parametrize("index", [[], None, {}, {"format": 1}, "x"])
def test_what_is_no_index_is_refused(index):
    with pytest.raises(IncompatibleModelError):
        check_index(index, "m:")
