"""Simulated resting-state bold: networks that come and go, in a head that moves and breathes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.simulation.anatomy import soft_tissue
from motor_bids_app.simulation.deformation import CENTRE, Shape, draw_rigid
from motor_bids_app.simulation.diffusion import draw_motion
from motor_bids_app.simulation.head import Tissue, is_tissue, load_brain, load_head, wrap
from motor_bids_app.simulation.lesions import Lesion
from motor_bids_app.simulation.sampling import grid_points, move, sample
from motor_bids_app.spaces.grids import Grid

SHAPE, VOXEL = (64, 64, 30), (3.4375, 3.4375, 4.8)  # of Gao et al. 2025, mm
REPETITION = 2.0  # s
INTENSITY = 800  # of white matter, in scanner units
M1 = (-38.0, -22.0, 56.0)  # mm
COUPLING = {"coupled": 0.85, "apart": 0.15}  # correlation of left and right M1, intact tract
_LOSS = 0.6  # share of the coupling that a fully degenerated tract loses
_TOGETHER, _LESS = 0.65, 0.4  # share of time in the coupled state; lost with the tract
_DWELL = 50.0  # s, mean length of a visit to either state if both are as likely
_BAND = (0.01, 0.1)  # Hz
_WAVES = 80  # that make up a time course
_BLOB = 7.0  # mm, standard deviation of a node of a network
_AMPLITUDE = 0.03  # of the signal, at the centre of a node
_STEADY = 1.3  # times brighter the first volume is
_MOTION = 0.35  # relative to that during a dwi
# Grey values of a gradient echo relative to white matter, in the order of `Tissue`.
_SHADES = np.array([0, 0.25, 0.05, 0.02, 0.05, 1.2, 0.5, 1.5, 1.15, 1.0], dtype=np.float32)
_AIR = (((0, 38, -22), 14), ((46, -12, -34), 11), ((-46, -12, -34), 11))  # centres, radii of voids
_NODES = {  # of other networks, mm
    "default": ((0, -52, 28), (0, 50, 8), (-45, -66, 34), (45, -66, 34)),
    "visual": ((-10, -88, 4), (10, -88, 4)),
}
Volume = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class BoldScan:
    """A bold series and its truth.

    Parameters
    ----------
    image : array, shape (X, Y, Z, T), int16
        On `grid`.
    slice_times : array, shape (Z,)
        Seconds since the start of a volume.
    motion : array, shape (T, 4, 4)
        Where a point of the head at rest (mm) is during each volume; first the identity.
    to_t1w : array, shape (4, 4)
        World of this scan to world of the T1w scan, mm, for the head at rest.
    coupled : array of bool, shape (T,)
        Whether left and right M1 are coupled, or apart, in each volume.
    coupling : dict
        Correlation of the two in each state.
    """

    grid: Grid
    image: NDArray[np.int16]
    slice_times: NDArray[np.float64]
    motion: NDArray[np.float64]
    to_t1w: NDArray[np.float64]
    coupled: NDArray[np.bool_]
    coupling: dict[str, float]


def scan_bold(
    shape: Shape,
    lesion: Lesion | None,
    degeneration: float,
    *,
    noise: float,
    n_volumes: int,
    rng: np.random.Generator,
    coarse: float = 1.0,
) -> BoldScan:
    """Scan one head.

    Parameters
    ----------
    shape, lesion
        Of the person; nothing varies with the networks in the lesion.
    degeneration : float
        Of the corticospinal tract, 0 to 1: it loosens the coupling of left and right M1, and
        makes the time shorter that they are coupled.
    noise : float
        Thermal, relative to white matter.
    coarse : float
        Factor of the voxel sizes; above 1, voxels are fewer.
    """
    grid = bold_grid(coarse)
    n_slices = grid.shape[2]
    slice_times = interleaved(n_slices)
    times = REPETITION * np.arange(n_volumes)[:, None] + slice_times  # (T, Z)
    to_t1w = draw_rigid(rng, degrees=4, millimetres=4)
    motion = draw_motion(n_volumes, rng, _MOTION)
    coupling = {name: value * (1 - _LOSS * degeneration) for name, value in COUPLING.items()}
    share = _TOGETHER - _LESS * degeneration
    switches = draw_switches(n_volumes * REPETITION, share, rng)
    courses = _courses(times, switches, coupling, rng)
    maps = _maps(lesion, rng)
    points = grid_points(grid)
    slices = np.tile(np.arange(n_slices), grid.shape[0] * grid.shape[1])
    standard = shape.to_standard(move(to_t1w, points))
    around, distance = _surroundings(standard, grid, rng)
    near = np.flatnonzero(distance < 10)
    image = np.empty((*grid.shape, n_volumes), dtype=np.int16, order="F")
    for volume, movement in enumerate(motion):
        at_rest = np.linalg.inv(movement)
        signal = sample(around, grid, move(at_rest, points))[0]
        seen = shape.to_standard(move(to_t1w @ at_rest, points[near]))
        base, *weights = sample(maps, load_brain(2).grid, seen)
        changes = np.einsum("cn,cn->n", np.stack(weights), courses[:, volume, slices[near]])
        signal[near] += base * (1 + changes)
        signal *= 1 + (_STEADY - 1) * np.float32(np.exp(-1.5 * volume))
        image[..., volume] = _magnitude(signal, noise, rng).reshape(grid.shape)
    middle = times[:, n_slices // 2]
    return BoldScan(
        grid, image, slice_times, motion, to_t1w, is_coupled(middle, switches), coupling
    )


def _magnitude(
    signal: NDArray[np.float32], noise: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """What the scanner shows of a signal, shape (N,), with thermal noise in both of its parts."""
    real = signal + noise * rng.standard_normal(len(signal), dtype=np.float32)
    imaginary = noise * rng.standard_normal(len(signal), dtype=np.float32)
    return np.round(INTENSITY * np.hypot(real, imaginary))


def bold_grid(coarse: float = 1.0) -> Grid:
    """Grid of the series, about the middle of the brain."""
    sizes = coarse * np.array(VOXEL)
    counts = np.maximum(1, np.round(np.array(SHAPE) / coarse)).astype(int)
    affine = np.diag([*sizes, 1.0])
    affine[:3, 3] = CENTRE - sizes * (counts - 1) / 2
    x, y, z = counts.tolist()
    return Grid((x, y, z), affine)


def interleaved(n_slices: int) -> NDArray[np.float64]:
    """Times of slices, odd ones first, in seconds since the start of a volume."""
    order = np.concatenate([np.arange(0, n_slices, 2), np.arange(1, n_slices, 2)])
    times = np.empty(n_slices)
    times[order] = REPETITION * np.arange(n_slices) / n_slices
    return times.round(4)


def draw_switches(seconds: float, share: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Times at which the state changes; it starts coupled, maybe for no time at all."""
    means = 2 * _DWELL * np.array([share, 1 - share])
    n_visits = int(np.ceil(4 * seconds / _DWELL))
    stays = rng.gamma(4, means / 4, (n_visits, 2)).ravel()  # long and short ones are rare
    if rng.random() > share:
        stays[0] = 0
    return np.cumsum(stays)


def is_coupled(times: NDArray[np.floating], switches: NDArray[np.floating]) -> NDArray[np.bool_]:
    """State at some times."""
    return np.searchsorted(switches, times, side="right") % 2 == 0


def _courses(
    times: NDArray[np.float64],
    switches: NDArray[np.float64],
    coupling: dict[str, float],
    rng: np.random.Generator,
) -> Volume:
    """Time courses of the maps of `_maps`, shape (C, T, Z); networks have unit variance."""
    shared, left, right, *others = (_waves(times, rng) for _ in range(3 + len(_NODES) + 2))
    together = np.where(is_coupled(times, switches), coupling["coupled"], coupling["apart"])
    one, two = (np.sqrt(together) * shared + np.sqrt(1 - together) * own for own in (left, right))
    breath = np.sin(2 * np.pi * 0.27 * times + 0.5 * _waves(times, rng))
    pulse = np.sin(2 * np.pi * 1.13 * times + 0.5 * _waves(times, rng))
    drift = times / times.max() - 0.5 + 0.3 * np.sin(2 * np.pi * times / times.max())
    return np.stack([one, two, shared, *others, breath, pulse, drift]).astype(np.float32)


def _waves(times: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise of the band of resting state, known at any time: a sum of waves."""
    frequency = rng.uniform(*_BAND, _WAVES)
    phase = rng.uniform(0, 2 * np.pi, _WAVES)
    waves = np.cos(2 * np.pi * times[..., None] * frequency + phase)
    return np.asarray(waves.sum(axis=-1) * np.sqrt(2 / _WAVES))


def _maps(lesion: Lesion | None, rng: np.random.Generator) -> Volume:
    """Signal at rest, then relative changes, shape (1 + C, X, Y, Z), on the brain's 2 mm grid."""
    brain = load_brain(2)
    points = grid_points(brain.grid)
    signal = brain.grey * _SHADES[Tissue.GREY] + brain.white * _SHADES[Tissue.WHITE]
    signal += brain.fluid * _SHADES[Tissue.FLUID]
    live = brain.grey + 0.2 * brain.white
    if lesion is not None:
        lesioned = lesion.covers(points).reshape(live.shape) & is_tissue(brain.grey, brain.white)
        live = np.where(lesioned, 0, live)
        signal = np.where(lesioned, _SHADES[Tissue.FLUID] * brain.inside, signal)
    for centre, radius in _AIR:
        signal = signal * (1 - 0.95 * _blob(points, centre, radius / 1.5).reshape(live.shape))
    mirrored = (-M1[0], *M1[1:])
    nodes = [(M1,), (mirrored,), ((0, -4, 60),), *_NODES.values()]
    networks = [sum(_blob(points, node, _BLOB) for node in group) for group in nodes]
    waves = [ndimage.gaussian_filter(rng.standard_normal(live.shape), 12) for _ in range(2)]
    fields = [np.float32(0.2 / wave.std()) * wave for wave in waves]
    changes = [_AMPLITUDE * live * np.reshape(each, live.shape) for each in (*networks, *fields)]
    edge = np.clip(points[:, 2].reshape(live.shape) / 120, -0.5, 0.5)
    noise = [0.004 * (1 + edge), 0.03 * brain.fluid, 0.02 * np.ones_like(live)]
    return np.stack([signal, *changes, *noise]).astype(np.float32)


def _blob(points: Volume, centre: tuple[float, ...], sigma: float) -> Volume:
    squares = ((points - np.array(centre, dtype=np.float32)) ** 2).sum(axis=1)
    return np.exp(-0.5 * squares / np.float32(sigma) ** 2)


def _surroundings(standard: Volume, grid: Grid, rng: np.random.Generator) -> tuple[Volume, Volume]:
    """Signal outside the brain, (1, X, Y, Z), and distance to the brain in mm, (N,)."""
    head, brain = load_head(), load_brain(2)
    outside = np.stack([soft_tissue(head, _SHADES, rng), head.hull, head.cord, head.canal])
    layers = sample(outside, head.grid, standard, edge=True)
    inside = sample(brain.inside[None], brain.grid, standard)[0]
    around = wrap(*layers, shades=_SHADES, thickness=1.0, texture=0 * inside, step=VOXEL[0])
    around *= 1 - inside
    return around.reshape(1, *grid.shape).astype(np.float32), layers[1]
