"""What the final model looks at: maps over the template, their checks, and their peaks."""

from collections.abc import Mapping
from dataclasses import dataclass

import nibabel as nib
import numpy as np
import pandas as pd

from motor_bids_app.reports.figures import Row, draw_rows
from motor_bids_app.reports.pages import Figure, Reference, Table

REFERENCES = {
    "gradcam": Reference(
        key="Selvaraju et al. 2017",
        citation="Selvaraju RR, Cogswell M, Das A, et al. Grad-CAM: visual explanations from deep "
        "networks via gradient-based localization. ICCV, 618-626 (2017).",
        doi="10.1109/ICCV.2017.74",
    ),
    "integrated_gradients": Reference(
        key="Sundararajan et al. 2017",
        citation="Sundararajan M, Taly A, Yan Q. Axiomatic attribution for deep networks. ICML, "
        "3319-3328 (2017).",
    ),
    "pattern": Reference(
        key="Haufe et al. 2014",
        citation="Haufe S, Meinecke F, Görgen K, et al. On the interpretation of weight vectors of "
        "linear models in multivariate neuroimaging. NeuroImage 87, 96-110 (2014).",
        doi="10.1016/j.neuroimage.2013.10.067",
    ),
    "": Reference(
        key="Adebayo et al. 2018",
        citation="Adebayo J, Gilmer J, Muelly M, et al. Sanity checks for saliency maps. NeurIPS "
        "(2018).",
    ),
}
NOT_CAUSE = (
    "The maps show what this model responds to, not what causes impairment, and not what a better "
    "model would use; a region without colour may still matter."
)
_CHECKS = {
    "randomised": "Similarity to an untrained model (low is good; integrated gradients, which "
    "contain the person's own maps, reach 0.5 from that alone)",
    "deletion": "Area under the deletion curve of the output (good: below that of a random order)",
    "stability": "Correlation between models of different training folds (high is good)",
    "completeness": "Share of the output not explained by the map (0 is good)",
}
_PLACES = {
    "lesion": "the person's own lesion",
    "cst": "corticospinal tracts",
    "motor": "motor regions (AAL)",
}
_DIM = 1.6  # of a template of 1 at most, so that colours stand out
_HIGHEST = 99.8  # percentile of sizes at the ends of the colours


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The section of the experiment's page."""

    sentences: tuple[str, ...]
    figures: tuple[Figure, ...]
    checks: Table
    places: Table
    peaks: Table
    references: tuple[Reference, ...] = ()


def attribution_figure(
    method: str,
    title: str,
    meaning: str,
    maps: Mapping[str, nib.Nifti1Image],
    template: nib.Nifti1Image,
    unit: str,
) -> Figure:
    """Draw the maps of one method over the template, one row of axial slices each.

    Parameters
    ----------
    method, title : str
        Name, as "gradcam", and the same for people.
    meaning : str
        A sentence on what a positive value says.
    maps : mapping of Nifti1Image, shape (X, Y, Z)
        Attributions by name of the map.
    template : Nifti1Image, shape (X, Y, Z)
        On their grid.
    unit : str
        For the caption.
    """
    sizes = np.abs(np.stack([np.asarray(image.dataobj) for image in maps.values()]))
    limit = float(np.percentile(sizes[sizes > 0], _HIGHEST)) if sizes.any() else 1.0
    rows = [
        Row(
            image=template,
            label=name.upper(),
            signed=image,
            signed_limit=limit,
            unit="",
            limits=(0, _DIM),
        )
        for name, image in maps.items()
    ]
    return Figure(
        name=f"explanation-{method.replace('_', '-')}",
        title=title,
        caption=f"How to read it: {meaning} Red: positive; blue: negative; no colour: close to 0. "
        f"All rows share one scale, from {-limit:.2g} to {limit:.2g} ({unit}). Slices run from "
        f"the bottom to the top of the brain, left at the left. {NOT_CAUSE}",
        alt=f"{title} over axial slices of the template, for {', '.join(maps)}.",
        data=draw_rows(rows, around=template),
        media_type="image/png",
    )


def check_table(table: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    """Show the checks that are not about places."""
    shown = table[table["check"] != "share"].copy()
    shown["method"] = shown["method"].map(titles)
    shown["check"] = shown["check"].map(_CHECKS)
    return Table.of(
        shown,
        "Sanity checks of the maps. A map that fails the first check shows the shape of the brain "
        "or the structure of the network, not what was learned. Linear models get no verdict on "
        "it, because their weights follow what varies most between people whatever they learn. "
        "Training folds share most of their people, so stability looks better here than it would "
        "in new cohorts.",
        {
            "method": "Method",
            "check": "Check",
            "value": "Value",
            "expected": "Compare with",
            "state": "Result",
        },
    )


def place_table(table: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    """Show how much of the attribution is in places that matter for movement."""
    shown = table[table["check"] == "share"].copy()
    shown["method"] = shown["method"].map(titles)
    shown["region"] = shown["region"].map(_PLACES)
    shown["ratio"] = shown["value"] / shown["expected"]
    return Table.of(
        shown,
        "Share of the absolute attribution in motor structures, and their share of the volume "
        "that the model sees: an even map has a ratio of 1.",
        {
            "method": "Method",
            "region": "In",
            "value": "Share of attribution",
            "expected": "Share of volume",
            "ratio": "Ratio",
        },
    )


def peak_list(peaks: pd.DataFrame, titles: Mapping[str, str]) -> Table:
    """Show coordinates and regions of the peaks."""
    shown = peaks.copy()
    shown["method"] = shown["method"].map(titles)
    return Table.of(
        shown,
        "Peaks, largest first: coordinates in mm (RAS: right, anterior and superior are positive) "
        "and the AAL region, or the nearest one within 10 mm.",
        {
            "method": "Method",
            "map": "Map",
            "x": "x",
            "y": "y",
            "z": "z",
            "value": "Value",
            "region": "Region",
            "distance": "Distance to it (mm)",
        },
    )
