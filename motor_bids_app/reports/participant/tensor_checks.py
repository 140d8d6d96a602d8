"""The figures by which a person checks the maps of the diffusion tensor."""

from collections.abc import Mapping

import nibabel as nib
import numpy as np

from motor_bids_app.reports.figures import Row, draw_rows
from motor_bids_app.reports.pages import Figure
from motor_bids_app.reports.participant.checks import png

TENSOR_MAPS = {  # name -> label, colours, limits, unit, factor from the map's unit
    "fa": ("FA", "gray", (0.0, 0.8), "", 1.0),
    "md": ("MD", "viridis", (0.0, 2.0), "µm²/ms", 1e3),
    "rd": ("RD", "viridis", (0.0, 2.0), "µm²/ms", 1e3),
    "ad": ("AD", "viridis", (0.0, 2.5), "µm²/ms", 1e3),
}


def tensor_maps(maps: Mapping[str, nib.Nifti1Image], brain: nib.Nifti1Image) -> Figure:
    """Show tensor maps (keys fa, md, rd, ad; diffusivities in mm2/s) with their scales."""
    rows = []
    for name, (label, colours, limits, unit, scale) in TENSOR_MAPS.items():
        if name in maps:
            row = Row(
                image=maps[name],
                label=label,
                colours=colours,
                limits=limits,
                unit=unit,
                scale=scale,
            )
            rows.append(row)
    shown = ", ".join(row.label for row in rows)
    return png(
        "tensor-maps",
        "Tensor maps",
        "Fractional anisotropy (FA; no unit) should be high in white matter, above all in the "
        "corpus callosum and the internal capsule. Diffusivities (mean, radial, axial) are about "
        "0.7 µm²/ms in tissue and 3 in fluid.",
        f"Axial slices of {shown} with colour bars",
        draw_rows(rows, around=brain),
    )


def tensor_residual(rmse: nib.Nifti1Image, brain: nib.Nifti1Image) -> Figure:
    """Show the root mean square of what the tensor leaves of the signals."""
    inside = np.asarray(rmse.dataobj)[np.asarray(brain.dataobj) > 0]
    high = float(f"{np.percentile(inside, 99):.2g}") if inside.size else 0.0
    row = Row(image=rmse, label="residual", colours="magma", limits=(0, high or 1), unit="signal")
    return png(
        "tensor-residual",
        "Residuals of the tensor fit",
        "Root mean square of the residuals (signal minus tensor) over volumes. They are highest "
        "in pulsating fluid; bright slices or edges all around the brain indicate artefacts or "
        "residual motion.",
        "Axial slices of the residual of the tensor fit with a colour bar",
        draw_rows([row], around=brain),
    )


def colour_fa(colours: nib.Nifti1Image, brain: nib.Nifti1Image) -> Figure:
    """Show the direction of fibres as a colour, as bright as FA is high.

    `colours`, shape (X, Y, Z, 3): FA times the size of each component of the principal direction
    (left-right, front-back, up-down).
    """
    parts = np.moveaxis(np.asarray(colours.dataobj, dtype=np.float32), 3, 0)
    rgb = tuple(nib.Nifti1Image(part, colours.affine) for part in parts)
    _, _, limits, _, _ = TENSOR_MAPS["fa"]
    rows = [
        Row(image=rgb[0], plane=plane, rgb=rgb, limits=limits, label=label)
        for plane, label in (("axial", "colour FA"), ("coronal", ""), ("sagittal", ""))
    ]
    return png(
        "colour-fa",
        "Colour FA",
        "Main direction of the fibres. Red: left-right; green: front-back; blue: up-down; the "
        "brighter, the higher the fractional anisotropy (FA). The corpus callosum should be red "
        "where it crosses the midline, and the corticospinal tract blue from the brainstem to the "
        "internal capsule: other colours indicate a wrong gradient table.",
        "Axial, coronal and sagittal slices coloured by the main direction of the fibres",
        draw_rows(rows, around=brain),
    )
