"""The figures by which a person checks the work on a bold series."""

from collections.abc import Mapping
from dataclasses import replace

import nibabel as nib
import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from motor_bids_app.reports.canvas import INK, SERIES, new_chart, styled, to_svg
from motor_bids_app.reports.figures import BRAIN, LESION, Layer, Row, draw_rows
from motor_bids_app.reports.pages import Figure
from motor_bids_app.reports.participant import checks
from motor_bids_app.reports.participant.motion import motion_chart

_TSNR = (0.0, 150.0)
_MEAN, _SPREAD = (-1.0, 1.0), (0.0, 0.6)  # Fisher z


def motion(
    parameters: NDArray[np.float64], displacement: NDArray[np.float64], *, limit: float
) -> Figure:
    """Draw where the head was during the series; parameters as of `motion_chart`."""
    chart = motion_chart(parameters, displacement, limit=limit, name="bold-motion")
    return replace(chart, title="Head motion during the bold")


def coregistration(
    mean: nib.Nifti1Image,
    head: nib.Nifti1Image,
    white_matter: nib.Nifti1Image,
    brain: nib.Nifti1Image,
) -> Figure:
    """Show the mean of the series on the anatomical grid under its outlines."""
    figure = checks.coregistration(mean, head, white_matter, brain, what="mean bold")
    return replace(
        figure,
        name="bold-coregistration",
        title="BOLD on the anatomy",
        caption="Mean BOLD image aligned with the anatomical image, with the outlines of its "
        "brain mask (orange) and white matter (blue). Ventricles and the edge of the brain should "
        "match the lines. Dark or compressed frontal and temporal lobes near air cavities "
        "indicate signal dropout or distortion.",
    )


def signal(image: nib.Nifti1Image, brain: nib.Nifti1Image) -> Figure:
    """Show the temporal signal to noise in the standard space, and what of the brain it covers.

    `image` is 0 where the bold has no signal; `brain` is the template's.
    """
    layers = [Layer(image=brain, colour=BRAIN)]
    rows = [
        Row(
            image=image,
            plane=plane,
            layers=layers,
            label=label,
            colours="viridis",
            limits=_TSNR,
            unit="ratio",
        )
        for plane, label in (("axial", "temporal signal to noise"), ("sagittal", ""))
    ]
    return Figure(
        name="bold-signal",
        title="Signal of the bold",
        caption="Temporal mean divided by standard deviation of each voxel in the standard space, "
        "before denoising. Orange: edge of the template's brain. Black areas inside the line were "
        "not covered or have lost their signal, and have no connectivity.",
        alt="Slices of the temporal signal-to-noise ratio with the edge of the template's brain.",
        data=draw_rows(rows, around=brain),
        media_type="image/png",
    )


def connectivity(
    maps: Mapping[str, nib.Nifti1Image],
    template: nib.Nifti1Image,
    seed: nib.Nifti1Image,
    brain: nib.Nifti1Image,
    side: str,
) -> Figure:
    """Show the mean and the standard deviation over windows of the connectivity with M1.

    `maps` has "mean" and "SD"; all are in the standard space.
    """
    return Figure(
        name="bold-connectivity",
        title=f"Connectivity with {side} M1",
        caption="Correlation of each voxel with M1 of the side of the lesion (left where there is "
        "none), as Fisher z, over sliding windows: mean and standard deviation across windows. "
        "Red outline: the seed. In most people the motor cortex of both sides and the midline "
        "between them correlate with the seed (red); a map that is red everywhere suggests "
        "residual motion or other noise.",
        alt=f"Slices of the mean and standard deviation of the connectivity with {side} M1.",
        data=draw_rows(_connectivity_rows(maps, template, seed), around=brain),
        media_type="image/png",
    )


def _connectivity_rows(
    maps: Mapping[str, nib.Nifti1Image], template: nib.Nifti1Image, seed: nib.Nifti1Image
) -> list[Row]:
    layers = [Layer(image=seed, colour=LESION)]
    rows = [
        Row(
            image=maps["mean"],
            plane=plane,
            layers=layers,
            label=label,
            colours="RdBu_r",
            limits=_MEAN,
            unit="z",
            cut_through=through,
        )
        for plane, label, through in (
            ("axial", "mean", None),
            ("coronal", "mean, through the seed", seed),
        )
    ]
    rows.append(
        Row(
            image=maps["SD"],
            layers=layers,
            label="standard deviation",
            colours="magma",
            limits=_SPREAD,
            unit="z",
        )
    )
    rows.append(
        Row(image=template, plane="coronal", layers=layers, label="template", cut_through=seed)
    )
    return rows


@styled
def coupling(seconds: NDArray[np.float64], values: NDArray[np.floating]) -> Figure:
    """Draw how M1 of the two sides goes together over time.

    Parameters
    ----------
    seconds : array, shape (windows,)
        Middle of each window.
    values : array, shape (windows,)
        Fisher z.
    """
    canvas, (axes,) = new_chart(7.2, 2.4)
    axes.plot(seconds, values, color=SERIES["series-1"], linewidth=1.4)
    axes.axhline(float(np.mean(values)), color=INK["muted"], linewidth=0.8, linestyle=(0, (4, 4)))
    axes.axhline(0, color=INK["rule"], linewidth=0.6, zorder=0)
    axes.set_xlabel("middle of the window, s")
    axes.set_ylabel("Fisher z")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    return Figure(
        name="bold-coupling",
        title="Coupling of left and right M1",
        caption="Correlation of M1 on the side of the lesion with its mirror region on the other "
        "side, in each window. Dashed: mean. Neighbouring windows share most of their volumes, so "
        "slow fluctuations of 0.3 and more arise by chance alone.",
        alt=f"Interhemispheric coupling over {len(values)} windows: mean {np.mean(values):.2f}, "
        f"from {np.min(values):.2f} to {np.max(values):.2f}.",
        data=to_svg(canvas, "bold-coupling"),
        media_type="image/svg+xml",
    )
