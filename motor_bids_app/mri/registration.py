"""Registration to the standard space, around lesions, and between images of one person."""

from dataclasses import dataclass, replace

import nibabel as nib
import numpy as np
import torch

from motor_bids_app.errors import EmptyRegionError
from motor_bids_app.mri.alignment import Matrix, Picture, align, turned_starts
from motor_bids_app.mri.deformation import Match, deform, local_correlation
from motor_bids_app.mri.rigid import Coregistration, find_place, refine_place
from motor_bids_app.mri.sampling import apply_matrix, as_volume, sample, smooth, voxel_grid
from motor_bids_app.spaces.grids import Grid, check_same_grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform

_RIM = 3  # voxels of the template around the brain that take part: they hold it in place
_LARGE_LESION = 30.0  # ml; for smaller ones the other side tells no more than the surroundings
_BLEND = 1.0  # voxels of the template, standard deviation
_FINE_VOXEL = 2.5  # mm; images with larger voxels are registered at 3 mm
_AFFINE_STAGES = ((8.0, 7), (8.0, 12), (4.0, 12))
_LEVELS = ((4, 60), (2, 40), (1, 15))
_SLOPPY_LEVELS = ((4, 40), (2, 15))


@dataclass(frozen=True, eq=False)
class Registration:
    """Result of `register_to_template`.

    Parameters
    ----------
    transform : Transform
        From points of the standard space to the native image, in mm.
    affine : array, shape (4, 4)
        Its best affine alone.
    similarity : float
        Mean squared local correlation in the template's brain, lesions left out; 0 to 1.
    """

    transform: Transform
    affine: Matrix
    similarity: float


def register_to_template(
    image: nib.Nifti1Image,
    brain_mask: nib.Nifti1Image,
    lesion_mask: nib.Nifti1Image | None = None,
    *,
    sloppy: bool = False,
) -> Registration:
    """Register a brain of any contrast to the standard space.

    The lesion has no say in any stage: its voxels have weight 0, and inside it the deformation
    continues from its surroundings. For a large lesion that is too little: at the coarse scales
    the same places of the other side stand in for it (Nachev et al. 2008), not at the finest one,
    where the two sides of a person differ. `benchmarks/lesion_warp.py` compares both with filling.

    Parameters
    ----------
    image : Nifti1Image, shape (X, Y, Z)
        Bias-corrected head or brain; T1w, T2w or FLAIR, as correlation has no sign.
    brain_mask, lesion_mask : Nifti1Image, shape (X, Y, Z)
        Positive inside, on the grid of `image`.
    sloppy : bool
        Stop at twice the voxel size.

    Raises
    ------
    EmptyRegionError
        No brain is left outside the lesion.
    """
    check_same_grid(image, brain_mask=brain_mask)
    if lesion_mask is not None:
        check_same_grid(image, lesion_mask=lesion_mask)
    resolution = 2 if Grid.of(image).voxel_volume < _FINE_VOXEL**3 else 3
    template = load_template("T1w", resolution)
    inside = as_volume(np.asarray(load_template("brain", resolution).dataobj))
    fixed = Picture(as_volume(np.asarray(template.dataobj)), _rim(inside), template.affine)
    moving = _brain(image, brain_mask, lesion_mask)
    scale = float(np.cbrt(_volume(brain_mask) / _volume(load_template("brain", resolution))))
    starts = turned_starts(fixed.centre(), moving.centre(), scale)
    matrix, _ = align(fixed, moving, starts, _AFFINE_STAGES)

    box = _box(inside)
    match = _meet(fixed, moving, matrix, box)
    counted = match.weight * inside[box]
    match = _match_contrast(match, inside[box] > 0)
    levels = _SLOPPY_LEVELS if sloppy else _LEVELS
    unknown = ((match.weight < 0.5) & (inside[box] > 0)).sum() * resolution**3 / 1000
    if lesion_mask is None or unknown < _LARGE_LESION:
        voxels = deform(match, levels)
    else:
        voxels = deform(match, levels[-1:], deform(_with_counterpart(match), levels[:-1]))
    similarity = (local_correlation(match, voxels) * counted).sum() / counted.sum()
    margins = [(part.start, n - part.stop) for part, n in zip(box[1:], template.shape, strict=True)]
    displacement = np.moveaxis(resolution * voxels.cpu().numpy(), 0, -1)
    transform = Transform(
        matrix=matrix,
        displacement=np.pad(displacement, [*margins, (0, 0)], mode="edge"),
        grid=standard_grid(resolution),
    )
    return Registration(transform, matrix, float(similarity))


def register_rigid(
    fixed: nib.Nifti1Image,
    moving: nib.Nifti1Image,
    fixed_mask: nib.Nifti1Image | None = None,
    moving_mask: nib.Nifti1Image | None = None,
) -> Matrix:
    """Register two images of one person, of any contrasts.

    Parameters
    ----------
    fixed, moving : Nifti1Image, shape (X, Y, Z)
        For example a T1w image and the mean of the images without diffusion weighting.
    fixed_mask, moving_mask : Nifti1Image, optional
        Positive where the image counts, on its grid; for example the brain. Left out, all does.

    Returns
    -------
    array, shape (4, 4)
        Maps points of the fixed image to points of the moving one, in mm.

    Raises
    ------
    EmptyRegionError
        A mask is empty.
    """
    return coregister(fixed, moving, fixed_mask, moving_mask).matrix


def coregister(
    fixed: nib.Nifti1Image,
    moving: nib.Nifti1Image,
    fixed_mask: nib.Nifti1Image | None = None,
    moving_mask: nib.Nifti1Image | None = None,
) -> Coregistration:
    """Register as `register_rigid` does, and return how well the edges of the images fit too."""
    return find_place(_picture(fixed, fixed_mask).near(), _picture(moving, moving_mask))


def refit(
    fixed: nib.Nifti1Image, moving: nib.Nifti1Image, fixed_mask: nib.Nifti1Image, place: Matrix
) -> Coregistration:
    """Register as `coregister` does, from a `place` that is right but for a few mm."""
    return refine_place(_picture(fixed, fixed_mask).near(), _picture(moving, None), place)


def _picture(image: nib.Nifti1Image, mask: nib.Nifti1Image | None) -> Picture:
    """Picture in the order right, anterior, superior, with weight in the mask."""
    if mask is not None:
        check_same_grid(image, mask=mask)
        if not (np.asarray(mask.dataobj) > 0).any():
            raise EmptyRegionError("The mask for registration is empty: check it.")
    volume, affine = _canonical(image)
    weight = torch.ones_like(volume)
    if mask is not None:
        weight = (_canonical(mask)[0] > 0).float()
    return Picture(volume, weight, affine)


def _canonical(image: nib.Nifti1Image) -> tuple[torch.Tensor, Matrix]:
    turned = nib.as_closest_canonical(image)
    return as_volume(np.asarray(turned.dataobj)), np.asarray(turned.affine, dtype=np.float64)


def _brain(
    image: nib.Nifti1Image, brain_mask: nib.Nifti1Image, lesion_mask: nib.Nifti1Image | None
) -> Picture:
    """Brain on black, from 0 to 1; weight 0 in the lesion."""
    volume = as_volume(np.asarray(image.dataobj))
    inside = as_volume(np.asarray(brain_mask.dataobj)) > 0
    lesion = torch.zeros_like(inside)
    if lesion_mask is not None:
        lesion = as_volume(np.asarray(lesion_mask.dataobj)) > 0
    healthy = volume[inside & ~lesion].cpu().numpy()
    if healthy.size == 0 or not healthy.max() > max(healthy.min(), 0):
        raise EmptyRegionError(
            f"No usable brain to register: {healthy.size} voxels are in the brain mask and "
            "outside the lesion, or they do not vary. Check both masks."
        )
    high = float(np.percentile(healthy, 99.5))
    volume = _fill((volume / high).clamp(0, 1) * inside, lesion)
    return Picture(volume, (~lesion).float(), np.asarray(image.affine, dtype=np.float64))


def _fill(volume: torch.Tensor, lesion: torch.Tensor) -> torch.Tensor:
    """Continue the surroundings into the lesion, as its border is interpolated with it."""
    if not lesion.any():
        return volume
    box = _box(lesion.float())
    known = (~lesion[box]).float()
    parts = smooth(torch.cat([volume[box] * known, known]), _RIM / 1.5)
    volume[box] = torch.where(lesion[box], parts[:1] / parts[1:].clamp_min(1e-3), volume[box])
    return volume


def _rim(inside: torch.Tensor) -> torch.Tensor:
    """Brain, and what is near it: the black around the brain keeps it from growing."""
    return (smooth(inside, _RIM / 2) > 0.02).float()


def _box(inside: torch.Tensor) -> tuple[slice, ...]:
    """Part of a volume that holds a body and what is near it, with the channel axis."""
    places = torch.argwhere(inside[0] > 0)
    low = (places.amin(0) - 2 * _RIM).clamp_min(0).tolist()
    high = (places.amax(0) + 2 * _RIM + 1).tolist()
    return (
        slice(None),
        *(slice(a, min(b, n)) for a, b, n in zip(low, high, inside.shape[1:], strict=True)),
    )


def _meet(fixed: Picture, moving: Picture, matrix: Matrix, box: tuple[slice, ...]) -> Match:
    """Bring the moving image to the box of the fixed one by the affine."""
    spacing = float(np.cbrt(abs(np.linalg.det(fixed.affine[:3, :3]))))
    size = float(np.cbrt(abs(np.linalg.det(moving.affine[:3, :3]))))
    moving = moving.at_scale(spacing) if spacing > 1.5 * size else moving
    shape = fixed.volume[box].shape[1:]
    start = torch.tensor([part.start for part in box[1:]]).view(3, 1, 1, 1)
    to_voxels = np.linalg.inv(moving.affine) @ matrix @ fixed.affine
    points = apply_matrix(torch.tensor(to_voxels).float(), voxel_grid(tuple(shape)) + start)
    # Beyond the field of view the last slice goes on: black there would be an edge that pulls.
    volume, weight = sample(moving.volume, points, padding="border"), sample(moving.weight, points)
    return Match(fixed.volume[box], volume, weight)


def _with_counterpart(match: Match) -> Match:
    """Fill voxels without weight by those of the other side, where these have one.

    The template is symmetric about the middle of its box, so that an axis reversed mirrors it.
    """
    own, other = match.weight, match.weight.flip(1)
    share = (1 - torch.minimum(own, smooth(own, _BLEND))) * other  # no edge where the two meet
    moving = torch.lerp(match.moving, match.moving.flip(1), share)
    return replace(match, moving=moving, weight=torch.maximum(own, other * (own < 1)))


def _match_contrast(match: Match, inside: torch.Tensor) -> Match:
    """Give the template the contrast of a T2w image: its fluid is bright up to the brain's edge.

    Local correlation has no sign, but the black around both brains has none to invert. A cubic
    polynomial of the template's values, fitted inside the brain, stands in for them.
    """
    counted = inside & (match.weight > 0.5)
    template, seen = match.fixed[counted].double(), match.moving[counted].double()
    if torch.corrcoef(torch.stack([template, seen]))[0, 1] > 0:
        return match
    powers = torch.stack([template**k for k in range(4)], dim=1)
    weights = torch.linalg.solve(powers.T @ powers, powers.T @ seen).float()
    recoloured = sum(weight * match.fixed**k for k, weight in enumerate(weights))
    return replace(match, fixed=torch.where(inside, recoloured, 0))


def _volume(mask: nib.Nifti1Image) -> float:
    return float((np.asarray(mask.dataobj) > 0).sum()) * Grid.of(mask).voxel_volume
