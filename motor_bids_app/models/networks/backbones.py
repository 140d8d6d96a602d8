"""Two-dimensional networks for slices (shi2025), from pytorchcv, which is optional."""

import math
from collections.abc import Mapping
from importlib import import_module
from typing import Protocol

import torch
from torch import Tensor, nn

from motor_bids_app.errors import IncompatibleModelError, UsageError

# Module and function of pytorchcv. The paper names families; these are their usual small members.
_SOURCES = {
    "resnet50": ("resnet", "resnet50"),
    "fbnet": ("fbnet", "fbnet_cb"),
    "ghostnet": ("ghostnet", "ghostnet"),
    "regnet": ("regnet", "regnety004"),
    "shufflenet": ("shufflenetv2", "shufflenetv2_w1"),
}
BACKBONES = tuple(_SOURCES)
_FIRST_PLACE = {"shufflenet": 2}  # pixel; its first pooling has no padding


class InitialWeights(Protocol):
    """Where weights of networks trained on photographs lie; knows places, not contents."""

    def load(self, model: str) -> Mapping[str, Tensor] | None:
        """Return the weights of a network of pytorchcv by its name there, or None."""
        ...

    def digest(self, model: str) -> str:
        """Short hash of them."""
        ...


class SliceNetwork(nn.Module):
    """A two-dimensional network that takes grey pictures of any size.

    Parameters
    ----------
    backbone : str
        One of `BACKBONES`.
    n_outputs : int

    Raises
    ------
    UsageError
        An unknown network, or pytorchcv is not installed.
    """

    def __init__(self, backbone: str, n_outputs: int) -> None:
        super().__init__()
        if backbone not in _SOURCES:
            raise UsageError(f"backbone = {backbone!r}: use one of {', '.join(BACKBONES)}.")
        module, function = _SOURCES[backbone]
        try:
            source = import_module(f"pytorchcv.models.{module}")
        except ImportError as error:
            raise UsageError(
                f"The network {backbone} for slices comes with pytorchcv, which is not installed: "
                "pip install --no-deps pytorchcv, or leave the models of slices out."
            ) from error
        self.backbone = getattr(source, function)(num_classes=n_outputs)
        # The pooling of pytorchcv fits pictures of 224 x 224 pixels alone.
        self.backbone.features.final_pool = nn.AdaptiveAvgPool2d(1)

    def stage(self, size: int, apart: float) -> tuple[nn.Module, int]:
        """Return the last stage whose places are near each other, and the pixels between them.

        Parameters
        ----------
        size : int
            Pixels along a picture.
        apart : float
            Pixels between places at most; the first stage where none is that fine.
        """
        stages = list(self.backbone.features.children())[:-1]  # without the pooling
        like = next(self.parameters())
        picture = torch.zeros((1, 3, size, size), dtype=like.dtype, device=like.device)
        was_training, strides = self.training, []
        self.eval()
        with torch.inference_mode():
            for stage in stages:
                picture = stage(picture)
                strides.append(2 ** round(math.log2(size / picture.shape[-1])))
        self.train(was_training)
        last = max((k for k, stride in enumerate(strides) if stride <= apart), default=0)
        return stages[last], strides[last]

    def forward(self, instances: Tensor) -> Tensor:
        """Return shape (n, n_outputs), from pictures (n, size, size)."""
        outputs: Tensor = self.backbone(instances[:, None].expand(-1, 3, -1, -1))
        return outputs


def source_name(backbone: str) -> str:
    """Name of a network in pytorchcv."""
    return _SOURCES[backbone][1]


def first_place(backbone: str) -> int:
    """Pixel of the first place of every feature map behind the first pooling."""
    return _FIRST_PLACE.get(backbone, 0)


def load_initial(network: SliceNetwork, backbone: str, weights: Mapping[str, Tensor]) -> None:
    """Start from weights that were learned elsewhere; the dense layers at the end start anew.

    Raises
    ------
    IncompatibleModelError
        They are not those of this network.
    """
    own = network.backbone.state_dict()
    wanted = {name: value for name, value in own.items() if name.startswith("features.")}
    for name, value in wanted.items():
        if name.endswith("num_batches_tracked"):
            continue
        if name not in weights:
            said = f"lack {name}"
        elif weights[name].shape != value.shape:
            said = f"have {name} of shape {tuple(weights[name].shape)}, not {tuple(value.shape)}"
        else:
            continue
        raise IncompatibleModelError(
            f"The weights given for {backbone} {said}: they are of another network. Give those of "
            f"{source_name(backbone)} of pytorchcv, or none."
        )
    kept = {name: value for name, value in own.items() if name not in wanted}
    counts = {name: value for name, value in wanted.items() if name not in weights}
    taken = {name: weights[name] for name in wanted if name in weights}
    network.backbone.load_state_dict({**kept, **counts, **taken})
