"""The deepbet network, which finds the brain in a head; its weights are shipped with the app."""

import warnings
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import interpolate

from motor_bids_app.spaces.templates import package_file

WEIGHTS = "1.0.2"  # version of deepbet that they are of
_COARSE, _FINE = (128, 128, 128), (256, 256, 256)  # shapes that the two networks were trained on
_MARGIN = 0.1  # of the size of the brain, left around it on each side
_SURE = 0.65  # probability from which a voxel is brain; half takes in some of the dura
_LEAST = 0.02  # share of a slice that belongs to the brain
_EVERY_NEIGHBOUR = np.ones((3, 3, 3), dtype=bool)

Mask = NDArray[np.bool_]
Box = tuple[slice, ...]


def segment_brain(values: NDArray[np.float32]) -> Mask:
    """Find the brain with the fluid inside it, in one piece and without holes.

    Parameters
    ----------
    values : array, shape (X, Y, Z)
        Head with its skull, T1w or T2w, in RAS.

    Returns
    -------
    array of bool, shape (X, Y, Z)
        Empty where nothing looks like a brain.

    Notes
    -----
    Fisch et al. 2024: one network finds the box of the brain in the coarse head, another segments
    what is in it; the steps around them are those of deepbet 1.0.2.
    """
    mask = np.zeros(values.shape, dtype=bool)
    device = torch.get_default_device()
    with torch.device("cpu"), torch.inference_mode():
        finder, segmenter = _networks()
        head = torch.from_numpy(values.copy()).to(device)
        coarse = _resize(head, _COARSE)
        low, high = coarse.quantile(0.005), coarse.quantile(0.995)
        found = _largest((_brain(finder, _normalised(coarse, low, high)) > 0.5).cpu().numpy())
        box = _box(found, values.shape)
        if box is None:
            return mask
        inside = _brain(segmenter, _normalised(_resize(head[box], _FINE), low, high))
        mask[box] = (_resize(inside, mask[box].shape) > _SURE).cpu().numpy()
    mask[box] = _without_holes(_largest(mask[box]))
    return mask


@lru_cache(maxsize=1)
def _networks() -> tuple[torch.jit.ScriptModule, torch.jit.ScriptModule]:
    """The two networks, on the CPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the files are of TorchScript
        finder, segmenter = (
            torch.jit.load(
                str(package_file("motor_bids_app", "mri", "weights", "deepbet", name)),
                map_location="cpu",
            ).eval()
            for name in ("bbox_model.pt", "model.pt")
        )
    return finder, segmenter


def _brain(network: torch.jit.ScriptModule, values: Tensor) -> Tensor:
    """Probability of brain, on the device of the values."""
    probability: Tensor = network.to(values.device)(values[None, None])[0, 1]
    return probability


def _resize(values: Tensor, shape: tuple[int, ...]) -> Tensor:
    return interpolate(values[None, None], shape, mode="nearest-exact")[0, 0]


def _normalised(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Values as in training: clipped, and with the mean and deviation of ImageNet's."""
    clipped = ((values - low) / (high - low)).clamp(0, 1)
    return 0.226 * (clipped - clipped.mean()) / clipped.std() + 0.449


def _largest(mask: Mask) -> Mask:
    """The largest connected part; neighbours touch by a face, an edge or a corner."""
    labels, count = ndimage.label(mask, _EVERY_NEIGHBOUR)
    if count < 2:
        return mask
    return np.asarray(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:]), dtype=bool)


def _without_holes(mask: Mask) -> Mask:
    """The same with all background filled that does not reach the border of the array."""
    labels, _ = ndimage.label(~mask)
    faces = (labels.take(side, axis) for axis in range(3) for side in (0, -1))
    outside = np.unique(np.concatenate([face.ravel() for face in faces]))
    return np.asarray(mask | ~np.isin(labels, outside), dtype=bool)


def _box(found: Mask, shape: tuple[int, ...]) -> Box | None:
    """Box of the head with a margin around what was found in the coarse head; None if nothing."""
    box = []
    for axis in range(3):
        share = found.mean(axis=tuple(other for other in range(3) if other != axis))
        slices = np.flatnonzero(share > _LEAST)
        if slices.size == 0:
            return None
        first, last = slices[0], slices[-1] + 1
        scale = shape[axis] / found.shape[axis]
        centre = np.rint(scale * (first + last) / 2)
        size = np.rint(scale * (last - first) * (1 + 2 * _MARGIN))
        start, stop = int(centre - size / 2), int(centre + size / 2)
        box.append(slice(max(0, start), min(shape[axis], stop)))
    return tuple(box)
