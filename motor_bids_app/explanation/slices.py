"""Grad-CAM on slices, put back into the volume they were cut from."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from torch import Tensor, nn

Maps = NDArray[np.float32]


def slice_gradcam(module: nn.Module, stage: nn.Module, pictures: Tensor) -> Maps:
    """Channels of the last map, weighed by the mean gradient of the output (Selvaraju 2017).

    Signed: what lowers the output is negative. (The paper shows the positive part alone.)

    Parameters
    ----------
    module : Module
        From pictures, shape (n, size, size), to one number each, shape (n,).
    stage : Module
        Layer of it with a map.

    Returns
    -------
    float32 array, shape (n, places, places)
    """
    from captum.attr import LayerGradCam  # imported where used: it takes a second

    given = LayerGradCam(module, stage).attribute(pictures)
    return np.asarray(given.detach().float().cpu().numpy()[:, 0], dtype=np.float32)


def onto_voxels(coarse: Maps, size: int, stride: int, first: int, shape: tuple[int, int]) -> Maps:
    """Interpolate a map over a picture at the voxels of the slice in it; see `pictures`.

    Parameters
    ----------
    coarse : float32 array, shape (places, places)
    size : int
        Pixels along an edge of the picture.
    stride, first : int
        Pixels between places, and where the first one is.
    shape : (int, int)
        Voxels of the slice; the longer side fills the picture.

    Returns
    -------
    float32 array, shape `shape`
    """
    edge = max(shape)
    places = []
    for count in shape:
        # The middle of voxel i, from -1 to 1 over the slice, then over the square picture.
        middle = ((2 * np.arange(count) + 1) / count - 1) * count / edge
        pixel = ((middle + 1) * size - 1) / 2
        places.append((pixel - first) / stride)
    grid = np.stack(np.meshgrid(*places, indexing="ij")).astype(np.float32)
    return map_coordinates(coarse, grid, order=1, mode="nearest", output=np.float32)


def into_volume(slices: Maps, places: NDArray[np.intp], shape: tuple[int, int, int]) -> Maps:
    """Put maps of slices, shape (n, X, Y), where they were cut; 0 elsewhere."""
    volume = np.zeros(shape, dtype=np.float32)
    volume[:, :, places] = np.moveaxis(slices, 0, 2)
    return volume
