"""Columns of the features table about bundles that a lesion cuts."""

from collections.abc import Iterator

from motor_bids_app.spaces.tractograms import HCP842, hcp842_bundles

DISCONNECTION = r"disconnection_[a-z0-9_]+"  # regular expression of their names
_SIDES = ("left", "right")


def disconnection_column(bundle: str) -> str:
    """Name the column of a bundle.

    >>> disconnection_column("corticospinal_tract_left")
    'disconnection_corticospinal_tract_left'
    """
    return f"disconnection_{bundle}"


def disconnection_columns() -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each column with its description and unit."""
    for bundle in hcp842_bundles():
        stem, _, side = bundle.rpartition("_")
        words = f"{side} {stem}" if side in _SIDES else bundle
        yield (
            disconnection_column(bundle),
            (
                f"Share of the streamlines of the {words.replace('_', ' ')} ({HCP842}) that the "
                "lesion cuts",
                "arbitrary",
            ),
        )
