"""Model bundles: a folder with a fitted model that can be shared and checked.

A bundle holds ``model.json`` (kind, settings, metadata, and the SHA-256 of every other
file), ``arrays.safetensors`` (numbers and network weights) and one ``.skops`` file per
scikit-learn pipeline (see `pipelines`). None of these formats can run code when read. A bundle
holds no training scan.
"""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from motor_bids_app.documents import parse_json
from motor_bids_app.errors import (
    IncompatibleModelError,
    InputMissingError,
    OutputError,
    check_space,
)
from motor_bids_app.models.catalog import Model
from motor_bids_app.models.instances.fusion import FusionClassifier, FusionRegressor
from motor_bids_app.models.instances.windowed import WindowClassifier, WindowRegressor
from motor_bids_app.models.networks.deep import NetworkClassifier, NetworkRegressor
from motor_bids_app.models.networks.ensemble import (
    MapEnsembleClassifier,
    MapEnsembleOrdinal,
    MapEnsembleRegressor,
)
from motor_bids_app.models.pipelines import UNFIT, dump_pipeline, load_pipeline
from motor_bids_app.models.state import State
from motor_bids_app.models.tables.classical import (
    ConstantClassifier,
    ConstantRegressor,
    TableClassifier,
    TableRegressor,
)
from motor_bids_app.models.tables.disconnection import (
    DisconnectionClassifier,
    DisconnectionRegressor,
)
from motor_bids_app.models.tables.kernel import KernelClassifier, KernelRegressor
from motor_bids_app.models.tables.kernel_columns import (
    KernelColumnsClassifier,
    KernelColumnsRegressor,
)
from motor_bids_app.models.tables.lesion_maps import LesionMapClassifier, LesionMapRegressor
from motor_bids_app.models.tables.ordinal import CumulativeModel, NetworkOrdinal
from motor_bids_app.models.tables.own import BlockClassifier, BlockRegressor
from motor_bids_app.models.tables.recalibration import RecalibratedClassifier
from motor_bids_app.models.tables.transformed import TransformedRegressor
from motor_bids_app.opening import read_bytes

FORMAT = 1  # raised whenever older code could not read a newer bundle
RECALIBRATED = 2  # format of a bundle whose model older code would apply without its last step
TRANSFORMED = 4  # format of a bundle whose model gives a score on another scale
ORDERED = 3  # format of a bundle with one classifier of the kind it names for each threshold
KINDS: dict[str, Callable[..., Any]] = {
    kind.__name__: kind
    for kind in (
        ConstantClassifier,
        ConstantRegressor,
        TableClassifier,
        TableRegressor,
        DisconnectionClassifier,
        DisconnectionRegressor,
        LesionMapClassifier,
        LesionMapRegressor,
        KernelClassifier,
        KernelRegressor,
        KernelColumnsClassifier,
        KernelColumnsRegressor,
        BlockClassifier,
        BlockRegressor,
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
_FORMATS = (FORMAT, RECALIBRATED, ORDERED, TRANSFORMED)
_MOST_PART = 2 * 2**30  # bytes
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
    OutputError, DiskFullError
        The folder cannot be made or written, or is full.
    """
    plain, form = estimator, FORMAT
    if isinstance(estimator, RecalibratedClassifier):
        plain, form = estimator.model_, RECALIBRATED
    elif isinstance(estimator, TransformedRegressor):
        plain, form = estimator.model_, TRANSFORMED
    elif isinstance(estimator, CumulativeModel):
        plain, form = estimator.model, ORDERED
    settings = plain.get_params(deep=False)
    for name in ("device", "checkpoints", "start", "weights"):
        settings.pop(name, None)  # where and from what it was trained does not matter for using it
    state = estimator.get_state()
    arrays = {name: np.ascontiguousarray(value) for name, value in state.arrays.items()}
    for name in [name for name, value in settings.items() if isinstance(value, np.ndarray)]:
        arrays[_PARAM + name] = np.ascontiguousarray(settings.pop(name))
    parts = {f"{name}.skops": dump_pipeline(pipeline) for name, pipeline in state.pipelines.items()}
    parts[_ARRAYS] = safetensors.numpy.save(arrays)
    index = {
        "format": form,
        "kind": type(plain).__name__,
        "settings": settings,
        "values": state.values,
        "sha256": {name: hashlib.sha256(part).hexdigest() for name, part in sorted(parts.items())},
        "metadata": metadata,
    }
    for name, part in parts.items():
        if len(part) > _MOST_PART:
            raise OutputError(
                f"{folder / name} would have {len(part) / 2**30:.1f} GiB, and bundles of up to "
                f"{_MOST_PART / 2**30:.0f} GiB are read. Use a coarser [inputs] resolution, fewer "
                'maps, or harmonise = "none".'
            )
    parts[_INDEX] = (json.dumps(index, indent=2, allow_nan=False) + "\n").encode()  # the last
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _INDEX).unlink(missing_ok=True)
        for name, part in parts.items():
            temporary = folder / f".tmp-{name}"
            temporary.write_bytes(part)
            temporary.replace(folder / name)
    except OSError as error:
        check_space(error, folder)
        raise OutputError(
            f"The model could not be written to {folder}: {error.strerror or error}. "
            "Choose another output folder."
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
        name.removesuffix(".skops"): load_pipeline(part, str(folder / name))
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
        elif index["format"] == TRANSFORMED:
            estimator = TransformedRegressor(estimator)
        elif index["format"] == ORDERED:
            estimator = CumulativeModel(estimator, len(index["values"]["thresholds"]) + 1)
        estimator.set_state(State(index["values"], arrays, pipelines))
    except UNFIT as error:
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
            f"formats {FORMAT} to {TRANSFORMED}, and the kinds {', '.join(KINDS)}. Use the "
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


def _tuple(value: Any) -> Any:
    """Return a list of JSON as the tuple it was."""
    return tuple(value) if isinstance(value, list) else value
