"""Where a diffusion series is: its brain, and the way to it from the standard space."""

from dataclasses import dataclass

import nibabel as nib
import numpy as np

from motor_bids_app.levels.participant.diffusion.read import Head, Series
from motor_bids_app.levels.participant.outputs import Facts
from motor_bids_app.mri.alignment import Matrix
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.registration import coregister, register_to_template
from motor_bids_app.mri.resampling import resample
from motor_bids_app.mri.rigid import Coregistration
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.transforms import Transform


@dataclass(frozen=True, eq=False)
class Place:
    """Where a series is, and what to say about it.

    Parameters
    ----------
    brain : Nifti1Image, shape (X, Y, Z), uint8
        Mask on the grid of the series.
    from_standard : Transform
        Points of the standard space to those of the series.
    facts : Facts
        How it was found.
    from_head : Matrix or None
        Points of the head to those of the series in mm; None without a head.
    lesion : Nifti1Image or None
        A lesion drawn on the series, in the standard space; where there is no head.
    """

    brain: nib.Nifti1Image
    from_standard: Transform
    facts: Facts
    from_head: Matrix | None = None
    lesion: nib.Nifti1Image | None = None


def place_by_head(b0: nib.Nifti1Image, head: Head, found: Coregistration | None = None) -> Place:
    """Place the series by the head image, unless it was `found` already where it lies."""
    found = found or coregister(head.image, b0, head.brain)
    matrix = found.matrix
    quality = {"dwi_coregistration_similarity": found.similarity}
    warnings = [*filter(None, [found.doubt("dwi")])]
    facts = Facts(methods=["coregistration"], quality=quality, warnings=warnings)
    to_head = Transform(matrix=np.linalg.inv(matrix).astype(np.float64))
    moved = resample(head.brain, Grid.of(b0), to_head)
    inside = (np.asarray(moved.dataobj) > 0.5) & (np.asarray(b0.dataobj) > 0)
    brain = nib.Nifti1Image(inside.astype(np.uint8), b0.affine)
    return Place(brain, head.from_standard.then(matrix), facts, from_head=matrix)


def place_alone(b0: nib.Nifti1Image, series: Series, settings: ProcessingSettings) -> Place:
    """Without a head image, the mean b0 volume takes its place.

    A lesion mask counts only if it was drawn on the diffusion image: its header alone does not
    tell where another image lies in it.
    """
    brain = nib.Nifti1Image(dwi_mask(np.asarray(b0.dataobj), Grid.of(b0).voxel_sizes), b0.affine)
    facts = Facts(methods=["registration"], notes=[*series.placing_notes])
    lesion = series.lesion
    if lesion is not None:
        brain, remarks = lesion.join(brain)
        facts.add(remarks)
    struck = lesion.native if lesion else None
    transform = register_to_template(b0, brain, struck, sloppy=settings.sloppy).transform
    standard = lesion.in_template(transform) if lesion else None
    return Place(brain, transform, facts, lesion=standard)
