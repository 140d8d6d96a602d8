"""Tables of a participant's page about the lesion, from those that were saved."""

from pathlib import Path

import pandas as pd

from motor_bids_app.bids.tables.tsv import read_table
from motor_bids_app.levels.participant.disconnection import BUNDLES, disconnection_table
from motor_bids_app.levels.participant.outputs import Outputs
from motor_bids_app.reports.pages import Table
from motor_bids_app.reports.participant.lesion_regions import cut_bundles, lesion_regions

_OVERLAP = ["lesioned_ml", "share_of_region", "share_of_lesion"]  # columns of numbers
_CUT = ["streamlines", "cut", "share"]


def lesion_tables(outputs: Outputs) -> tuple[Table, ...]:
    """Return the regions that a lesion hits and the bundles that it cuts, where they are known."""
    tables = []
    if outputs.overlap_table.is_file():
        tables.append(lesion_regions(_read(outputs.overlap_table, _OVERLAP)))
    path = disconnection_table(outputs, BUNDLES)
    if path.is_file():
        tables.append(cut_bundles(_read(path, _CUT)))
    return tuple(tables)


def _read(path: Path, numbers: list[str]) -> pd.DataFrame:
    table = read_table(path)
    return table.assign(**{name: table[name].astype(float) for name in numbers})
