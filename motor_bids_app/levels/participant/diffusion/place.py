"""Where a diffusion series is: its brain, and the way to it from the standard space."""

import nibabel as nib
import numpy as np

from motor_bids_app.bids.files import load_image
from motor_bids_app.bids.scan import Scan
from motor_bids_app.levels.participant.lesion import lesion_sidecar, placed_lesion
from motor_bids_app.levels.participant.outputs import RESOLUTION, Facts, Outputs
from motor_bids_app.mri.alignment import Matrix
from motor_bids_app.mri.diffusion.mask import dwi_mask
from motor_bids_app.mri.registration import register_rigid, register_to_template
from motor_bids_app.mri.resampling import resample
from motor_bids_app.reports.participant import checks
from motor_bids_app.settings import ProcessingSettings
from motor_bids_app.spaces.grids import Grid, standard_grid
from motor_bids_app.spaces.templates import load_template
from motor_bids_app.spaces.transforms import Transform


def register_to_head(
    b0: nib.Nifti1Image, outputs: Outputs, matrix: Matrix | None = None
) -> tuple[nib.Nifti1Image, Matrix]:
    """Place the series by the head image; return its brain mask, and head -> series in mm.

    That `matrix` is taken as it is where it is known.
    """
    assert outputs.head is not None
    head = load_image(outputs.head)
    head_brain = outputs.load("mask", "anat", desc="brain")
    if matrix is None:
        matrix = register_rigid(head, b0, head_brain)
    to_head = Transform(matrix=np.linalg.inv(matrix).astype(np.float64))
    moved = resample(head_brain, Grid.of(b0), to_head)
    inside = (np.asarray(moved.dataobj) > 0.5) & (np.asarray(b0.dataobj) > 0)
    shown = resample(b0, Grid.of(head), Transform(matrix=matrix))
    white_matter = outputs.load("probseg", "anat", label="WM")
    outputs.save_figure(checks.coregistration(shown, head, white_matter, head_brain))
    brain = nib.Nifti1Image(inside.astype(np.uint8), b0.affine)
    return brain, matrix


def register_alone(
    b0: nib.Nifti1Image, scan: Scan, outputs: Outputs, settings: ProcessingSettings
) -> tuple[nib.Nifti1Image, Transform, Facts]:
    """Without a head image, the mean b0 volume takes its place; return what to say about it too.

    A lesion mask counts only if it was drawn on the diffusion image: its header alone does not
    tell where another image lies in it.
    """
    brain = nib.Nifti1Image(dwi_mask(np.asarray(b0.dataobj), Grid.of(b0).voxel_sizes), b0.affine)
    lesion = None
    facts = Facts(methods=["registration"], notes=[_why_alone(scan)])
    if scan.lesion is not None and scan.lesion.image == "dwi":
        lesion = placed_lesion(scan.lesion.path, b0)
        facts.add(lesion.measure(brain))
    elif scan.lesion is not None and not scan.lesion.is_standard:
        facts.notes.append(
            f"{scan.lesion.path.name} left out: it was drawn on {scan.lesion.image}, by which the "
            "dwi was not placed. Process the head image too."
        )
    struck = lesion.native if lesion else None
    transform = register_to_template(b0, brain, struck, sloppy=settings.sloppy).transform
    grid = standard_grid(RESOLUTION)
    if lesion is not None and scan.lesion is not None:
        path = outputs.path("mask", "anat", label="L", standard=True)
        image = lesion.in_template(transform)
        outputs.save(image, path, [scan.lesion.path], **lesion_sidecar(scan.lesion))
    template = {kind: load_template(kind, RESOLUTION) for kind in ("T1w", "WM", "brain")}
    outputs.save_figure(
        checks.registration(
            resample(b0, grid, transform),
            template["T1w"],
            brain=template["brain"],
            white_matter=template["WM"],
        )
    )
    return brain, transform, facts


def _why_alone(scan: Scan) -> str:
    reason = "There is no head image"
    if scan.anatomy is not None:
        reason = f"The head image ({scan.anatomy[0].name}) was not processed"
    return (
        f"{reason}: the mean b = 0 volume was registered to the template instead, which is less "
        "exact."
    )
