import copy
import importlib.util
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from motor_bids_app.errors import IncompatibleModelError
from motor_bids_app.levels import bundle_schema
from motor_bids_app.levels.bundle_schema import check_index, check_metadata
from motor_bids_app.levels.predict.prediction import Prediction
from motor_bids_app.models.store import KINDS

PREDICTOR = {"name": "x", "group": "", "file": "", "type": "number", "categories": [], "units": ""}


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
    inputs = {**model["metadata"]["inputs"], "columns": [PREDICTOR]}
    check_metadata({**model["metadata"], "inputs": inputs}, "m:")


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
        ("inputs.columns", ["nihss"]),
        ("inputs.columns", [PREDICTOR | {"type": "pickle"}]),
        ("inputs.columns", [PREDICTOR | {"categories": ["x"] * 1000}]),
        ("inputs.columns", [PREDICTOR | {"name": ["nihss"]}]),
        ("processing", {"settings": []}),
        ("target", "fma_ue"),
        ("target.title", "x" * 100_000),
        ("software", {}),
        ("target.ordered_classes", "abc"),
        ("target.ordered_classes", [1, 2]),
        ("target.ordered_classes", ["poor", "good"]),  # of a task that has none
        ("inputs.signals", {"channels": ["eeg C3"], "rate": 0, "n_samples": 10}),
        ("inputs.signals", {"channels": ["C3"], "rate": 100, "n_samples": 10}),
        ("inputs.signals", {"channels": [], "rate": 100, "n_samples": 10}),
        ("inputs.signals", {"channels": ["eeg C3"], "rate": 100, "n_samples": 1.5}),
        ("inputs.signals", ["eeg C3"]),
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


def signals(model, **changes):
    """Metadata of a model of EEG, with other inputs."""
    metadata = copy.deepcopy(model["metadata"])
    metadata["model"] = "signals"
    plan = {"channels": ["eeg C3", "emg EDC_L"], "rate": 100, "n_samples": 10}
    grid = {"shape": [4, 4, 4], "affine": np.eye(4).tolist()}
    metadata["inputs"] |= {"signals": plan, "grid": grid, **changes}
    return metadata


@pytest.mark.parametrize(("name", "value"), [("maps", []), ("grid", None)])
def test_a_model_of_maps_says_which_and_where(model, name, value):
    metadata = signals(model, maps=["fa"])
    metadata["model"] = "karakis2023"
    check_metadata(metadata, "m:")
    metadata["inputs"][name] = value

    with pytest.raises(IncompatibleModelError, match=name):
        check_metadata(metadata, "m:")


def test_a_model_of_signals_says_its_channels(model):
    check_metadata(signals(model), "m:")
    unsaid = signals(model)
    del unsaid["inputs"]["signals"]
    twice = {"channels": ["eeg C3", "eeg C3"], "rate": 100, "n_samples": 10}

    for metadata in (unsaid, signals(model, signals=twice)):
        with pytest.raises(IncompatibleModelError, match="signals"):
            check_metadata(metadata, "m:")


@pytest.mark.parametrize("ordered", [[], ["mild"], ["mild", "mild"], None])
def test_ordered_classes_have_a_name_each(model, ordered):
    metadata = copy.deepcopy(model["metadata"])
    metadata |= {"task": "ordinal", "classes": None}
    metadata["performance"][0]["metric"] = "quadratic_kappa"
    metadata["cv_plus"]["poor"] = None
    metadata["target"]["ordered_classes"] = ["mild", "severe"]
    check_metadata(metadata, "m:")
    metadata["target"]["ordered_classes"] = ordered

    with pytest.raises(IncompatibleModelError, match="ordered_classes"):
        check_metadata(metadata, "m:")


READS = re.compile(r"""\b(metadata|inputs|target|training|known)(?:\["(\w+)"\]|\.get\("(\w+)")""")


def test_every_key_that_predictions_read_is_checked():
    """By the source: keys of `model.json` that code reads stand in the schema."""
    levels = Path(bundle_schema.__file__).parent
    files = [levels / "bundles.py", levels / "group" / "transfer.py"]
    files += [levels / "cohort" / "instances.py", *(levels / "predict").glob("*.py")]
    metadata = {**bundle_schema._METADATA.required, **bundle_schema._METADATA.optional}
    tables = {"metadata": bundle_schema._METADATA, "known": metadata["conformal"]}
    tables |= {name: metadata[name] for name in ("inputs", "target", "training")}
    read = {
        (found[1], found[2] or found[3])
        for path in files
        for found in READS.finditer(path.read_text())
    }

    assert len(read) > 20
    for table, key in read - {("known", "participant_id")}:
        assert key in {**tables[table].required, **(tables[table].optional or {})}, (table, key)


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


def test_a_model_of_regions_of_another_atlas_is_refused_with_the_reason(model):
    earlier = "(fa|md)_(precentral|frontal_sup_2|corticospinal_tract)_(left|right|asymmetry)"

    with pytest.raises(IncompatibleModelError, match="of another atlas before: train it again"):
        check_index({**model, "settings": {"pattern": earlier}}, "m:")


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(model, text):
    values = json.loads(f'{{"rate": {text}}}')

    with pytest.raises(IncompatibleModelError, match="finite"):
        check_index({**model, "values": values}, "m:")


@pytest.mark.parametrize("index", [[], None, {}, {"format": 1}, "x"])
def test_what_is_no_index_is_refused(index):
    with pytest.raises(IncompatibleModelError):
        check_index(index, "m:")


def test_a_class_without_a_name_is_refused():
    prediction = Prediction(participant="sub-1", session=None, value=2.4)

    assert prediction.nearest(["a", "b", "c"]) == "c"
    with pytest.raises(IncompatibleModelError, match="names 2 classes"):
        prediction.nearest(["a", "b"])


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ({"errors": [0.1, 0.2], "folds": [0], "poor": [True, False]}, "cv_plus folds"),
        ({"errors": [0.1], "folds": [0], "poor": None}, "cv_plus poor"),
        ({"errors": [0.1], "folds": [10**9], "poor": [True]}, "cv_plus folds"),
        ({"errors": ["x"], "folds": [0], "poor": [True]}, "cv_plus errors"),
        ({"errors": [], "folds": [], "poor": []}, "cv_plus errors"),
    ],
)
def test_errors_of_training_people_that_do_not_fit_together_are_refused(model, kept, words):
    with pytest.raises(IncompatibleModelError, match=words):
        check_metadata({**model["metadata"], "cv_plus": kept}, "m:")
