"""Susceptibility distortion of a diffusion series: which way it can be found, and its effect."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.reverse_phase import ReversePhase
from motor_bids_app.bids.scan import Scan
from motor_bids_app.bids.search import read_sidecars
from motor_bids_app.errors import DataError
from motor_bids_app.levels.participant.diffusion.field_map import field_by_map
from motor_bids_app.levels.participant.diffusion.files import image_like
from motor_bids_app.levels.participant.outputs import Facts, Outputs
from motor_bids_app.mri.alignment import Matrix
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.diffusion.susceptibility import (
    LEAST_MOVE,
    Field,
    correct_by_head,
    correct_pair,
)
from motor_bids_app.mri.registration import register_rigid
from motor_bids_app.mri.resampling import resample
from motor_bids_app.opening import read_text
from motor_bids_app.reports.participant import diffusion_checks
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.transforms import Transform

_B0 = 100.0  # s/mm2, below which a volume is not weighted
_SAME_READOUT = 0.02  # of the readout time, by which two images may differ


@dataclass(frozen=True, eq=False)
class Distortion:
    """What was found; `field` is in voxels along `axis`, None where nothing is to be undone.

    `placed` leads from points of the head to the series in mm, where it is known already.
    """

    axis: int
    facts: Facts
    field: Field | None = None
    placed: Matrix | None = None


def find_distortion(
    b0: nib.Nifti1Image, axis: int, scan: Scan, outputs: Outputs, settings: ProcessingSettings
) -> Distortion:
    """Find the field of the mean b0 volume; the facts say how.

    It is found from the image with opposite phase encoding, else from a field map; without
    these by the head, if the setting asks for it: that finds strong distortions, and but a part
    of them.
    """
    nothing = Facts(methods=["susceptibility_left"])
    if settings.susceptibility == "off":
        return Distortion(axis, nothing)
    notes: list[str] = []
    if scan.reverse_phase is not None:
        other = _reverse_b0(b0, axis, scan, notes)
        if other is not None:
            return _by_pair(b0, other, axis)
    if scan.field_map is not None:
        try:
            field = field_by_map(b0, axis, scan)
        except DataError as error:
            notes.append(
                f"{scan.field_map.images[0].name} was not used against distortion: {error}."
            )
        else:
            return Distortion(axis, Facts(methods=["susceptibility_map"], notes=notes), field)
    nothing.notes.extend(notes)
    if outputs.head is None or settings.susceptibility != "head":
        return Distortion(axis, nothing)
    found = _by_head(b0, axis, outputs)
    found.facts.notes.extend(notes)
    return found


def show_distortion(
    before: nib.Nifti1Image,
    after: nib.Nifti1Image,
    found: Distortion,
    brain: nib.Nifti1Image,
    scan: Scan,
    outputs: Outputs,
) -> None:
    """Save the field in mm, its size in the brain, and the picture of its effect."""
    assert found.field is not None
    assert scan.dwi is not None
    shift = found.field * np.float32(Grid.of(before).voxel_sizes[found.axis])
    inside = np.asarray(brain.dataobj) > 0
    found.facts.quality["dwi_distortion"] = float(np.abs(shift[inside]).mean())
    image = image_like(shift, before)
    sources = [scan.dwi]
    if "susceptibility_pair" in found.facts.methods and scan.reverse_phase is not None:
        sources.append(scan.reverse_phase.path)
    if "susceptibility_map" in found.facts.methods and scan.field_map is not None:
        sources += [*scan.field_map.images, scan.field_map.magnitude]
    path = outputs.path("dwimap", "dwi", desc="susceptibility")
    text = f"Displacement along voxel axis {'ijk'[found.axis]} that was undone"
    outputs.save(image, path, sources, Units="mm", Description=text)
    white_matter = None
    if outputs.head is not None and found.placed is not None:
        to_head = Transform(matrix=np.linalg.inv(found.placed).astype(np.float64))
        own = outputs.load("probseg", "anat", label="WM")
        white_matter = resample(own, Grid.of(before), to_head)
    outputs.save_figure(diffusion_checks.susceptibility(before, after, image, brain, white_matter))


def _by_pair(b0: nib.Nifti1Image, other: nib.Nifti1Image, axis: int) -> Distortion:
    values = np.asarray(b0.dataobj)
    brain = dwi_mask(values, Grid.of(b0).voxel_sizes)
    found = correct_pair(values, np.asarray(other.dataobj), brain, b0.affine, axis)
    return Distortion(axis, Facts(methods=["susceptibility_pair"]), found)


def _by_head(b0: nib.Nifti1Image, axis: int, outputs: Outputs) -> Distortion:
    assert outputs.head is not None
    head, brain = load_image(outputs.head), outputs.load("mask", "anat", desc="brain")
    placed = register_rigid(head, b0, brain)
    to_head, grid = Transform(matrix=np.linalg.inv(placed).astype(np.float64)), Grid.of(b0)
    images = [head, brain]
    path = outputs.path("mask", "anat", label="L")
    if path.is_file():
        images.append(load_image(path))
    seen, inside, *lesion = (np.asarray(resample(one, grid, to_head).dataobj) for one in images)
    masks = [inside > 0.5, *(one > 0.5 for one in lesion)]
    found = correct_by_head(np.asarray(b0.dataobj), seen, masks[0], b0.affine, axis, *masks[1:])
    if found.accepted:
        return Distortion(axis, Facts(methods=["susceptibility_head"]), found.field)
    note = (
        "Susceptibility distortion was looked for by the head image and not corrected: "
        f"{100 * found.share:.1f} % of the brain would move by {LEAST_MOVE:g} mm or more"
        + (
            f", and its similarity rise from {found.before:.2f} to {found.after:.2f}."
            if found.share
            else "."
        )
    )
    return Distortion(axis, Facts(methods=["susceptibility_none"], notes=[note]), placed=placed)


def _reverse_b0(
    b0: nib.Nifti1Image, axis: int, scan: Scan, notes: list[str]
) -> nib.Nifti1Image | None:
    """Mean unweighted volume of the other image on the grid of the series, or why there is none."""
    assert scan.reverse_phase is not None
    reverse = scan.reverse_phase
    image = load_image(reverse.path)
    problem = _problem(image, b0, axis, scan, reverse)
    data = np.nan_to_num(np.asarray(image.dataobj, dtype=np.float32))
    if data.ndim == 4:
        weights = np.zeros(data.shape[3])
        if reverse.bval is not None:
            weights = np.array(read_text(reverse.bval).split(), dtype=float)
        unweighted = np.flatnonzero(weights < _B0)
        data = data[..., unweighted].mean(axis=3) if unweighted.size else 0 * data[..., 0]
    if problem is None and not data.any():
        problem = "it has no volume without weighting"
    if problem is not None:
        notes.append(f"{reverse.path.name} was not used against distortion: {problem}.")
        return None
    return resample(image_like(data, image), Grid.of(b0))


def _problem(
    image: nib.Nifti1Image, b0: nib.Nifti1Image, axis: int, scan: Scan, reverse: ReversePhase
) -> str | None:
    """Why two images are no pair, if they are not."""
    if image.ndim not in (3, 4):
        return f"it has {image.ndim} axes"
    ways = [one.affine[:3, axis] / np.linalg.norm(one.affine[:3, axis]) for one in (b0, image)]
    if ways[0] @ ways[1] < 0.99:
        return "its phase-encoding axis is not that of the series"
    own, other = (
        read_sidecars(paths).get("TotalReadoutTime")
        for paths in (scan.dwi_sidecars, reverse.sidecars)
    )
    if own and other and abs(other / own - 1) > _SAME_READOUT:
        return f"its readout takes {other:g} s, that of the series {own:g} s"
    return None
