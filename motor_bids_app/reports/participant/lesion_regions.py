"""Which regions a lesion hits and which bundles it cuts, for the page of a participant."""

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
        caption="CerebrA regions with the largest part of the lesion, in the standard space; most "
        "white matter belongs to none of them. All regions are in the table "
        "_desc-lesionoverlap.tsv.",
        columns=("Region", "Lesioned (ml)", "Of the region", "Of the lesion"),
        rows=rows,
        numeric=frozenset({1, 2, 3}),
    )


def cut_bundles(bundles: pd.DataFrame) -> Table:
    """List the bundles of which most is cut, the first ten.

    Parameters
    ----------
    bundles : DataFrame
        One row per bundle: bundle, side, hemisphere, streamlines, cut and share.
    """
    met = bundles[bundles["cut"] > 0].sort_values("share", ascending=False, kind="stable")
    rows = tuple(
        (
            str(row["bundle"]).replace("_", " "),
            "" if pd.isna(row["side"]) else str(row["side"]),
            "" if pd.isna(row["hemisphere"]) else str(row["hemisphere"]),
            f"{row['cut']:.0f} of {row['streamlines']:.0f}",
            _percent(row["share"]),
        )
        for _, row in met.head(_MOST).iterrows()
    )
    return Table(
        caption="White matter bundles (HCP842) that the lesion disconnects most, based on "
        "streamlines of other people. All are in the table _desc-disconnectedbundles.tsv; regions "
        "and pairs of regions that lose streamlines are in two other tables.",
        columns=("Bundle", "Side", "Hemisphere", "Streamlines cut", "Share"),
        rows=rows,
        numeric=frozenset({4}),
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
