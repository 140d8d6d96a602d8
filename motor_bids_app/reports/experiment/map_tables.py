"""Tables of which maps an ensemble of networks averages (cbam2025)."""

import pandas as pd

from motor_bids_app.reports.experiment.charts import METRICS
from motor_bids_app.reports.pages import Table


def subset_table(table: pd.DataFrame, metric: str) -> Table:
    """One row per subset of maps, the best first."""
    shown = table[table["metric"] == metric].sort_values("value", ascending=False, kind="stable")
    rows = tuple(
        (str(maps), str(n), f"{value:.2f}")
        for maps, n, value in zip(shown["maps"], shown["n_maps"], shown["value"], strict=True)
    )
    return Table(
        caption="Mean out-of-fold prediction of the single-map networks, for every subset of "
        f"maps. Not for choosing maps: the best of {len(rows)} subsets is best partly by chance. "
        "The result above uses maps chosen within each training fold.",
        columns=("Maps", "Number of maps", METRICS.get(metric, metric)),
        rows=rows,
        numeric=frozenset({1, 2}),
    )


def chosen_table(table: pd.DataFrame) -> Table:
    """One row per fitted model: the maps it averages."""
    most = table["maps"].value_counts()
    single = bool((table["training"] == 1).all())
    names = {"repeat": "Repeat", "fold": "Test set", "training": "Training", "maps": "Maps chosen"}
    if single:
        names.pop("training")
    return Table.of(
        table,
        "Maps whose networks each model averages, chosen within its own training fold. Most "
        f"often: {most.index[0]}, {most.iloc[0]} of {len(table)} times. If the choice changes "
        "from fold to fold, no map can be called the best.",
        names,
    )
