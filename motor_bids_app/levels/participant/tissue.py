"""Tissue of the head for steps after the anatomy: its own maps, else those of the template."""

import nibabel as nib
import numpy as np

from motor_bids_app.bids.files import load_image
from motor_bids_app.levels.participant.outputs import RESOLUTION, Outputs
from motor_bids_app.mri.resampling import resample
from motor_bids_app.spaces.grids import Grid
from motor_bids_app.spaces.templates import load_template


def has_tissue(outputs: Outputs) -> bool:
    """Whether the head has maps of its own: a T2w or FLAIR may not tell grey from white."""
    return outputs.tissue("WM").is_file()


def head_white_matter(outputs: Outputs) -> nib.Nifti1Image:
    """White matter on the grid of the head image, 0 to 1."""
    if has_tissue(outputs):
        return load_image(outputs.tissue("WM"))
    assert outputs.head is not None
    grid = Grid.of(load_image(outputs.head))
    return resample(load_template("WM", RESOLUTION), grid, outputs.load_inverse())


def standard_tissue(outputs: Outputs) -> dict[str, nib.Nifti1Image]:
    """Grey and white matter and fluid, "GM", "WM" and "CSF", in the standard space; 0 to 1."""
    if has_tissue(outputs):
        names = ("GM", "WM", "CSF")
        return {name: load_image(outputs.tissue(name, standard=True)) for name in names}
    grey, white, brain = (load_template(name, RESOLUTION) for name in ("GM", "WM", "brain"))
    shares = np.asarray(grey.dataobj) + np.asarray(white.dataobj)
    fluid = np.clip(1 - shares, 0, 1) * (np.asarray(brain.dataobj) > 0)
    return {"GM": grey, "WM": white, "CSF": nib.Nifti1Image(fluid, brain.affine)}
