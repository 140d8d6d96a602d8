"""The figure by which a person checks the correction of distortion."""

import nibabel as nib
import numpy as np

from motor_bids_app.reports.figures import BRAIN, EDGES, Layer, Row, contrast, draw_rows
from motor_bids_app.reports.pages import Figure


def susceptibility(
    before: nib.Nifti1Image,
    after: nib.Nifti1Image,
    field: nib.Nifti1Image,
    brain: nib.Nifti1Image,
    white_matter: nib.Nifti1Image | None = None,
    *,
    what: str = "mean b = 0 volume",
    name: str = "susceptibility",
) -> Figure:
    """Show an image before and after, and how far its parts were moved.

    All are on the grid of the series; `field` is in mm, `brain` and `white_matter` are of the
    corrected image.
    """
    layers = [Layer(image=brain, colour=BRAIN)]
    if white_matter is not None:
        layers.insert(0, Layer(image=white_matter, colour=EDGES))
    inside = np.asarray(brain.dataobj) > 0
    low, high = contrast(np.asarray(before.dataobj, dtype=np.float32) * inside)
    moved = np.abs(np.asarray(field.dataobj)[inside])
    reach = float(f"{max(np.percentile(moved, 99.5), 1e-3):.1g}") if moved.size else 1.0
    rows, corrected = (
        [
            Row(image=one, label=label, layers=layers, plane=plane, limits=(low, high))
            for plane in ("axial", "sagittal")
        ]
        for one, label in ((before, "before"), (after, "after"))
    )
    rows.append(
        Row(image=field, label="moved by", colours="RdBu_r", limits=(-reach, reach), unit="mm")
    )
    outlines = (
        "the brain (orange) and of the white matter of the head (blue)"
        if white_matter is not None
        else "the brain (orange)"
    )
    return Figure(
        name=name,
        title=f"Susceptibility distortion of the {what}",
        caption=f"The {what} before and after the correction along the phase-encoding axis, with "
        f"the outlines of {outlines}; last row: the displacement that was corrected. After "
        "correction, frontal and temporal lobes should match the lines better, and other regions "
        "should hardly have changed.",
        alt=f"Slices of the {what} before and after the correction, and of the displacement.",
        data=draw_rows(rows, around=brain),
        media_type="image/png",
        second=draw_rows(corrected, around=brain, bars=True),
        states=("before", "after"),
    )
