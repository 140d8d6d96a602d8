"""Finished diffusion placed by the head, a series fitted: tensor maps on their own grid."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.diffusion.clean import without_unlike
from motor_bids_app.levels.participant.diffusion.finished.read import (
    FinishedMaps,
    FinishedSeries,
    HeadOfTool,
)
from motor_bids_app.levels.participant.diffusion.read import Head, Series
from motor_bids_app.levels.participant.outputs import Facts
from motor_bids_app.mri.alignment import Matrix
from motor_bids_app.mri.anatomy import reorient
from motor_bids_app.mri.diffusion.axes import check_axes
from motor_bids_app.mri.diffusion.tensor import fit_tensor
from motor_bids_app.mri.quality import motion_summary
from motor_bids_app.mri.registration import coregister
from motor_bids_app.mri.resampling import resample
from motor_bids_app.mri.units import DIFFUSIVITIES, diffusivity_factors
from motor_bids_app.settings import STANDARD_SPACE
from motor_bids_app.spaces.grids import Grid, check_same_grid, finite_values
from motor_bids_app.spaces.mni import to_mni_space
from motor_bids_app.spaces.transforms import Transform

Maps = dict[str, nib.Nifti1Image]
_MOST_FA = 1.1  # noise and interpolation may leave its range a little


@dataclass(frozen=True, eq=False)
class PlacedMaps:
    """Tensor maps and where they are.

    Parameters
    ----------
    maps : dict of Nifti1Image
        By 'fa', 'md', 'rd' and 'ad'; diffusivities in mm2/s.
    brain : Nifti1Image, uint8
        Where there are values, on the grid of the maps.
    from_standard : Transform
        Points of the standard space to those of the maps.
    shown : Nifti1Image or None
        A diffusion image on the grid of the head; None for maps of the standard space.
    head : Head or None
        The head that it is shown on.
    facts : Facts
        What was taken and done.
    """

    maps: Maps
    brain: nib.Nifti1Image
    from_standard: Transform
    shown: nib.Nifti1Image | None
    head: Head | None
    facts: Facts


def place_maps(given: FinishedMaps) -> PlacedMaps:
    """Bring maps to mm2/s, and place them by the head unless they are in the standard space.

    Raises
    ------
    DataError
        The maps are in no known unit, or FA is no share.
    GridMismatchError
        They are not of one grid.
    """
    maps = dict(given.images)
    check_same_grid(next(iter(maps.values())), **maps)
    facts = Facts(taken={"maps": given.dataset}, warnings=[*given.warnings])
    _check_share(maps, given.dataset)
    factors = diffusivity_factors(maps)
    for name, factor in factors.items():
        scaled = np.asarray(maps[name].dataobj) * np.float32(factor)
        maps[name] = nib.Nifti1Image(scaled, maps[name].affine)
    turned = [f"{name} times {factor:g}" for name, factor in factors.items() if factor != 1]
    if turned:
        facts.notes.append(
            f"Diffusivities of {given.dataset} were turned into mm2/s ({', '.join(turned)})."
        )
    first = maps["fa"] if "fa" in maps else next(iter(maps.values()))
    measured = np.any([np.asarray(image.dataobj) > 0 for image in maps.values()], axis=0)
    brain = nib.Nifti1Image(measured.astype(np.uint8), first.affine)
    if given.head is None:
        if given.space != STANDARD_SPACE:
            facts.notes.append(
                f"The maps of {given.dataset} are in {given.space}, and were brought to "
                f"{STANDARD_SPACE} by the displacement between the templates."
            )
        return PlacedMaps(maps, brain, to_mni_space(given.space), None, None, facts)
    # FA has edges of its own: in its right place it meets a third of those of the head.
    matrix = _place(first, given.head, facts, judged=given.head.image is not None)
    facts.methods.append("finished_coregistration")
    return _on_head(maps, brain, first, matrix, given.head, facts)


def _check_share(maps: Maps, dataset: str) -> None:
    """Raise DataError where the FA is in per cent or per mille, or something else."""
    if "fa" not in maps:
        return
    values = np.asarray(maps["fa"].dataobj)
    high = float(np.percentile(values[values > 0], 99)) if (values > 0).any() else 0.0
    if high > _MOST_FA:
        raise DataError(
            f"The FA map of {dataset} goes up to {high:.3g}, and FA is a share from 0 to 1. Scale "
            "it, or leave this derivative out."
        )


def fit_series(given: FinishedSeries) -> PlacedMaps:
    """Place a series by the head, and fit a tensor to volumes that are what they are called.

    Raises
    ------
    DataError
        The images do not bear out the gradient table, or too few are left for a tensor.
    """
    raw = Series(given.image, given.gradients, {}, (), ())
    kept, warnings = without_unlike(raw)
    kept.gradients.check_tensor()
    given = replace(given, image=kept.image, gradients=kept.gradients)
    data = finite_values(given.image)
    b0 = nib.Nifti1Image(data[..., given.gradients.is_b0].mean(axis=3), given.image.affine)
    facts = Facts(
        methods=["tensor", "finished_coregistration"],
        quality=_motion(given),
        warnings=warnings,
        taken={"dwi": given.dataset},
    )
    matrix = _place(b0, given.head, facts, judged=True)
    brain = _brain_of(b0, given, matrix)
    fitted = fit_tensor(data, given.gradients, np.asarray(brain.dataobj))
    maps = {
        name: nib.Nifti1Image(fitted[name], given.image.affine) for name in ("fa", *DIFFUSIVITIES)
    }
    _judge_axes(fitted, brain, given.dataset, facts)
    return _on_head(maps, brain, b0, matrix, given.head, facts)


def _judge_axes(
    fitted: Mapping[str, NDArray[np.float32]], brain: nib.Nifti1Image, dataset: str, facts: Facts
) -> None:
    """Warn of a gradient table whose axes are flipped or exchanged."""
    flipped = float(np.linalg.det(brain.affine)) > 0  # where bvec files reverse the first axis
    sizes = Grid.of(brain).voxel_sizes
    check = check_axes(fitted["direction"], fitted["fa"], sizes, flipped)
    if check is None:
        return
    facts.quality["gradient_coherence"] = check.coherence / check.best
    if check.is_wrong:
        facts.warnings.append(
            f"The gradient table of {dataset} seems to be wrong: fibres are more coherent with "
            f"{check.words}. Maps but colour FA hardly change."
        )


def _place(image: nib.Nifti1Image, head: HeadOfTool, facts: Facts, *, judged: bool) -> Matrix:
    """Return the matrix from points of our head to those of a diffusion image, in mm.

    The tool has aligned the image with a head of its own, which need not lie as ours does; where
    that is not known the image itself is matched. The facts tell how well it fits, if `judged`.
    """
    if head.is_ours:
        identity: Matrix = np.eye(4)
        return identity
    moving = reorient(head.image) if head.image else image
    found = coregister(head.ours.image, moving, head.ours.brain)
    if judged:
        facts.quality["dwi_coregistration_similarity"] = found.similarity
        facts.warnings.extend(filter(None, [found.doubt("finished diffusion")]))
    return found.matrix


def _on_head(
    maps: Maps,
    brain: nib.Nifti1Image,
    image: nib.Nifti1Image,
    matrix: Matrix,
    head: HeadOfTool,
    facts: Facts,
) -> PlacedMaps:
    """Maps with the way to them, and one `image` of them as it lies on the head."""
    shown = resample(image, Grid.of(head.ours.image), Transform(matrix=matrix))
    return PlacedMaps(maps, brain, head.ours.from_standard.then(matrix), shown, head.ours, facts)


def _brain_of(b0: nib.Nifti1Image, given: FinishedSeries, matrix: Matrix) -> nib.Nifti1Image:
    """Brain on the grid of the series: the tool's own mask, else that of the head."""
    if given.brain is not None:
        moved = resample(given.brain, Grid.of(b0))
    else:
        to_head = np.linalg.inv(matrix).astype(np.float64)
        moved = resample(given.head.ours.brain, Grid.of(b0), Transform(matrix=to_head))
    inside = (np.asarray(moved.dataobj) > 0.5) & (np.asarray(b0.dataobj) > 0)
    return nib.Nifti1Image(inside.astype(np.uint8), b0.affine)


def _motion(given: FinishedSeries) -> dict[str, float]:
    """What framewise displacement tells of motion, where the tool wrote it."""
    if given.displacement is None:
        return {}
    summary = motion_summary(np.zeros((len(given.displacement), 6)), given.displacement)
    return {
        name: value
        for name, value in summary.items()
        if "_max_t" not in name and "_max_r" not in name
    }
