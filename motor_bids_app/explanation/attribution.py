"""Attribution maps: how much each voxel of each map moved what a model says of a person.

Networks are explained through captum. Everywhere the reference is the average brain of the
training fold, which is 0 in the inputs of a network: a map says what makes the person differ from
it, in log odds of a poor outcome or in points of the score. Linear models have closed forms.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from torch import Tensor, nn

from motor_bids_app.features.volumes import Volumes

STEPS = 32  # of integrated gradients, between the average brain and the person
_TOGETHER = 1 << 21  # voxels of the scans that are computed at once, some with a cube hidden
Maps = NDArray[np.float32]


def gradcam(
    module: nn.Module,
    stage: nn.Module,
    stride: int,
    maps: Tensor,
    demographics: Tensor,
    *,
    first: float = 0.0,
) -> Maps:
    """Channels of a late layer, weighed by the mean gradient of the output (Selvaraju 2017).

    Signed: what lowers the output is negative. As of the other methods the reference is the average
    brain: its channels are subtracted (published: they are not, and then what every brain has,
    such as its edges, hides what a person has). The layer is coarse, and is interpolated.

    Parameters
    ----------
    module : Module
        From maps and demographics to one number per scan, shape (n,).
    stage : Module
        Layer of it with outputs of shape (n, channels, X / stride, Y / stride, Z / stride),
        rounded up.
    stride : int
        Voxels between places.
    maps : float tensor, shape (n, n_maps, X, Y, Z)
    demographics : float tensor, shape (n, n_columns)
    first : float
        Voxel that the first place is at.

    Returns
    -------
    float32 array, shape (n, X, Y, Z)
    """
    from captum.attr import LayerActivation, LayerGradientXActivation  # a second to import

    gradients = LayerGradientXActivation(module, stage, multiply_by_inputs=False).attribute(
        maps, additional_forward_args=(demographics,)
    )
    channels = LayerActivation(module, stage)
    own, average = (
        channels.attribute(given, additional_forward_args=(demographics[: len(given)],)).detach()
        for given in (maps, 0 * maps[:1])
    )
    weights = gradients.detach().mean(dim=(2, 3, 4), keepdim=True)
    coarse = (weights * (own - average)).sum(dim=1).float().cpu().numpy()
    return np.stack([place_coarse(one, stride, tuple(maps.shape[2:]), first) for one in coarse])


def place_coarse(coarse: Maps, stride: int, shape: tuple[int, ...], first: float = 0.0) -> Maps:
    """Interpolate values of every `stride`-th voxel, from `first` on, to all voxels.

    The usual interpolation of pictures takes coarse voxels for blocks side by side, which would
    shift the map by half a stride.

    >>> place_coarse(np.float32([0, 4]).reshape(2, 1, 1), 4, (6, 1, 1)).ravel().tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 4.0]
    """
    places = (np.indices(shape, dtype=np.float32) - np.float32(first)) / np.float32(stride)
    return map_coordinates(coarse, places, order=1, mode="nearest", output=np.float32)


def integrated_gradients(
    module: nn.Module, maps: Tensor, demographics: Tensor
) -> tuple[Maps, NDArray[np.float64]]:
    """Gradients along the line from the average brain to the person (Sundararajan 2017).

    Parameters
    ----------
    module, maps, demographics
        As of `gradcam`.

    Returns
    -------
    float32 array, shape (n, n_maps, X, Y, Z)
        Sums to the output of the person minus that of the average brain with the same
        demographics, up to the error of the sum over `STEPS`.
    float64 array, shape (n,)
        That error.
    """
    from captum.attr import IntegratedGradients  # imported where used: it takes a second

    values, errors = IntegratedGradients(module).attribute(
        maps,
        baselines=0,
        additional_forward_args=(demographics,),
        n_steps=STEPS,
        internal_batch_size=len(maps),
        return_convergence_delta=True,
    )
    return values.detach().float().cpu().numpy(), errors.detach().double().cpu().numpy()


def occlusion(
    module: nn.Module, maps: Tensor, demographics: Tensor, cubes: NDArray[np.int64]
) -> Maps:
    """Change of the output when a cube of one map is replaced by the average brain's.

    Parameters
    ----------
    module, maps, demographics
        As of `gradcam`.
    cubes : int array, shape (X, Y, Z)
        See `number_cubes`.

    Returns
    -------
    float32 array, shape (n, n_maps, X, Y, Z)
        Output with the cube minus output without it, in all voxels of the cube.
    """
    from captum.attr import FeatureAblation  # its own Occlusion also slides through the air

    n_maps, n_cubes = maps.shape[1], int(cubes.max()) + 1
    one = torch.from_numpy(cubes).to(maps.device)
    numbers = torch.stack([one + k * n_cubes for k in range(n_maps)])
    values = FeatureAblation(module).attribute(
        maps,
        baselines=0,
        additional_forward_args=(demographics,),
        feature_mask=numbers[None],
        perturbations_per_eval=max(1, _TOGETHER // maps.numel()),
    )
    return np.asarray(values.detach().float().cpu().numpy() * (cubes > 0), dtype=np.float32)


def number_cubes(mask: NDArray[np.bool_], edge: int) -> NDArray[np.int64]:
    """Cut the voxels of a mask into cubes of `edge` voxels, numbered from 1; 0 outside.

    >>> number_cubes(np.array([True, True, False, True]).reshape(4, 1, 1), 2).ravel().tolist()
    [1, 1, 0, 2]
    """
    place = np.indices(mask.shape) // edge
    sizes = tuple(place.max(axis=(1, 2, 3)) + 1)
    code: NDArray[np.intp] = np.asarray(np.ravel_multi_index(tuple(place), sizes))
    number: NDArray[np.intp]
    _, number = np.unique_inverse(code[mask])
    cubes = np.zeros(mask.shape, dtype=np.int64)
    cubes[mask] = number.ravel() + 1
    return cubes


def deviations(volumes: Volumes, columns: list[int], mean: Maps) -> Maps:
    """Return scans minus the mean of a training fold, (n, n_maps, X, Y, Z); 0 where missing."""
    found = volumes.read()[:, columns] - mean
    found *= volumes.present[:, columns, None, None, None]
    return found


def activation_pattern(volumes: Volumes, columns: list[int], scores: NDArray[np.float64]) -> Maps:
    """How each voxel goes with what a linear model says: its activation pattern.

    The weights of a linear model also cancel what is common to voxels and of no interest, so
    that a large weight need not mean that the voxel carries information; the covariance with the
    model's output does (Haufe et al. 2014, NeuroImage 87, equation 6, for one output).

    Parameters
    ----------
    volumes : Volumes
        Training scans, read a block of voxels at a time.
    columns : list of int
        Maps to look at.
    scores : float array, shape (n_scans,)
        Output of the model for them.

    Returns
    -------
    float32 array, shape (n_maps, X, Y, Z)
        Stored units of the map per log odds or point: slope of the voxel on the output among
        scans that have the map; 0 if the output does not vary.
    """
    pattern = np.zeros((len(columns), int(np.prod(volumes.grid.shape))), dtype=np.float32)
    for k, column in enumerate(columns):
        has = volumes.present[:, column]
        centred = np.where(has, scores - scores[has].mean() if has.any() else 0, 0)
        energy = float(centred @ centred)
        if energy == 0:
            continue
        slope = (centred / energy).astype(np.float32)  # sums to 0, so that means drop out
        for part, block in volumes.blocks(column):
            pattern[k, part] = slope @ (block - block[has].mean(axis=0))
    return pattern.reshape(-1, *volumes.grid.shape)
