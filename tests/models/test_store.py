"""Bundles: what is read is what was saved, or it is refused."""

import hashlib
import io
import itertools
import json
import pickle
import zipfile

import numpy as np
import pytest
import safetensors.numpy
import skops.io
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from motor_bids_app.errors import (
    DiskFullError,
    IncompatibleModelError,
    InputMissingError,
)
from motor_bids_app.features.samples import Samples
from motor_bids_app.models.catalog import COMPARED_ONLY, MODELS, TASKS, build_model
from motor_bids_app.models.store import load_bundle, save_bundle

from .conftest import seen_by, tiny

SHARED = [name for name in MODELS if name not in COMPARED_ONLY]
MASK = np.indices((10, 12, 10)).sum(axis=0) % 3 > 0


def fitted(name, samples, y, task="classification"):
    params = tiny(name)
    model = build_model(name, task=task, mask=MASK, params=params, n_classes=3)
    return model.fit(seen_by(name, samples), y)


@pytest.fixture
def bundle(tmp_path, samples, outcome):
    """Folder of a model with a pipeline, arrays and a mask."""
    model = fitted("karakis2023", samples, outcome("classification"))
    save_bundle(tmp_path / "model", model, {"cohort": 36})
    return tmp_path / "model"


def replace_part(folder, name, content):
    """Put in another file and correct its checksum, as an attacker would."""
    (folder / name).write_bytes(content)
    index = json.loads((folder / "model.json").read_text())
    index["sha256"][name] = hashlib.sha256(content).hexdigest()
    (folder / "model.json").write_text(json.dumps(index))


def change_index(folder, **changes):
    index = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(index | changes))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", SHARED)
def test_a_loaded_model_predicts_as_the_saved_one(
    name, task, samples, make_samples, outcome, predictions, tmp_path
):
    new_people = seen_by(name, make_samples(seed=9))
    model = fitted(name, samples, outcome(task), task)
    save_bundle(tmp_path, model, {"target": "fma_ue"})

    loaded, metadata = load_bundle(tmp_path)

    np.testing.assert_allclose(predictions(loaded, new_people), predictions(model, new_people))
    assert metadata == {"target": "fma_ue"}


@pytest.mark.parametrize("name", SHARED)
def test_the_same_model_is_saved_as_the_same_bytes(name, samples, outcome, tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        save_bundle(folder, fitted(name, samples, outcome("classification")), {})
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("name", SHARED)
def test_a_bundle_has_no_pickle_and_no_training_scan(name, samples, outcome, tmp_path):
    save_bundle(tmp_path, fitted(name, samples, outcome("classification")), {})

    for path in tmp_path.iterdir():
        content = path.read_bytes()
        parts = [content]
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                parts = [archive.read(inner) for inner in archive.namelist()]
        for part in parts:
            assert b"sub-" not in part  # no label of a participant
            assert not part.startswith(pickle.PROTO)
        for scan in samples.volumes.store.data[:, 0]:
            assert scan.astype(np.float32).tobytes() not in content


@pytest.mark.parametrize("name", ["arrays.safetensors", "demographics.skops"])
def test_a_changed_part_is_refused(bundle, name):
    content = bytearray((bundle / name).read_bytes())
    content[-100] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(IncompatibleModelError, match="SHA-256"):
        load_bundle(bundle)


def test_a_type_that_no_model_contains_is_refused(bundle):
    other = make_pipeline(KNeighborsClassifier().fit([[0], [1]] * 5, [0, 1] * 5))
    replace_part(bundle, "demographics.skops", skops.io.dumps(other))
    with pytest.raises(IncompatibleModelError, match="KNeighborsClassifier"):
        load_bundle(bundle)


def test_a_function_is_refused_before_it_is_imported(bundle):
    """As an attacker would name it; skops would import and call it."""
    content = (bundle / "demographics.skops").read_bytes()
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "schema.json":
                schema = json.loads(text)
                evil = {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode"}
                schema["content"]["content"] = {**schema["content"]["content"], "memory": evil}
                text = json.dumps(schema).encode()
            new.writestr(name, text)
    replace_part(bundle, "demographics.skops", target.getvalue())
    with pytest.raises(IncompatibleModelError, match=r"os\.system"):
        load_bundle(bundle)


@pytest.mark.parametrize("content", [b"", b"\x80\x04K\x01.", b"{}"])
@pytest.mark.parametrize("name", ["arrays.safetensors", "demographics.skops"])
def test_other_formats_are_refused(bundle, name, content):
    replace_part(bundle, name, content)
    with pytest.raises(IncompatibleModelError):
        load_bundle(bundle)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"kind": "Popen"}, id="kind"),
        pytest.param({"format": 99}, id="format"),
        pytest.param({"settings": {"shell": True}}, id="setting"),
        pytest.param({"values": {}}, id="value"),
        pytest.param({"sha256": {}}, id="parts"),
        pytest.param({"sha256": {"../x.skops": "0"}}, id="other folder"),
        pytest.param({"sha256": {"gone.skops": "0"}}, id="missing part"),
        pytest.param({"metadata": None}, id="metadata"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(bundle, changes):
    change_index(bundle, **changes)
    with pytest.raises(IncompatibleModelError):
        load_bundle(bundle)


def _cut(array):
    return array[..., :-1]


def _not_a_number(array):
    return np.full_like(array, np.nan)


def _far(array):
    return array + 10**6


def bundle_with_sites(name, folder, samples, outcome):
    """Folder of a model that learned two sites."""
    site, own = np.where(np.arange(len(samples)) % 2, "b", "a"), np.arange(36.0)
    table = samples.table.assign(site=site, own_score=own)
    params = {**tiny(name), "harmonise": "combat"}
    model = build_model(name, task="classification", params=params)
    model.fit(Samples(table, samples.volumes), outcome("classification"))
    save_bundle(folder / "model", model, {})
    return folder / "model"


@pytest.mark.parametrize("name", ["kernel", "karakis2023", "regional", "own_regional"])
def test_sites_that_do_not_fit_the_model_are_refused(name, tmp_path, samples, outcome):
    folder = bundle_with_sites(name, tmp_path, samples, outcome)
    arrays = safetensors.numpy.load_file(folder / "arrays.safetensors")
    names = [n for n in arrays if n.startswith("combat.") and not n.endswith("voxels")]
    load_bundle(folder)
    assert len(names) >= 4
    for part, change in itertools.product(names, (_cut, _not_a_number, np.atleast_3d)):
        damaged = arrays | {part: np.ascontiguousarray(change(arrays[part]))}
        replace_part(folder, "arrays.safetensors", safetensors.numpy.save(damaged))
        with pytest.raises(IncompatibleModelError):
            load_bundle(folder)


@pytest.mark.parametrize(
    "change", [_cut, _far, np.negative, np.flip, np.zeros_like, np.float32, np.atleast_3d]
)
def test_harmonised_voxels_that_no_map_has_are_refused(tmp_path, samples, outcome, change):
    folder = bundle_with_sites("kernel", tmp_path, samples, outcome)
    arrays = safetensors.numpy.load_file(folder / "arrays.safetensors")
    arrays["combat.fa.voxels"] = np.ascontiguousarray(change(arrays["combat.fa.voxels"]))
    replace_part(folder, "arrays.safetensors", safetensors.numpy.save(arrays))
    with pytest.raises(IncompatibleModelError):
        load_bundle(folder)


def test_a_damaged_index_is_refused(bundle):
    (bundle / "model.json").write_text("{")
    with pytest.raises(IncompatibleModelError, match="damaged"):
        load_bundle(bundle)


def test_a_folder_without_a_model_is_explained(tmp_path):
    with pytest.raises(InputMissingError, match="is not a model"):
        load_bundle(tmp_path)


def test_an_interrupted_save_leaves_no_model(bundle, samples, outcome, monkeypatch):
    """A full disk in the middle: neither the old model with new parts, nor half a model."""
    model = fitted("kernel", samples, outcome("classification"))

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(bundle), "write_bytes", full)
    with pytest.raises(DiskFullError, match="No space left"):
        save_bundle(bundle, model, {})
    with pytest.raises(InputMissingError):
        load_bundle(bundle)


def test_where_it_was_trained_does_not_matter(bundle):
    settings = json.loads((bundle / "model.json").read_text())["settings"]
    assert "device" not in settings
    assert load_bundle(bundle, device="meta")[0].get_params()["device"] == "meta"
