"""What the group page shows of the images: quality side by side, and the lesions together."""

from collections.abc import Sequence
from textwrap import fill

import nibabel as nib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from motor_bids_app.reports.canvas import styled
from motor_bids_app.reports.experiment.charts import chart_figure, colour, jitter
from motor_bids_app.reports.experiment.marks import People
from motor_bids_app.reports.figures import BRAIN, LESION, Layer, Row, draw_rows
from motor_bids_app.reports.pages import Figure, Table


def quality_table(table: pd.DataFrame, measures: Sequence[str]) -> Table:
    """List measures by scan, the outliers first.

    Parameters
    ----------
    table : DataFrame
        participant_id, session_id, the measures, and outlier_in (names, or missing).
    measures : sequence of str
        Columns to show.
    """
    flagged = table.assign(_last=table["outlier_in"].isna())
    flagged = flagged.sort_values(["_last", "participant_id"], kind="stable")
    if flagged["session_id"].isna().all():
        flagged = flagged.drop(columns="session_id")
    flagged["outlier_in"] = flagged["outlier_in"].str.replace("_", " ").fillna("")
    names = {"participant_id": "Participant", "session_id": "Session", "outlier_in": "Outlier in"}
    names |= {name: name.replace("_", " ") for name in measures}
    return Table.of(
        flagged,
        "Quality of each scan. An outlier is more than 3 scaled median absolute deviations from "
        "the median of the cohort, with at least 5 values; it is flagged, not excluded.",
        {name: title for name, title in names.items() if name in flagged},
    )


@styled
def quality_strips(table: pd.DataFrame, measures: Sequence[str]) -> Figure:
    """Draw every scan in each measure of quality; `table` as of `quality_table`."""
    shown = [name for name in measures if table[name].notna().any()]
    canvas = Canvas(figsize=(7.2, 0.3 + 0.62 * len(shown)), layout="compressed")
    people = []
    for axes, name in zip(canvas.subplots(len(shown), squeeze=False)[:, 0], shown, strict=True):
        one = table[table[name].notna()].sort_values(name, kind="stable")
        values, heights = one[name].to_numpy(dtype=float), jitter(len(one))
        far = np.array([name in str(listed).split(", ") for listed in one["outlier_in"]])
        for some, marker, shade in ((~far, "o", colour(0)), (far, "D", colour(1))):
            axes.scatter(
                values[some],
                heights[some],
                s=16,
                marker=marker,
                color=shade,
                alpha=0.65,
                linewidths=0,
            )
        sessions = one["session_id"].fillna("").tolist()
        people.append(People(axes, one["participant_id"].tolist(), values, heights, sessions))
        axes.set(ylim=(-0.3, 0.3), yticks=[])
        axes.set_ylabel(fill(name.replace("_", " "), 16), rotation=0, ha="right", va="center")
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    return chart_figure(
        canvas,
        "quality-strips",
        "Quality of each scan",
        "One mark per scan and measure; group/quality.json gives the units. Orange diamonds are "
        "outliers: more than 3 scaled median absolute deviations from the median of the cohort. "
        "The height of marks has no meaning.",
        f"Strips of {len(shown)} measures of quality of {len(table)} scans",
        people,
    )


def lesion_overlap_figure(
    count: nib.Nifti1Image, template: nib.Nifti1Image, brain: nib.Nifti1Image, n_people: int
) -> Figure:
    """Draw how many people have a lesion where, on the template.

    Parameters
    ----------
    count, template, brain : Nifti1Image, shape (X, Y, Z)
        People per voxel; the template and its brain mask on the same grid.
    n_people : int
        People with a lesion mask.
    """
    values = np.asarray(count.dataobj, dtype=np.float32)
    peak = max(int(values.max()), 1)
    shown = nib.Nifti1Image(values / peak, count.affine)
    anywhere = nib.Nifti1Image((values > 0).astype(np.uint8), count.affine)
    cut = anywhere if values.any() else None
    rows = [
        Row(
            image=template,
            layers=[Layer(image=shown, colour=LESION, style="tint")],
            label="template",
            cut_through=cut,
        ),
        Row(
            image=count,
            layers=[Layer(image=brain, colour=BRAIN)],
            colours="inferno",
            limits=(0.0, float(peak)),
            unit="people",
            label="count",
            cut_through=cut,
        ),
    ]
    return Figure(
        name="lesion-overlap",
        title="Lesion overlap",
        caption=f"Lesions of {n_people} people in the standard space; at most {peak} of them "
        "share a voxel. Models can learn nothing about places where hardly anyone has a lesion.",
        alt="Slices of the template with the number of people who have a lesion in each voxel.",
        data=draw_rows(rows, around=brain),
        media_type="image/png",
    )
