"""Further images of a head that has a better one: T2w and FLAIR beside T1w."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import ANATOMY, Scan
from motor_bids_app.levels.participant.outputs import RESOLUTION, Outputs
from motor_bids_app.mri.alignment import Matrix
from motor_bids_app.mri.anatomy import correct_bias, reorient
from motor_bids_app.mri.registration import register_rigid
from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.transforms import Transform


@dataclass(frozen=True, eq=False)
class Contrast:
    """An image on its own grid, and the map from points of the head image to its points."""

    path: Path
    image: nib.Nifti1Image
    matrix: Matrix


def place_contrasts(
    scan: Scan, head: nib.Nifti1Image, brain: nib.Nifti1Image, *, sloppy: bool
) -> dict[str, Contrast]:
    """Register the other anatomical images of a person to the one that defines the anatomy."""
    assert scan.anatomy is not None
    placed = {}
    for name in ANATOMY:
        path = scan.image(name)
        if path is None or name == scan.anatomy[1]:
            continue
        image = correct_bias(reorient(load_image(path)), mask=None, sloppy=sloppy)
        placed[name] = Contrast(path, image, register_rigid(head, image, brain))
    return placed


def save_contrasts(
    contrasts: Mapping[str, Contrast],
    head: nib.Nifti1Image,
    anatomy: str,
    to_template: Transform,
    outputs: Outputs,
) -> None:
    """Save each in the space of the head image and in the standard space, interpolated once."""
    for name, contrast in contrasts.items():
        for grid, transform, path in (
            (
                Grid.of(head),
                Transform(),
                outputs.path(name, "anat", space=anatomy, desc="preproc"),
            ),
            (
                standard_grid(RESOLUTION),
                to_template,
                outputs.path(name, "anat", desc="preproc", standard=True),
            ),
        ):
            moved = resample(contrast.image, grid, transform.then(contrast.matrix))
            outputs.save(moved, path, [contrast.path], SkullStripped=False)
