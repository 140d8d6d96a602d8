"""Simulated T1-weighted scans of a whole head."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.simulation.deformation import Shape
from motor_bids_app.simulation.head import Head, Tissue, is_tissue, load_brain, load_head, wrap
from motor_bids_app.simulation.lesions import Lesion
from motor_bids_app.simulation.sampling import grid_points, sample, slabs
from motor_bids_app.spaces.grids import Grid

FIELD_OF_VIEW = ((-96.0, 96.0), (-136.0, 120.0), (-140.0, 108.0))  # mm
INTENSITY = 800  # of white matter, in scanner units
Volume = NDArray[np.float32]
# Grey values relative to white matter, in the order of `Tissue`.
_SHADES = np.array([0, 0.44, 0.95, 0.07, 0.55, 0.2, 0.4, 0.2, 0.64, 0.95], dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Scanner:
    """What differs between sites."""

    noise: float = 0.03  # sigma relative to white matter
    bias: float = 0.15  # standard deviation of the log sensitivity
    contrast: float = 1.0  # power of the grey values


@dataclass(frozen=True, eq=False)
class T1wScan:
    """A T1w image and its truth, arrays of shape (X, Y, Z) on `grid`.

    `grey` and `white` are shares of the voxel from 0 to 1, 0 in the lesion.
    """

    grid: Grid
    image: NDArray[np.int16]
    grey: Volume
    white: Volume
    brain: NDArray[np.bool_]
    lesion: NDArray[np.bool_]


def scan_grid(field_of_view: tuple[tuple[float, float], ...], voxel_size: float) -> Grid:
    """Grid in RAS that fills a field of view, mm."""
    x, y, z = (round((high - low) / voxel_size) for low, high in field_of_view)
    affine = np.diag([voxel_size, voxel_size, voxel_size, 1.0])
    affine[:3, 3] = [low + voxel_size / 2 for low, _ in field_of_view]
    return Grid((x, y, z), affine)


def draw_scanner(rng: np.random.Generator) -> Scanner:
    """Draw the scanner of a site."""
    return Scanner(
        noise=rng.uniform(0.02, 0.035),
        bias=rng.uniform(0.08, 0.16),
        contrast=rng.uniform(0.9, 1.1),
    )


def scan_t1w(
    shape: Shape,
    lesion: Lesion | None,
    scanner: Scanner,
    voxel_size: float,
    rng: np.random.Generator,
) -> T1wScan:
    """Scan one head with voxels of `voxel_size` mm."""
    grid = scan_grid(FIELD_OF_VIEW, voxel_size)
    shades = (_SHADES * rng.normal(1, 0.03, _SHADES.size)).astype(np.float32) ** scanner.contrast
    thickness = rng.uniform(0.8, 1.25)
    parts = []
    head = load_head()
    soft = soft_tissue(head, shades, rng)
    textures = _noise(head.grid.shape, 0.8, rng), _noise(load_brain(voxel_size).grid.shape, 3, rng)
    for rows in slabs(grid):
        points = shape.to_standard(grid_points(grid, rows))
        parts.append(_paint(points, lesion, shades, thickness, soft, textures, voxel_size))
    clean, grey, white, inside, lesioned = (
        np.concatenate(part).reshape(grid.shape) for part in zip(*parts, strict=True)
    )
    image = _acquire(clean, scanner, rng)
    return T1wScan(grid, image, grey, white, inside > 0.5, lesioned > 0.5)


def soft_tissue(head: Head, shades: Volume, rng: np.random.Generator) -> Volume:
    """Grey values of everything outside the skull, with streaks of fat in the muscle."""
    values = shades[head.labels]
    streaks = _noise(head.labels.shape, 1.3, rng)
    muscle = head.labels == Tissue.MUSCLE
    values = np.where(muscle & (streaks > 1.6), shades[Tissue.FAT], values)
    values = values * (1 + 0.08 * streaks)
    return ndimage.gaussian_filter(values, 0.6).astype(np.float32)


def _paint(
    points: Volume,
    lesion: Lesion | None,
    shades: Volume,
    thickness: float,
    soft: Volume,
    textures: tuple[Volume, Volume],
    voxel_size: float,
) -> tuple[Volume, ...]:
    """Return grey values, grey and white matter, brain and lesion at standard points."""
    head, brain = load_head(), load_brain(voxel_size)
    outside = np.stack([soft, head.hull, head.cord, head.canal, textures[0]])
    # Beyond the neck's lower end the head goes on: take the nearest voxel.
    layers = sample(outside, head.grid, points, edge=True)
    image = wrap(
        *layers[:4], shades=shades, thickness=thickness, texture=layers[4], step=voxel_size
    )
    volumes = np.stack(
        [brain.grey, brain.white, brain.fluid, brain.inside, brain.template, textures[1]]
    )
    grey, white, fluid, inside, template, texture = sample(volumes, brain.grid, points)
    lesioned = np.zeros(len(points), dtype=np.float32)
    if lesion is not None:
        lesioned[:] = lesion.covers(points) & is_tissue(grey, white)
    mixed = grey * shades[Tissue.GREY] + white * shades[Tissue.WHITE]
    mixed += fluid * shades[Tissue.FLUID]
    # A quarter of the template's own grey values: nuclei, and myelin that varies by region.
    mixed = 0.75 * mixed + 0.25 * shades[Tissue.WHITE] * template * inside
    mixed *= 1 + 0.02 * texture
    scar = shades[Tissue.FLUID] * (1.4 + 0.35 * texture)  # a cavity with strands of tissue
    mixed = np.where(lesioned > 0, 0.2 * mixed + 0.8 * scar * inside, mixed)
    healthy = 1 - lesioned
    return image * (1 - inside) + mixed, grey * healthy, white * healthy, inside, lesioned


def _acquire(clean: Volume, scanner: Scanner, rng: np.random.Generator) -> NDArray[np.int16]:
    """Add coil sensitivity and Rician noise, and round to integers."""
    signal = clean * np.exp(scanner.bias * _sensitivity(clean.shape, rng))
    real = signal + scanner.noise * rng.standard_normal(clean.shape, dtype=np.float32)
    imaginary = scanner.noise * rng.standard_normal(clean.shape, dtype=np.float32)
    return np.round(INTENSITY * np.hypot(real, imaginary)).astype(np.int16)


def _sensitivity(shape: tuple[int, ...], rng: np.random.Generator) -> Volume:
    """Smooth noise of zero mean and unit variance over the volume."""
    coarse = ndimage.gaussian_filter(rng.standard_normal((12, 12, 12)), 2.5, mode="nearest")
    coarse = (coarse - coarse.mean()) / coarse.std()
    factors = [n / 12 for n in shape]
    return ndimage.zoom(coarse.astype(np.float32), factors, order=1, grid_mode=True, mode="nearest")


def _noise(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> Volume:
    """Noise of unit variance, smoothed over `sigma` voxels."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma)
    return noise / noise.std()
