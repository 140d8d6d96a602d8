"""A whole head around the brain of the standard space, which comes without skull.

Everything outside the brain is built from solids placed by hand, in standard
millimetres, so that programs for real heads (brain extraction above all) meet skin,
fat, skull, marrow, eyes, airways and neck where they expect them.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.simulation.shapes import Space, distance_to, fill, merge
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template

STEP = 2  # mm; the brain alone is kept finer
_LOWEST = (-104.0, -140.0, -150.0)  # mm
_SHAPE = (105, 133, 133)
SKULL_START, SKULL_END, SKIN = 3.0, 9.5, 14.0  # mm outside the brain's hull
Volume = NDArray[np.float32]


class Tissue(IntEnum):
    """What fills a voxel."""

    AIR, MUSCLE, FAT, BONE, MARROW, EYE, LENS, FLUID, GREY, WHITE = range(10)


@dataclass(frozen=True, eq=False)
class Head:
    """The head without its brain, on a 2 mm grid in standard space.

    Parameters
    ----------
    labels : array, uint8
        `Tissue` outside the skull.
    hull, cord : array, float32
        Signed distances in mm to the smoothed brain surface and to the spinal cord.
    canal : array, float32
        Signed distance in mm to the canal around the cord.
    """

    grid: Grid
    labels: NDArray[np.uint8]
    hull: Volume
    cord: Volume
    canal: Volume


@dataclass(frozen=True, eq=False)
class Brain:
    """Brain of the standard space: shares of each tissue, 0 to 1, and the template's grey values.

    Shares are sharper than the template's averages over many people, as in one person.
    """

    grid: Grid
    grey: Volume
    white: Volume
    fluid: Volume
    inside: Volume
    template: Volume


@lru_cache(maxsize=2)
def load_brain(voxel_size: float) -> Brain:
    """Return the brain, blurred to what voxels of that size (mm) would show."""
    step = 1 if voxel_size < 2 else 2
    sigma = 0.29 * np.sqrt(max(voxel_size**2 - 1, 0))  # standard deviation of a box of that width
    volumes = {}
    for kind in ("GM", "WM", "T1w", "brain"):
        volume = np.asarray(load_template(kind, 1).dataobj, dtype=np.float32)
        volume = ndimage.gaussian_filter(volume, sigma) if sigma > 0 else volume
        volumes[kind] = np.ascontiguousarray(volume[::step, ::step, ::step])
    fluid = np.clip(1 - volumes["GM"] - volumes["WM"], 0.001, 1)
    sharp = np.stack([fluid, volumes["GM"], volumes["WM"]]) ** 1.6
    inside = np.clip(2 * volumes["brain"] - 0.5, 0, 1).astype(np.float32)
    fluid, grey, white = inside * sharp / sharp.sum(axis=0)
    template = volumes["T1w"] / np.percentile(volumes["T1w"][inside > 0.5], 98)
    return Brain(standard_grid(step), grey, white, fluid, inside, template)


def is_tissue(grey: Volume, white: Volume) -> NDArray[np.bool_]:
    """Where an infarct is drawn and does harm: not in ventricles and wide sulci."""
    return grey + white > 0.25


@lru_cache(maxsize=1)
def load_head() -> Head:
    """Build the head once per process."""
    space = Space.box(_LOWEST, _SHAPE, STEP)
    hull = _brain_hull()
    outline = _outline(space, hull)
    labels = np.full(_SHAPE, Tissue.AIR, dtype=np.uint8)
    labels[outline < 0] = Tissue.MUSCLE  # skin
    labels[outline < -2] = Tissue.FAT
    labels[outline < -7] = Tissue.MUSCLE
    _add_face(labels, space)
    _add_spine(labels, space)
    affine = np.diag([STEP, STEP, STEP, 1.0])
    affine[:3, 3] = _LOWEST
    lean = 0.12
    return Head(
        grid=Grid(_SHAPE, affine),
        labels=labels,
        hull=hull,
        cord=space.tube((0, -42), (6.5, 5.5), top=-68, lean=lean),
        canal=space.tube((0, -42), (11, 11), top=-60, lean=lean),
    )


def _brain_hull() -> Volume:
    """Signed distance to the brain with sulci and clefts up to 20 mm wide closed."""
    brain = np.asarray(load_template("brain", STEP).dataobj) > 0.5
    grid = standard_grid(STEP)
    offset = np.round((grid.affine[:3, 3] - _LOWEST) / STEP).astype(int)
    mask = np.zeros(_SHAPE, dtype=bool)
    mask[tuple(slice(o, o + n) for o, n in zip(offset, grid.shape, strict=True))] = brain
    grown = distance_to(mask, STEP) < 10
    closed = mask | (distance_to(grown, STEP) < -10)
    return ndimage.gaussian_filter(distance_to(closed, STEP), 1)


def _outline(space: Space, hull: Volume) -> Volume:
    """Signed distance to the skin."""
    face = space.ellipsoid((0, 32, -68), (60, 55, 64))
    neck = space.tube((0, -30), (58, 62), top=-45, lean=0.15)
    nose = space.ellipsoid((0, 92, -48), (11, 16, 20))
    return merge(merge(merge(hull - SKIN, face, 14), neck, 14), nose, 6)


def _add_face(labels: NDArray[np.uint8], space: Space) -> None:
    for side in (-1, 1):
        solids = [
            ((38, 30, -95), (9, 38, 12), Tissue.BONE),  # mandible
            ((38, 30, -95), (5, 33, 8), Tissue.MARROW),
            ((32, 52, -60), (17, 16, 18), Tissue.BONE),  # maxilla and its sinus
            ((32, 50, -60), (14, 13, 15), Tissue.AIR),
            ((60, -20, -48), (14, 16, 16), Tissue.BONE),  # mastoid
            ((32, 48, -32), (20, 26, 18), Tissue.BONE),  # orbit
            ((32, 48, -32), (18, 26, 16), Tissue.FAT),
            ((32, 60, -32), (12.5, 12.5, 12.5), Tissue.MUSCLE),
            ((32, 60, -32), (11.5, 11.5, 11.5), Tissue.EYE),
            ((32, 70, -32), (5, 2.5, 5), Tissue.LENS),
        ]
        for (x, y, z), radii, tissue in solids:
            labels[space.ellipsoid((side * x, y, z), radii) < 0] = tissue
    labels[space.ellipsoid((0, 52, -45), (15, 32, 20)) < 0] = Tissue.BONE  # nasal cavity
    labels[space.ellipsoid((0, 52, -45), (11, 32, 17)) < 0] = Tissue.AIR
    labels[space.ellipsoid((0, 52, -45), (2, 32, 17)) < 0] = Tissue.MUSCLE
    labels[space.tube((0, 2), (14, 9), top=-45) < 0] = Tissue.AIR  # pharynx


def _add_spine(labels: NDArray[np.uint8], space: Space) -> None:
    labels[space.tube((0, -34), (24, 30), top=-78, lean=0.12) < 0] = Tissue.BONE
    labels[space.tube((0, -34), (20, 26), top=-80, lean=0.12) < 0] = Tissue.MARROW


def wrap(
    soft: Volume,
    hull: Volume,
    cord: Volume,
    canal: Volume,
    *,
    shades: Volume,
    thickness: float,
    texture: Volume,
    step: float,
) -> Volume:
    """Put skull and spinal cord into soft tissue; what is left inside is fluid.

    Parameters
    ----------
    soft, hull, cord, canal, texture : array, shape (N,)
        Grey values of the labels, and distances in mm, at the same points; unit noise.
    shades : array, shape (10,)
        Grey value of each `Tissue`.
    thickness : float
        Of this skull, relative to the usual 6.5 mm.
    step : float
        Voxel size in mm; surfaces are averaged over it.
    """
    outer = SKULL_START + thickness * (SKULL_END - SKULL_START)
    middle = (SKULL_START + outer) / 2
    marrow = shades[Tissue.MARROW] * (1 + 0.15 * texture)
    image = fill(soft, hull - outer, shades[Tissue.BONE], step)
    image = fill(image, np.abs(hull - middle - 0.3) - 0.27 * (outer - SKULL_START), marrow, step)
    image = fill(image, hull - SKULL_START, 0.5 * shades[Tissue.MUSCLE], step)  # dura
    image = fill(image, hull - 2.2, shades[Tissue.FLUID], step)
    image = fill(image, canal, shades[Tissue.FLUID], step)
    return fill(image, cord, shades[Tissue.WHITE], step)
