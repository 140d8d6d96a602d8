"""The image kernels on a GPU and on two CPU threads of the same machine.

usage: python benchmarks/gpu.py
Data: the template under a known warp at 1 mm, and a 2 mm series of 68 volumes with noise. Needs
nothing but torch, numpy, scipy, nibabel and the template, so that it runs on a bare GPU machine.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import nibabel as nib
import numpy as np
import torch
from nibabel.affines import apply_affine, from_matvec
from scipy import ndimage
from scipy.spatial.transform import Rotation

from motor_bids_app.mri.diffusion.denoise import denoise_mppca
from motor_bids_app.mri.registration import register_to_template
from motor_bids_app.mri.resampling import invert, resample
from motor_bids_app.mri.tissue import segment_tissue
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

LEAST_GAIN = 5.0
REPEATS = 3


def true_transform() -> Transform:
    """From the template to a person: another size and pose, and a warp of up to 6 mm."""
    grid = standard_grid(4)
    noise = np.random.default_rng(5).standard_normal((*grid.shape, 3))
    warp = np.stack([ndimage.gaussian_filter(noise[..., k], 4) for k in range(3)], axis=-1)
    warp = (6 * warp / np.linalg.norm(warp, axis=-1).max()).astype(np.float32)
    turn = Rotation.from_euler("xyz", [6, -4, 7], degrees=True).as_matrix()
    matrix = from_matvec(turn @ np.diag([0.94, 0.97, 0.92]), [3, -14, 9])
    return Transform(matrix=matrix, displacement=warp, grid=grid)


def person(truth: Transform) -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """Brain with noise, and its mask, 256 x 256 x 176 at 1 mm."""
    centre = truth.matrix[:3, :3] @ [0, -18, 8] + truth.matrix[:3, 3]
    shape = (176, 256, 256)
    grid = Grid(shape, from_matvec(np.eye(3), centre - (np.array(shape) - 1) / 2))
    to_template = invert(truth, grid)
    brain = np.asarray(resample(load_template("T1w", 1), grid, to_template).dataobj)
    mask = resample(load_template("brain", 1), grid, to_template, order=0)
    noise = 20 * np.random.default_rng(0).standard_normal(grid.shape)
    values = np.where(np.asarray(mask.dataobj) > 0, 800 * brain + noise, 0).astype(np.float32)
    return nib.Nifti1Image(values, grid.affine), mask


def series() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Diffusion series, shape (91, 109, 91, 68), and its brain mask."""
    rng = np.random.default_rng(0)
    brain = np.asarray(load_template("brain", 2).dataobj)
    white = np.asarray(load_template("WM", 2).dataobj)
    volumes = (
        600.0 * brain[..., None] * np.exp(-rng.uniform(0.3, 1.5, 68) * (1 - 0.5 * white[..., None]))
    )
    return (volumes + 20 * rng.standard_normal(volumes.shape)).astype(np.float32), brain


def measure(work: Callable[[], Any]) -> tuple[float, Any]:
    """Median of the seconds of some runs after a first one, and the result."""
    result, seconds = work(), []
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)  # results are arrays: the device is done
    return float(np.median(seconds)), result


def main() -> int:
    """Print seconds on both and their ratio; 1 if the total gains less than asked for."""
    if not torch.cuda.is_available():
        print("torch sees no GPU here: nothing to compare.")
        return 0
    torch.set_num_threads(2)
    truth = true_transform()
    head, mask = person(truth)
    to_native = invert(truth, Grid.of(head))
    data, brain = series()
    inside = apply_affine(load_template("brain", 2).affine, np.argwhere(brain))
    steps: dict[str, tuple[Callable[[], Any], Callable[[Any], float]]] = {
        "registration": (
            lambda: register_to_template(head, mask).transform,
            lambda found: float(np.linalg.norm(found(inside) - truth(inside), axis=1).mean()),
        ),
        "tissue": (
            lambda: segment_tissue(head, mask, to_native),
            lambda shares: float(np.asarray(shares["WM"].dataobj).sum() / 1e3),
        ),
        "resampling": (
            lambda: resample(head, standard_grid(1), truth),
            lambda image: float(np.asarray(image.dataobj).mean()),
        ),
        "inverse": (
            lambda: invert(truth, Grid.of(head)),
            lambda inverse: float(np.abs(inverse.displacement).mean()),
        ),
        "MP-PCA": (
            lambda: denoise_mppca(data, brain),
            lambda result: float(result[1][brain > 0].mean()),
        ),
    }
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}; CPU with 2 threads")
    print(f"{'step':14}{'CPU s':>8}{'GPU s':>8}{'ratio':>7}   result on CPU and GPU")
    totals = np.zeros(2)
    for name, (work, describe) in steps.items():
        found = []
        for device in ("cpu", "cuda"):
            torch.set_default_device(device)
            found.append(measure(work))
        torch.set_default_device("cpu")
        (cpu, one), (gpu, other) = found
        totals += cpu, gpu
        results = f"{describe(one):.4f} {describe(other):.4f}"
        print(f"{name:14}{cpu:8.2f}{gpu:8.2f}{cpu / gpu:7.1f}   {results}")
    print(f"{'total':14}{totals[0]:8.2f}{totals[1]:8.2f}{totals[0] / totals[1]:7.1f}")
    return 0 if totals[0] >= LEAST_GAIN * totals[1] else 1


if __name__ == "__main__":
    sys.exit(main())
