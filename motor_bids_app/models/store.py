"""Model bundles: a folder with a fitted model that can be shared and checked.

A bundle holds ``model.json`` (kind, settings, metadata, and the SHA-256 of every other
file), ``arrays.safetensors`` (numbers and network weights) and one ``.skops`` file per
scikit-learn pipeline. None of these formats can run code when read; of the types that skops
can build, only those in `TRUSTED_TYPES` are accepted. A bundle holds no training scan.
"""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
import skops.io
from sklearn.pipeline import Pipeline

from motor_bids_app.documents import parse_json
from motor_bids_app.errors import IncompatibleModelError, InputMissingError, OutputError
from motor_bids_app.models.catalog import Model
from motor_bids_app.models.instances.fusion import FusionClassifier, FusionRegressor
from motor_bids_app.models.instances.windowed import WindowClassifier, WindowRegressor
from motor_bids_app.models.networks.deep import NetworkClassifier, NetworkRegressor
from motor_bids_app.models.networks.ensemble import (
    MapEnsembleClassifier,
    MapEnsembleOrdinal,
    MapEnsembleRegressor,
)
from motor_bids_app.models.state import State
from motor_bids_app.models.tables.classical import (
    ConstantClassifier,
    ConstantRegressor,
    TableClassifier,
    TableRegressor,
)
from motor_bids_app.models.tables.kernel import KernelClassifier, KernelRegressor
from motor_bids_app.models.tables.ordinal import CumulativeModel, NetworkOrdinal
from motor_bids_app.models.tables.recalibration import RecalibratedClassifier
from motor_bids_app.opening import read_bytes

FORMAT = 1  # raised whenever older code could not read a newer bundle
RECALIBRATED = 2  # format of a bundle whose model older code would apply without its last step
ORDERED = 3  # format of a bundle with one classifier of the kind it names for each threshold
KINDS: dict[str, Callable[..., Any]] = {
    kind.__name__: kind
    for kind in (
        ConstantClassifier,
        ConstantRegressor,
        TableClassifier,
        TableRegressor,
        KernelClassifier,
        KernelRegressor,
        NetworkClassifier,
        NetworkRegressor,
        NetworkOrdinal,
        MapEnsembleClassifier,
        MapEnsembleRegressor,
        MapEnsembleOrdinal,
        WindowClassifier,
        WindowRegressor,
        FusionClassifier,
        FusionRegressor,
    )
}
TRUSTED_TYPES = frozenset(
    {
        "builtins.dict",
        "builtins.list",
        "builtins.str",
        "builtins.tuple",
        "numpy.dtype",
        "numpy.float64",
        "numpy.int64",
        "numpy.ndarray",
        "sklearn.impute._base.MissingIndicator",
        "sklearn.impute._base.SimpleImputer",
        "sklearn.linear_model._coordinate_descent.ElasticNet",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.linear_model._ridge.Ridge",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
    }
)
_LOADERS = frozenset(
    f"{name}Node"
    for name in ("Dict", "List", "Tuple", "Json", "Type", "DType", "NdArray", "Object")
)
_FORMATS = (FORMAT, RECALIBRATED, ORDERED)
_MOST_PART = 2 * 2**30  # bytes
# What libraries raise for parts that are not what they wrote; bundles come from anywhere.
_UNFIT = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    safetensors.SafetensorError,
    zipfile.BadZipFile,
)
_INDEX, _ARRAYS = "model.json", "arrays.safetensors"
_PARAM = "param."  # before the name of a setting that is an array


def save_bundle(folder: Path, estimator: Model, metadata: dict[str, Any]) -> None:
    """Write a fitted model; the folder is a bundle from the moment ``model.json`` is there.

    Parameters
    ----------
    folder : Path
        Made where missing; a bundle that is there is replaced.
    estimator : Model
        Fitted, of one of the `KINDS`.
    metadata : dict
        What JSON can hold: target, inputs, training cohort as numbers, versions.

    Raises
    ------
    OutputError
        The folder cannot be made or written.
    """
    plain, form = estimator, FORMAT
    if isinstance(estimator, RecalibratedClassifier):
        plain, form = estimator.model_, RECALIBRATED
    elif isinstance(estimator, CumulativeModel):
        plain, form = estimator.model, ORDERED
    settings = plain.get_params(deep=False)
    for name in ("device", "checkpoints", "start", "weights"):
        settings.pop(name, None)  # where and from what it was trained does not matter for using it
    state = estimator.get_state()
    arrays = {name: np.ascontiguousarray(value) for name, value in state.arrays.items()}
    for name in [name for name, value in settings.items() if isinstance(value, np.ndarray)]:
        arrays[_PARAM + name] = np.ascontiguousarray(settings.pop(name))
    parts = {f"{name}.skops": _dump(pipeline) for name, pipeline in state.pipelines.items()}
    parts[_ARRAYS] = safetensors.numpy.save(arrays)
    index = {
        "format": form,
        "kind": type(plain).__name__,
        "settings": settings,
        "values": state.values,
        "sha256": {name: hashlib.sha256(part).hexdigest() for name, part in sorted(parts.items())},
        "metadata": metadata,
    }
    parts[_INDEX] = (json.dumps(index, indent=2, allow_nan=False) + "\n").encode()  # the last
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _INDEX).unlink(missing_ok=True)
        for name, part in parts.items():
            temporary = folder / f".tmp-{name}"
            temporary.write_bytes(part)
            temporary.replace(folder / name)
    except OSError as error:
        raise OutputError(
            f"The model could not be written to {folder}: {error.strerror or error}. "
            "Free space there, or choose another output folder."
        ) from error


def load_bundle(folder: Path, device: str = "cpu") -> tuple[Model, dict[str, Any]]:
    """Read a model that `save_bundle` wrote.

    Parameters
    ----------
    folder : Path
    device : str
        Where a network is to run: "cpu", "cuda" or "cuda:i".

    Returns
    -------
    Model
        Fitted.
    dict
        The metadata it was saved with.

    Raises
    ------
    InputMissingError
        The folder is not a bundle.
    IncompatibleModelError
        A part differs from its checksum, is of a kind or type that is not known, or does
        not fit the others.
    """
    index = _read_index(folder)
    parts = {name: _read_part(folder, name, digest) for name, digest in index["sha256"].items()}
    pipelines = {
        name.removesuffix(".skops"): _load(part, folder / name)
        for name, part in parts.items()
        if name.endswith(".skops")
    }
    try:
        arrays = safetensors.numpy.load(parts[_ARRAYS])
        settings = {name: _tuple(value) for name, value in index["settings"].items()}
        for name in [name for name in arrays if name.startswith(_PARAM)]:
            settings[name.removeprefix(_PARAM)] = arrays.pop(name)
        estimator = KINDS[index["kind"]](**settings)
        if "device" in estimator.get_params():
            estimator.set_params(device=device)
        if index["format"] == RECALIBRATED:
            estimator = RecalibratedClassifier(estimator)
        elif index["format"] == ORDERED:
            estimator = CumulativeModel(estimator, len(index["values"]["thresholds"]) + 1)
        estimator.set_state(State(index["values"], arrays, pipelines))
    except _UNFIT as error:
        raise IncompatibleModelError(
            f"The parts of the model in {folder} do not fit together ({error}). "
            "Get the bundle again from where it was made."
        ) from error
    return estimator, index["metadata"]


def _read_index(folder: Path) -> dict[str, Any]:
    path = folder / _INDEX
    if not path.is_file():
        raise InputMissingError(
            f"{folder} is not a model: it has no {_INDEX}. Name the folder 'model' of an "
            "experiment that the group level finished."
        )
    try:
        index = parse_json(read_bytes(path))
        known = index["format"] in _FORMATS and index["kind"] in KINDS
        fields = (index["settings"], index["values"], index["sha256"], index["metadata"])
        known = known and all(isinstance(field, dict) for field in fields)
    except (ValueError, KeyError, TypeError) as error:
        raise IncompatibleModelError(f"{path} is damaged ({error}). Get it again.") from error
    if not known:
        raise IncompatibleModelError(
            f"{path} has format {index['format']!r} and kind {index['kind']!r}; this version reads "
            f"formats {FORMAT} to {ORDERED}, and the kinds {', '.join(KINDS)}. Use the "
            "version that made it."
        )
    return index


def _read_part(folder: Path, name: str, digest: str) -> bytes:
    """Return the content of a part, if it is in the bundle and has this SHA-256."""
    path = folder / name
    if not re.fullmatch(r"[a-z_]+\.(skops|safetensors)", name):  # no other folder
        raise IncompatibleModelError(f"{path} cannot be part of a model. Get the bundle again.")
    try:
        part = read_bytes(path, _MOST_PART)
    except InputMissingError as error:
        raise IncompatibleModelError(f"The model lacks {path}. Get the bundle again.") from error
    if hashlib.sha256(part).hexdigest() != digest:
        raise IncompatibleModelError(
            f"{path} is not the file the model was saved with: its SHA-256 differs from the one in "
            f"{_INDEX}. Get the bundle again from where it was made."
        )
    return part


def _dump(pipeline: Pipeline) -> bytes:
    """Return a pipeline as skops writes it, but the same bytes every time.

    skops names arrays and objects by their address in memory, and dates the files.
    """
    target = io.BytesIO()
    names: dict[str, str] = {}
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(pipeline))) as source:
        schema = json.loads(source.read("schema.json"))
        for node in _nodes(schema):
            for key in ("__id__", "file"):
                if key in node:
                    stem, dot, extension = str(node[key]).partition(".")
                    number = names.setdefault(stem, str(len(names) + 1))
                    node[key] = f"{number}.{extension}" if dot else int(number)
        with zipfile.ZipFile(target, "w") as copy:
            copy.writestr(zipfile.ZipInfo("schema.json"), json.dumps(schema, indent=2))
            for old in source.namelist():
                stem, _, extension = old.partition(".")
                if stem in names and old != "schema.json":
                    new = zipfile.ZipInfo(f"{names[stem]}.{extension}")
                    copy.writestr(new, source.read(old))
    return target.getvalue()


def _load(part: bytes, path: Path) -> Pipeline:
    """Return a pipeline, after all of its types were found in the closed list."""
    try:
        with zipfile.ZipFile(io.BytesIO(part)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > len(part):
                raise ValueError("it is compressed, as no model of this app is")
            schema = parse_json(archive.read("schema.json"))
        for node in _nodes(schema):
            name = f"{node.get('__module__')}.{node.get('__class__')}"
            if name not in TRUSTED_TYPES or node.get("__loader__") not in _LOADERS:
                raise IncompatibleModelError(
                    f"{path} holds {name} ({node.get('__loader__')}), which no model of this app "
                    "contains. Do not trust this bundle."
                )
        return skops.io.loads(part, trusted=["numpy.dtype"])
    except _UNFIT as error:
        raise IncompatibleModelError(f"{path} is damaged ({error}). Get it again.") from error


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every description of an object in a skops schema."""
    if isinstance(tree, dict):
        if "__class__" in tree or "__loader__" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            yield from _nodes(branch)


def _tuple(value: Any) -> Any:
    """Return a list of JSON as the tuple it was."""
    return tuple(value) if isinstance(value, list) else value
