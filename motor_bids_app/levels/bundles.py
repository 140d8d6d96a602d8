"""Model bundles of this app, read and checked: what is needed to apply a model and trust it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motor_bids_app.bids.files import read_json
from motor_bids_app.documents import parse_json
from motor_bids_app.errors import (
    IncompatibleModelError,
    InputMissingError,
    MotorBidsAppError,
)
from motor_bids_app.evaluation.crossvalidation import predict_scans
from motor_bids_app.features.connectivity import CONNECTIVITY
from motor_bids_app.features.recordings import SIGNALS
from motor_bids_app.features.samples import Samples
from motor_bids_app.features.series import WINDOWS
from motor_bids_app.features.signal_columns import PHYSIOLOGY
from motor_bids_app.features.slices import SLICES
from motor_bids_app.levels.box import check_boxed, find_model, in_the_box
from motor_bids_app.levels.bundle_schema import check_index, check_metadata
from motor_bids_app.models.catalog import needs
from motor_bids_app.models.store import load_bundle
from motor_bids_app.opening import read_bytes

_INDEX = "model.json"
_MOST_INDEX = 64 * 2**20  # bytes
# Of the bold, whom and not what; and what the events of one dataset are called.
_NO_VALUES = {"save_windows", "motion_limit", "exclude_motion", "events"}
_HARMLESS = {"random_seed", "omp_nthreads"}  # they move results by less than a voxel's noise


@dataclass(frozen=True)
class SavedModel:
    """A model read from a bundle.

    Parameters
    ----------
    members : tuple of estimators
        Usually one; of a network, one per training, whose predictions are averaged.
    metadata : dict
        See `describe_model`.
    digest : str
        Short hash of the whole bundle.
    folds : tuple of estimators
        Models that some of the people were left out of, which limits by CV+ ask; may be empty.
    """

    members: tuple[Any, ...]
    metadata: dict[str, Any]
    digest: str
    folds: tuple[Any, ...] = ()

    def predict(self, samples: Samples) -> NDArray[np.float64]:
        """Probability of the poor class, or score, of each scan, shape (n_scans,)."""
        return np.mean([predict_scans(member, samples) for member in self.members], axis=0)

    def ask_folds(self, samples: Samples) -> NDArray[np.float64]:
        """What the models of the folds say of each scan, shape (n_folds, n_scans)."""
        return np.array([predict_scans(model, samples) for model in self.folds])


def load_model(folder: Path, device: str) -> SavedModel:
    """Read a model that `save_model` wrote, or one in the box by its name.

    Raises
    ------
    InputMissingError, IncompatibleModelError
        The folder is not a bundle, or is damaged, or says what no model says.
    """
    folder = find_model(folder)
    indices = [_read_index(folder)]
    metadata = parse_json(indices[0])["metadata"]
    check_metadata(metadata, f"The model in {folder}:")
    folders = [folder / "members" / f"{n:02d}" for n in range(2, metadata["members"] + 1)]
    n_folds = 1 + max(metadata["cv_plus"]["folds"]) if "cv_plus" in metadata else 0
    left_out = [folder / "folds" / f"{n:02d}" for n in range(1, n_folds + 1)]
    indices += [_read_index(part) for part in (*folders, *left_out)]
    digest = hashlib.sha256(b"".join(indices)).hexdigest()[:16]
    check_boxed(folder, digest)
    members = tuple(load_bundle(part, device)[0] for part in (folder, *folders))
    return SavedModel(
        members,
        metadata,
        digest,
        tuple(load_bundle(part, device)[0] for part in left_out),
    )


def _read_index(folder: Path) -> bytes:
    """Content of ``model.json``, once it is found to be one."""
    path = folder / _INDEX
    if not path.exists():
        raise InputMissingError(
            f"{folder} is not a model: it has no {_INDEX}. Name the folder 'model' of an "
            f"experiment that the group level finished.{in_the_box()}"
        )
    content = read_bytes(path, _MOST_INDEX)
    try:
        check_index(parse_json(content), f"{path}:")
    except ValueError as error:
        raise IncompatibleModelError(f"{path} is damaged ({error}). Get it again.") from error
    return content


def processing_record(dataset: Path) -> dict[str, Any] | None:
    """Processing settings that made a derivative dataset of this app, or None if not recorded."""
    try:
        generators = read_json(dataset / "dataset_description.json").get("GeneratedBy") or [{}]
    except MotorBidsAppError:
        return None
    first = generators[0] if isinstance(generators, list) else {}
    if first.get("Name") != "motor_bids_app" or "ProcessingSettings" not in first:
        return None
    return {"settings": first["ProcessingSettings"], "digest": first.get("ProcessingDigest")}


def check_derivatives(metadata: Mapping[str, Any], dataset: Path, space: str) -> list[str]:
    """Compare how derivatives were made with what a model was trained on.

    Returns
    -------
    list of str
        Warnings, one sentence each.

    Raises
    ------
    IncompatibleModelError
        They were made with settings that change what the model sees.
    """
    if metadata["inputs"]["space"] != space:
        raise IncompatibleModelError(
            f"The model was trained in the space {metadata['inputs']['space']}, but {space} is "
            "asked for. Use the model's space."
        )
    trained, here = metadata["processing"], processing_record(dataset)
    if here is None:
        return [
            f"{dataset.name} does not record how it was processed, so this cannot be compared with "
            "the model's training data: check that both were processed in the same way."
        ]
    if trained is None:
        return ["The model was trained on derivatives that do not record how they were made."]
    before, now = (_that_count(each["settings"], metadata) for each in (trained, here))
    changed = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
    fatal = [key for key in changed if key not in _HARMLESS]
    if fatal:
        values = "; ".join(
            f"{key} is {now.get(key)!r} here and was {before.get(key)!r}" for key in fatal
        )
        raise IncompatibleModelError(
            f"The derivatives in {dataset} were processed differently from those the model was "
            f"trained on: {values}. Process the participants again with the model's settings."
        )
    return [f"Processed with another {key} than the training data." for key in changed]


def _that_count(settings: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Processing settings that change what a model sees; those of a modality by their own names."""
    needed = needs(metadata["model"])
    read = {
        "bold": reads_bold(metadata),
        "physiology": needed.pattern == PHYSIOLOGY or SIGNALS in needed.instances,
    }
    # What is trusted of headers names files of one dataset.
    own_business = {*read, "trust_orientation"}
    counting = {key: value for key, value in settings.items() if key not in own_business}
    for name in (name for name, wanted in read.items() if wanted):
        own = settings.get(name) or {}
        counting |= {f"{name} {key}": own[key] for key in own if key not in _NO_VALUES}
    return counting


def reads_bold(metadata: Mapping[str, Any]) -> bool:
    """Whether a model reads maps or windows of the bold."""
    needed = needs(metadata["model"])
    maps = metadata["inputs"]["maps"] if needed.volumes else ()
    return bool({WINDOWS, SLICES} & set(needed.instances)) or any(
        name in CONNECTIVITY for name in maps
    )
