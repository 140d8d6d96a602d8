"""The figure by which a person sees what a lesion cuts."""

import nibabel as nib
import numpy as np

from motor_bids_app.reports.experiment.slices import AXES
from motor_bids_app.reports.figures import BRAIN, LESION, Layer, Row, contrast, draw_rows
from motor_bids_app.reports.pages import Figure


def disconnection(
    image: nib.Nifti1Image,
    lesion: nib.Nifti1Image,
    density: nib.Nifti1Image,
    brain: nib.Nifti1Image,
    name: str,
) -> Figure:
    """Show where streamlines run that a lesion cuts, as their share of all (0 to 1)."""
    low, high = contrast(np.asarray(image.dataobj, dtype=np.float32))
    layers = [
        Layer(image=density, colour=BRAIN, style="tint"),
        Layer(image=lesion, colour=LESION, style="outline"),
    ]
    rows = [
        Row(image=image, plane=plane, layers=layers, limits=(low, 1.6 * high)) for plane in AXES
    ][::-1]
    return Figure(
        name="lesion-disconnection",
        title="White matter disconnected by the lesion",
        caption=f"Orange: the share of the streamlines ({name}) through a voxel that pass through "
        "the lesion somewhere along their course (the stronger the colour, the more); red: "
        "lesion. The person's own fibre paths were not measured.",
        alt="Slices of the template with the share of streamlines that are cut and the lesion.",
        data=draw_rows(rows, around=brain),
        media_type="image/png",
    )
