"""Weights of two-dimensional networks that were learned on photographs, from local files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from motor_bids_app.errors import InputMissingError, ReadWriteError, UsageError
from motor_bids_app.experiments.schema import Experiment
from motor_bids_app.features.slices import SLICES
from motor_bids_app.models.catalog import needs
from motor_bids_app.models.networks.backbones import (
    BACKBONES,
    SliceNetwork,
    load_initial,
    source_name,
)

_ENDINGS = (".safetensors", ".pth")


@dataclass(frozen=True)
class FolderWeights:
    """A folder with files named as pytorchcv names them, such as shufflenetv2_w1-0321-....pth.

    Nothing is downloaded.
    """

    folder: Path

    def path(self, model: str) -> Path:
        """File of a network of pytorchcv.

        Raises
        ------
        InputMissingError
            The folder has none of this network, or is not there.
        """
        if not self.folder.is_dir():
            raise InputMissingError(f"--weights {self.folder}: the folder does not exist.")
        found = sorted(
            path
            for path in self.folder.glob(f"{model}*")
            if path.suffix in _ENDINGS and path.stem.split("-")[0] == model
        )
        if not found:
            raise InputMissingError(
                f"{self.folder} has no weights of {model} ({model}*.pth or .safetensors). Put the "
                "file there, or leave out --weights to start from random weights."
            )
        return found[0]

    def digest(self, model: str) -> str:
        """Short hash of that file."""
        return sha256(self.path(model).read_bytes()).hexdigest()[:16]

    def load(self, model: str) -> Mapping[str, Tensor]:
        """Return the weights of a network of pytorchcv.

        Raises
        ------
        InputMissingError
            The folder has none of this network.
        ReadWriteError
            The file cannot be read, or holds something else than weights.
        """
        path = self.path(model)
        try:
            if path.suffix == ".safetensors":
                loaded = safetensors.torch.load_file(path)
            else:
                loaded = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises many kinds for a damaged file
            raise ReadWriteError(
                f"{path} could not be read as weights: {str(error).splitlines()[0]} Get it again."
            ) from error
        if not isinstance(loaded, dict) or not all(
            isinstance(value, Tensor) for value in loaded.values()
        ):
            raise ReadWriteError(f"{path} holds something else than weights. Get it again.")
        return loaded


def check_weights(weights: FolderWeights, experiments: Sequence[Experiment]) -> None:
    """Load the weights of all networks that will start from them, before hours of other work.

    Raises
    ------
    UsageError
        No experiment has such a network.
    InputMissingError, ReadWriteError, IncompatibleModelError
        There are none of a network, or they cannot be used.
    """
    reading = [one for one in experiments if reads_slices(one)]
    if not reading:
        raise UsageError(
            "--weights is for networks of slices (preset shi2025), which none of these experiments "
            "has: leave it out."
        )
    for backbone in dict.fromkeys(name for one in reading for name in _backbones(one)):
        network = SliceNetwork(backbone, 2)
        load_initial(network, backbone, weights.load(source_name(backbone)))


def reads_slices(experiment: Experiment) -> bool:
    """Whether a model of an experiment is a network of slices, or has one."""
    return any(SLICES in needs(name).instances for name in experiment.models)


def _backbones(experiment: Experiment) -> tuple[str, ...]:
    published = experiment.as_published
    every = published is not None and "choice-on-test" in published.protocols
    others = experiment.comparisons.backbones
    return BACKBONES if every else (experiment.model.backbone, *others)
