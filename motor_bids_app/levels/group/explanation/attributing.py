"""Attribution maps of opened networks by the name of the method, and outputs to check them by."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from motor_bids_app.explanation.attribution import (
    gradcam,
    integrated_gradients,
    number_cubes,
    occlusion,
)
from motor_bids_app.models.opened.maps import OpenNetwork

OF_NETWORKS = ("gradcam", "integrated_gradients", "occlusion")
CUBE = 16.0  # mm, edge of what occlusion hides
Maps = NDArray[np.float32]


def attribute(
    method: str,
    network: OpenNetwork,
    maps: torch.Tensor,
    demographics: torch.Tensor,
    mask: NDArray[np.bool_],
    voxel_size: float,
) -> tuple[Maps, NDArray[np.float64] | None]:
    """Explain a network to scans.

    Parameters
    ----------
    method : str
        One of `OF_NETWORKS`.
    network : OpenNetwork
    maps, demographics : float tensor
        Its inputs for n scans.
    mask : bool array, shape (X, Y, Z)
        Voxels that it sees.
    voxel_size : float
        In mm; occlusion hides cubes of `CUBE` mm.

    Returns
    -------
    float32 array, shape (n, n_maps, X, Y, Z)
    float64 array, shape (n,), or None
        By how much the map misses the output: of integrated gradients alone.
    """
    if method == "integrated_gradients":
        return integrated_gradients(network.module, maps, demographics)
    columns = range(maps.shape[1])
    if method == "occlusion":
        cubes = number_cubes(mask, max(1, round(CUBE / voxel_size)))
        joined = network.joined(maps, demographics)
        hidden = [occlusion(network.of_map(k), maps[:, k : k + 1], joined, cubes) for k in columns]
        return np.concatenate(hidden, axis=1), None
    parts = [
        gradcam(network.module, stage, network.stride, maps, demographics)
        for stage in network.stages
    ]
    return np.stack(parts, axis=1) * mask, None


def linear_output(weights: Maps) -> Callable[[Maps], NDArray[np.float64]]:
    """Linear predictor of deviations of shape (n, n_maps, X, Y, Z), without the intercept."""
    flat = weights.ravel()
    return lambda inputs: (inputs.reshape(len(inputs), -1) @ flat).astype(np.float64)


def network_output(
    network: OpenNetwork, demographics: torch.Tensor
) -> Callable[[Maps], NDArray[np.float64]]:
    """Output for maps of shape (n, n_maps, X, Y, Z) of a person with these demographics."""

    def output(inputs: Maps) -> NDArray[np.float64]:
        with torch.inference_mode():
            maps = torch.from_numpy(inputs).to(demographics.device)
            given = network.module(maps, demographics.expand(len(inputs), -1))
        return np.asarray(given.cpu().numpy(), dtype=np.float64)

    return output
