"""Which regions a lesion hits, as the page of a participant shows it."""

import pandas as pd

from motor_bids_app.reports.pages import Table

_MOST = 10


def lesion_regions(overlap: pd.DataFrame) -> Table:
    """List the regions with most of the lesion, the first ten.

    Parameters
    ----------
    overlap : DataFrame
        One row per region: region, lesioned_ml, share_of_region and share_of_lesion.
    """
    struck = overlap[overlap["lesioned_ml"] > 0].sort_values(
        "lesioned_ml", ascending=False, kind="stable"
    )
    rows = tuple(
        (
            _in_words(str(row["region"])),
            f"{row['lesioned_ml']:.2f}",
            _percent(row["share_of_region"]),
            _percent(row["share_of_lesion"]),
        )
        for _, row in struck.head(_MOST).iterrows()
    )
    return Table(
        caption="Where most of the lesion is, by regions of CerebrA in the standard space; most "
        "white matter is in none of them. All regions are in the table _desc-lesionoverlap.tsv.",
        columns=("Region", "Lesioned (ml)", "Of the region", "Of the lesion"),
        rows=rows,
        numeric=frozenset({1, 2, 3}),
    )


def _in_words(region: str) -> str:
    """Name of a region for people.

    >>> _in_words("Superior_Frontal_L")
    'Superior Frontal, left'
    """
    if region == "outside":
        return "in no region"
    for ending, side in (("_L", "left"), ("_R", "right")):
        if region.endswith(ending):
            return f"{region.removesuffix(ending).replace('_', ' ')}, {side}"
    return region.replace("_", " ")


def _percent(share: float) -> str:
    """Share in percent; empty where there is nothing to divide by."""
    return "" if pd.isna(share) else f"{100 * share:.0f} %"
