"""Diffusion tensors of the standard brain, healthy or with a stroke.

Tensors are cylinders: `_fibres` gives their axes (as dyads, the outer products of unit
vectors), tissue shares give anisotropy and size. They are set by hand, so the true
fractional anisotropy (FA) is known everywhere; tracts are only roughly where they are.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray
from scipy import ndimage

from motor_bids_app.simulation.damage import Damage
from motor_bids_app.simulation.head import Brain, is_tissue, load_brain
from motor_bids_app.simulation.lesions import Lesion
from motor_bids_app.simulation.sampling import grid_points
from motor_bids_app.spaces.atlases import juelich_tract

STEP = 2  # mm
Volume = NDArray[np.float32]
_PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))  # of a symmetric 3x3 matrix
FLUID_MD, GREY_MD, WHITE_MD, LESION_MD = 3.0e-3, 0.85e-3, 0.75e-3, 1.9e-3  # mm2/s
GREY_FA, LESION_FA, LOWEST_WHITE_FA = 0.14, 0.08, 0.40
DEGENERATION_LOSS = 0.5  # part of the tract's FA that full degeneration takes


@dataclass(frozen=True, eq=False)
class TensorField:
    """Tensors in mm2/s, shape (6, X, Y, Z): xx, yy, zz, xy, xz, yz on the 2 mm standard grid.

    `lesion` marks lesioned voxels, shape (X, Y, Z).
    """

    tensors: Volume
    lesion: NDArray[np.bool_]


def tensor_field(lesion: Lesion | None, damage: Damage, rng: np.random.Generator) -> TensorField:
    """Tensors of one person in standard space."""
    brain = load_brain(STEP)
    variation = ndimage.gaussian_filter(rng.standard_normal(brain.grid.shape), 4)
    variation /= variation.std()
    white_fa = np.clip(_white_fa() * rng.normal(1, 0.02) + 0.03 * variation, 0.3, 0.85)
    tracts = _tract_shares()
    for side in ("left", "right"):
        loss = damage.degeneration if lesion is not None and lesion.side == side else 0.0
        white_fa = white_fa * (1 - DEGENERATION_LOSS * loss * tracts[side])
    anisotropy = brain.white * white_fa + brain.grey * GREY_FA
    size = brain.white * WHITE_MD + brain.grey * GREY_MD
    size += (1 - brain.white - brain.grey) * FLUID_MD
    lesioned = np.zeros(brain.grid.shape, dtype=bool)
    if lesion is not None:
        covered = lesion.covers(grid_points(brain.grid)).reshape(brain.grid.shape)
        lesioned = covered & is_tissue(brain.grey, brain.white)
        anisotropy = np.where(lesioned, LESION_FA, anisotropy)
        size = np.where(lesioned, LESION_MD, size)
    return TensorField(cylinders(_fibres(), anisotropy, size), lesioned)


def cylinders(dyads: Volume, anisotropy: NDArray, size: NDArray) -> Volume:  # type: ignore[type-arg]
    """Tensors with given axes (6, ...), FA and mean diffusivity (...).

    With eigenvalues size (1 + 2d), size (1 - d), size (1 - d), FA is
    3d / sqrt(3 + 6 d^2), which is solved for d.
    """
    d = anisotropy / np.sqrt(3 - 2 * anisotropy**2)
    tensors = 3 * size * d * dyads
    tensors[:3] += size * (1 - d)
    return tensors.astype(np.float32)


def unpack(tensors: Volume) -> Volume:
    """Matrices, shape (..., 3, 3), from six components, shape (6, ...)."""
    matrices = np.empty((*tensors.shape[1:], 3, 3), dtype=tensors.dtype)
    for component, (i, j) in zip(tensors, _PAIRS, strict=True):
        matrices[..., i, j] = matrices[..., j, i] = component
    return matrices


def weights(directions: NDArray[np.floating]) -> NDArray[np.float32]:
    """Six weights per direction, shape (n, 6), so that g' D g = weights @ components."""
    factors = [(1 if i == j else 2) * directions[:, i] * directions[:, j] for i, j in _PAIRS]
    return np.stack(factors, axis=1).astype(np.float32)


def measures(tensors: Volume) -> tuple[Volume, Volume]:
    """Fractional anisotropy and mean diffusivity (mm2/s) of tensors, shape (6, ...)."""
    mean = tensors[:3].mean(axis=0)
    squares = (tensors[:3] ** 2).sum(axis=0) + 2 * (tensors[3:] ** 2).sum(axis=0)
    spread = squares - 3 * mean**2
    ratio = np.divide(spread, squares, out=np.zeros_like(mean), where=squares > 0)
    return np.sqrt(np.clip(1.5 * ratio, 0, 1)), mean


@lru_cache(maxsize=1)
def _tract_shares() -> dict[str, Volume]:
    """Corticospinal tracts, 0 to 1, widened to where their fibres run."""
    shares = {}
    for side, image in juelich_tract(STEP).items():
        share = ndimage.gaussian_filter(np.asarray(image.dataobj, dtype=np.float32), 0.7)
        shares[side] = np.clip(2.5 * share / share.max(), 0, 1)
    return shares


@lru_cache(maxsize=1)
def _white_fa() -> Volume:
    """FA of pure white matter: higher deep inside, in the callosum and corticospinal tract."""
    brain: Brain = load_brain(STEP)
    depth = np.clip(ndimage.gaussian_filter(brain.white, 2) - 0.45, 0, 0.5)
    bundles = np.maximum(_callosum(brain), sum(_tract_shares().values()))
    return (LOWEST_WHITE_FA + 0.25 * depth + 0.24 * bundles).astype(np.float32)


def _callosum(brain: Brain) -> Volume:
    """Share of the corpus callosum: white matter near the midline, above the ventricles."""
    x, y, z = np.moveaxis(grid_points(brain.grid).reshape(*brain.grid.shape, 3), -1, 0)
    arch = 24 - ((y + 8) / 11) ** 2  # height of the callosum in mm, lower at both ends
    near = np.clip(1.5 - np.abs(x) / 16, 0, 1) * np.clip(1.5 - np.abs(z - arch) / 10, 0, 1)
    return (near * (np.abs(y + 8) < 42)).astype(np.float32)


@lru_cache(maxsize=1)
def _fibres() -> Volume:
    """Dyads of the main fibre axis, shape (6, X, Y, Z), smooth in space."""
    brain = load_brain(STEP)
    points = grid_points(brain.grid)
    shares = _tract_shares()
    tracts = shares["left"] + shares["right"]
    callosal = _callosum(brain) * (1 - tracts)
    rest = np.clip(1 - tracts - callosal, 0.05, 1)
    side = np.sign(points[:, 0])
    radial = points - np.array([0, -17, 10], dtype=np.float32)
    radial[:, 0] -= 25 * side  # fibres fan out from the middle of each hemisphere
    axes = {
        "callosum": np.stack([np.ones_like(side), 0 * side, 0.012 * points[:, 0]], axis=1),
        "tract": _tract_axes(points),
        "rest": radial + np.array([0, 25, 0], dtype=np.float32),  # mostly front to back
    }
    dyads = np.zeros((6, *brain.grid.shape), dtype=np.float32)
    for name, share in {"callosum": callosal, "tract": tracts, "rest": rest}.items():
        length = np.linalg.norm(axes[name], axis=1, keepdims=True)
        vectors = axes[name] / np.maximum(length, 1)
        products = [vectors[:, i] * vectors[:, j] for i, j in _PAIRS]
        dyads += share * np.stack(products).reshape(dyads.shape)
    dyads = ndimage.gaussian_filter(dyads, (0, 1, 1, 1))
    main = np.linalg.eigh(unpack(dyads))[1][..., -1]  # one axis again, after the blending
    return np.stack([main[..., i] * main[..., j] for i, j in _PAIRS]).astype(np.float32)


def _tract_axes(points: Volume) -> Volume:
    """Course of the corticospinal tract at the height of each point, shape (N, 3)."""
    image = juelich_tract(STEP)["right"]
    share = np.asarray(image.dataobj, dtype=np.float64)
    heights = np.arange(share.shape[2])
    mass = share.sum(axis=(0, 1))
    used = mass > 0.02 * mass.max()
    course = []
    for axis in (0, 1):
        place = np.moveaxis(share.sum(axis=1 - axis), -1, 0) @ np.arange(share.shape[axis])
        course.append(np.interp(heights, heights[used], place[used] / mass[used]))
    slope = np.gradient(ndimage.gaussian_filter1d(np.array(course), 3, axis=1), axis=1)
    level = apply_affine(np.linalg.inv(image.affine), points)[:, 2]
    tilt = np.stack([np.interp(level, heights, along) for along in slope], axis=1)
    tilt[:, 0] *= np.sign(points[:, 0])
    return np.column_stack([tilt, np.ones(len(points))]).astype(np.float32)
