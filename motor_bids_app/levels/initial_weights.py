"""Weights of two-dimensional networks that were learned on photographs, from local files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from motor_bids_app.errors import InputMissingError, ReadWriteError

_ENDINGS = (".safetensors", ".pth")


@dataclass(frozen=True)
class FolderWeights:
    """A folder with files named as pytorchcv names them, such as shufflenetv2_w1-0321-....pth.

    Nothing is downloaded.
    """

    folder: Path

    def load(self, model: str) -> Mapping[str, Tensor]:
        """Return the weights of a network of pytorchcv.

        Raises
        ------
        InputMissingError
            The folder has none of this network.
        ReadWriteError
            The file cannot be read, or holds something else than weights.
        """
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
        path = found[0]
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
