"""Where the measures of a scan lie among all scans, as the group level tabled them."""

from collections.abc import Mapping

import pandas as pd

from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.errors import MotorBidsAppError
from motor_bids_app.levels.participant.outputs import Outputs

TABLE = ("group", "quality.tsv")
_FEWEST = 5  # scans, of which a place says something


def positions(outputs: Outputs) -> Mapping[str, str]:
    """Return the place of each measure among all scans, from the lowest: "3 of 40".

    Empty before the group level has run, for a scan that it did not see, and for measures of
    fewer than 5 scans. Pages of before are made again by ``participant --reports-only``.
    """
    path = outputs.root.joinpath(*TABLE)
    if not path.is_file():
        return {}
    try:
        table = read_table(path)
    except MotorBidsAppError:  # it is not what a page of one participant stands or falls with
        return {}
    own = table["participant_id"] == f"sub-{outputs.participant}"
    if outputs.session:
        own &= table["session_id"] == f"ses-{outputs.session}"
    numbers = table.drop(columns=["participant_id", "session_id"], errors="ignore")
    numbers = numbers.apply(pd.to_numeric, errors="coerce")
    if not own.any():
        return {}
    places = numbers.rank(method="min")[own].iloc[0].dropna()
    counts = numbers.notna().sum()
    return {
        str(name): f"{place:.0f} of {counts[name]}"
        for name, place in places.items()
        if counts[name] >= _FEWEST
    }
