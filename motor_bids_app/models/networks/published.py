"""The published networks of cbam2025, run as they were saved: Keras' list of layers, with weights.

Their batch normalisation is over axis 3 of (batch, x, y, z, channel): each axial slice has its own
mean, variance, scale and shift, which all channels share. Such numbers are tied to a grid of 91
slices, and none of them belongs to a channel: no network with normalisation over channels, as ours
and as the paper describes, can take them over. So they are not weights to begin with, but a network
of its own, which predicts and is not trained here.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from motor_bids_app.errors import IncompatibleModelError

Arrays = Sequence[NDArray[np.float32]]
_ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "softmax": lambda x: torch.softmax(x, dim=-1),
}
_N_WEIGHTS = {"Conv3D": 2, "Dense": 2, "BatchNormalization": 4}
_IGNORED = ("Dropout",)  # of training


class PublishedNetwork:
    """A graph of Keras layers on arrays (n, X, Y, Z, channels), for prediction alone.

    Parameters
    ----------
    description : mapping
        Content of ``model.json``: a functional model of Keras.
    weights : mapping of str to list of arrays
        By the name of the layer, in Keras' order: kernel and bias; or scale, shift, mean and
        variance of a normalisation.

    Raises
    ------
    IncompatibleModelError
        It is something else, has a layer that is not known, or lacks weights.
    """

    def __init__(self, description: Mapping[str, Any], weights: Mapping[str, Arrays]) -> None:
        try:
            config = description["config"]
            self._layers = [
                (one["class_name"], str(one["config"]["name"]), one["config"], one["inbound_nodes"])
                for one in config["layers"]
            ]
            self._inputs = [str(one[0]) for one in config["input_layers"]]
            ((self._output, number, _),) = config["output_layers"]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise IncompatibleModelError(
                "This is no functional model of Keras with one output. Give the model.json that "
                "was published with the weights."
            ) from error
        self._node = int(number)
        self._weights: dict[str, list[Tensor]] = {}
        for kind, name, _, _ in self._layers:
            if kind not in _KINDS and kind not in _IGNORED:
                raise IncompatibleModelError(f"Layer {name} is a {kind}, which is not known here.")
            wanted, found = _N_WEIGHTS.get(kind, 0), weights.get(name, ())
            if len(found) != wanted:
                raise IncompatibleModelError(
                    f"Layer {name} ({kind}) has {wanted} arrays of weights, and {len(found)} are "
                    "given. Give the weights that were published with this model.json."
                )
            self._weights[name] = [torch.from_numpy(np.array(one, np.float32)) for one in found]

    def predict(
        self, maps: NDArray[np.float32], demographics: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return what the network gives, shape (n, n_outputs).

        Parameters
        ----------
        maps : float32 array, shape (n, X, Y, Z)
            In stored units, nothing subtracted.
        demographics : float32 array, shape (n, n_columns)

        Raises
        ------
        IncompatibleModelError
            The maps have another grid than the normalisation knows, or there are other columns.
        """
        given = (  # copies: maps that were turned have strides that torch does not know
            torch.from_numpy(np.array(maps, np.float32, order="C"))[..., None],
            torch.from_numpy(np.array(demographics, np.float32)),
        )
        values: dict[tuple[str, int], Tensor] = dict(
            zip([(name, 0) for name in self._inputs], given, strict=True)
        )
        with torch.inference_mode():
            for kind, name, config, calls in self._layers:
                for number, nodes in enumerate(calls):
                    inputs = [values[str(node[0]), int(node[1])] for node in nodes]
                    try:
                        values[name, number] = (
                            inputs[0]
                            if kind in _IGNORED
                            else _KINDS[kind](inputs, config, self._weights[name])
                        )
                    except RuntimeError as error:
                        shapes = [tuple(one.shape[1:]) for one in inputs]
                        raise IncompatibleModelError(
                            f"Layer {name} ({kind}) cannot take values of shape {shapes}: the "
                            "network was learned on another grid. Give maps of 91 x 109 x 91 "
                            "voxels of 2 mm, and three demographics."
                        ) from error
        return np.asarray(values[self._output, self._node].double().numpy())


def _convolution(inputs: list[Tensor], config: Mapping[str, Any], weights: list[Tensor]) -> Tensor:
    kernel, bias = weights
    x = _channels_first(inputs[0])
    x = _same(x, kernel.shape[:3], config["strides"])
    x = functional.conv3d(x, kernel.permute(4, 3, 0, 1, 2), bias, tuple(config["strides"]))
    return _ACTIVATIONS[config["activation"]](x.permute(0, 2, 3, 4, 1))


def _mean_pool(inputs: list[Tensor], config: Mapping[str, Any], weights: list[Tensor]) -> Tensor:  # noqa: ARG001
    """Mean over windows; what lies outside of the map does not count."""
    x = _channels_first(inputs[0])
    size, strides = tuple(config["pool_size"]), tuple(config["strides"])
    inside = _same(torch.ones_like(x[:1, :1]), size, strides)
    sums, counts = (
        functional.avg_pool3d(one, size, strides) for one in (_same(x, size, strides), inside)
    )
    return (sums / counts).permute(0, 2, 3, 4, 1)


def _same(x: Tensor, size: Sequence[int], strides: Sequence[int]) -> Tensor:
    """Pad as TensorFlow's "same": the odd voxel behind, so that even sizes are not centred."""
    sides: list[int] = []
    for length, window, stride in zip(x.shape[2:], size, strides, strict=True):
        total = max((-(-length // stride) - 1) * stride + window - length, 0)
        sides = [total // 2, total - total // 2, *sides]
    return functional.pad(x, sides)


def _normalise(inputs: list[Tensor], config: Mapping[str, Any], weights: list[Tensor]) -> Tensor:
    x = inputs[0]
    (axis,) = config["axis"]
    shape = [-1 if place == axis else 1 for place in range(x.ndim)]
    scale, shift, mean, variance = (one.view(shape) for one in weights)
    return (x - mean) * torch.rsqrt(variance + config["epsilon"]) * scale + shift


def _dense(inputs: list[Tensor], config: Mapping[str, Any], weights: list[Tensor]) -> Tensor:
    kernel, bias = weights
    return _ACTIVATIONS[config["activation"]](inputs[0] @ kernel + bias)


def _over_channels(
    inputs: list[Tensor],
    config: Mapping[str, Any],
    weights: list[Tensor],  # noqa: ARG001
) -> Tensor:
    """Mean or maximum over channels: the name is read from the saved code, which is not run."""
    code = base64.b64decode(config["function"][0])
    if b"reduce_mean" in code:
        return inputs[0].mean(dim=-1, keepdim=True)
    if b"reduce_max" in code:
        return inputs[0].amax(dim=-1, keepdim=True)
    raise IncompatibleModelError(f"Layer {config['name']} runs code of its own, which is not run.")


def _product(inputs: list[Tensor], *_: Any) -> Tensor:
    """Product of all; numbers of a scan count for all of its voxels."""
    rank = max(one.ndim for one in inputs)
    whole = torch.ones(())
    for one in inputs:
        whole = whole * one.view(one.shape[0], *[1] * (rank - one.ndim), *one.shape[1:])
    return whole


def _channels_first(x: Tensor) -> Tensor:
    return x.permute(0, 4, 1, 2, 3)


_KINDS: dict[str, Any] = {
    "InputLayer": None,
    "Conv3D": _convolution,
    "BatchNormalization": _normalise,
    "AveragePooling3D": _mean_pool,
    "Dense": _dense,
    "Lambda": _over_channels,
    "Multiply": _product,
    "Activation": lambda inputs, config, _: _ACTIVATIONS[config["activation"]](inputs[0]),
    "Add": lambda inputs, *_: sum(inputs[1:], inputs[0]),
    "Concatenate": lambda inputs, *_: torch.cat(inputs, dim=-1),
    "GlobalAveragePooling3D": lambda inputs, *_: inputs[0].mean(dim=(1, 2, 3)),
    "GlobalMaxPooling3D": lambda inputs, *_: inputs[0].amax(dim=(1, 2, 3)),
}
